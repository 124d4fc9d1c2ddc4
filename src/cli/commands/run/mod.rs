//! `tokctl run`: runs a command with tokens in its environment or in files.

mod variable;
mod env_file;
mod args;
mod wishes;
mod resolve;
mod masker;
mod pump;
mod token_files;
mod child;
mod keep_fresh;
mod supervision;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use zeroize::Zeroizing;

pub(crate) use self::args::Args;
use self::child::Program;
use self::keep_fresh::Keeper;
use self::masker::Secrets;
use self::pump::{StreamTarget, target_of};
use self::resolve::Resolved;
use self::supervision::Masked;
use self::token_files::TokenFiles;
use self::variable::Variable;
use self::wishes::Wish;
use crate::cli::ci_mask::{self, CiMask};
use crate::cli::context::Context;
use crate::cli::environment::Environment;
use crate::cli::error::{CliError, Kind};
use crate::model::reference::{Field, Reference};
use crate::secret::SecretText;
use crate::signals;

/// Returns the directories with tokens that killed `tokctl run --file` processes left behind.
pub(crate) fn left_token_directories(environment: &Environment) -> Vec<PathBuf> {
    token_files::find_abandoned(environment)
}

/// Runs the command that `args` name, and returns its exit code unless it replaces tokctl.
pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let mut wishes = wishes::collect(args, &context.environment)?;
    let resolved = resolve::resolve(context, &mut wishes, "run")?;
    let secrets = Secrets::default();
    for token in tokens(&wishes, resolved.as_ref()) {
        secrets.add(token);
        if let Some(platform) = args.ci_mask {
            ci_mask::mask(&context.ui, platform, [token])?;
        }
    }
    if context.environment.has_key_among_credentials() {
        context.ui.detail("the command gets no CREDENTIALS_DIRECTORY, since `tokctl.key` is in it");
    }
    let mut variables = values(&wishes, resolved.as_ref())?;
    let masked = choose_masked(args, &secrets);
    let has_files = wishes.values().any(|wish| matches!(wish, Wish::File(_)));
    if !has_files && !masked.is_any() {
        // Closes the vault before the command takes over this process.
        drop(resolved);
        let program = Program {
            line: &args.command,
            environment: &context.environment,
            variables: &variables,
        };
        return Err(program.replace_tokctl());
    }
    // Before any file exists that a signal would leave behind.
    let signals = signals::take_over().map_err(|error| preparation_error(&error))?;
    let opener = resolved.as_ref().map(|resolved| resolved.vault.opener());
    let files = if has_files {
        Some(Mutex::new(files(context, &wishes, resolved.as_ref(), &mut variables)?))
    } else {
        None
    };
    drop(resolved);
    let keeper = opener.as_ref().zip(files.as_ref()).map(|(opener, files)| Keeper {
        context,
        opener,
        wishes: &wishes,
        files,
        secrets: &secrets,
        ci_mask: args.ci_mask,
    });
    let program =
        Program { line: &args.command, environment: &context.environment, variables: &variables };
    supervision::run(context, &program, masked, &secrets, signals, keeper.as_ref())
        .map(ExitCode::from)
}

/// Returns the values that `assignments`, each NAME=REF, ask for, by the name of the variable, and
/// writes the commands that mask the tokens. All are there, or the error says which is not.
pub(super) fn named_values(
    context: &Context,
    assignments: &[String],
    command: &'static str,
    ci_mask: Option<CiMask>,
) -> Result<Vec<(String, Zeroizing<String>)>, CliError> {
    let mut wishes = wishes::assigned(assignments)?;
    let resolved = resolve::resolve(context, &mut wishes, command)?;
    for token in tokens(&wishes, resolved.as_ref()) {
        if let Some(platform) = ci_mask {
            ci_mask::mask(&context.ui, platform, [token])?;
        }
    }
    let references = wishes.iter().filter_map(|(name, wish)| Some((name, wish.reference()?)));
    references
        .map(|(name, reference)| Ok((name.to_string(), value(reference, resolved.as_ref())?)))
        .collect()
}

/// Returns the tokens and ID tokens that the command gets, each once.
fn tokens<'a>(
    wishes: &BTreeMap<Variable, Wish>,
    resolved: Option<&'a Resolved>,
) -> BTreeSet<&'a str> {
    let Some(Resolved { credentials, .. }) = resolved else { return BTreeSet::new() };
    let references = wishes.values().filter_map(Wish::reference);
    references
        .filter_map(|reference| {
            let credential = credentials.get(&reference.account)?;
            match reference.field {
                Field::Token => credential.token().map(SecretText::expose),
                Field::IdToken => credential.id_token().map(SecretText::expose),
                Field::Username | Field::ServerUrl | Field::ApiBaseUrl | Field::ExpiresAt => None,
            }
        })
        .collect()
}

/// Returns the variables that hold values themselves.
fn values(
    wishes: &BTreeMap<Variable, Wish>,
    resolved: Option<&Resolved>,
) -> Result<BTreeMap<Variable, OsString>, CliError> {
    let mut variables = BTreeMap::new();
    for (variable, wish) in wishes {
        let value = match wish {
            Wish::Text(text) => OsString::from(text.as_str()),
            Wish::Value(reference) => OsString::from(value(reference, resolved)?.as_str()),
            Wish::File(_) => continue,
        };
        variables.insert(variable.clone(), value);
    }
    Ok(variables)
}

/// Writes the files, and adds their paths to `variables`.
fn files(
    context: &Context,
    wishes: &BTreeMap<Variable, Wish>,
    resolved: Option<&Resolved>,
    variables: &mut BTreeMap<Variable, OsString>,
) -> Result<TokenFiles, CliError> {
    let mut files =
        TokenFiles::create(&context.environment).map_err(|error| preparation_error(&error))?;
    for (variable, wish) in wishes {
        if let Wish::File(reference) = wish {
            files
                .put(variable, value(reference, resolved)?)
                .map_err(|error| preparation_error(&error))?;
            variables.insert(variable.clone(), files.path(variable).into_os_string());
        }
    }
    Ok(files)
}

fn value(
    reference: &Reference,
    resolved: Option<&Resolved>,
) -> Result<Zeroizing<String>, CliError> {
    let found = resolved.and_then(|resolved| resolved.credentials.get(&reference.account));
    let credential = found.expect("every reference was resolved");
    resolve::value(reference, credential)
}

/// Decides which of the command's streams are masked: those that another program reads.
fn choose_masked(args: &Args, secrets: &Secrets) -> Masked {
    let is_masked = |leads| match leads {
        StreamTarget::Program => !args.no_masking,
        StreamTarget::File => args.mask,
        StreamTarget::Device => false,
    };
    let there_are_some = !secrets.is_empty();
    #[expect(clippy::disallowed_methods, reason = "nothing is written to it")]
    let stderr = io::stderr();
    Masked {
        stdout: there_are_some && is_masked(target_of(io::stdout())),
        stderr: there_are_some && is_masked(target_of(stderr)),
    }
}

fn preparation_error(error: &io::Error) -> CliError {
    CliError::new(Kind::Failed, "the command's files could not be prepared")
        .caused_by(error)
        .hint("see that XDG_RUNTIME_DIR or TMPDIR names a directory of yours with room in it")
}
