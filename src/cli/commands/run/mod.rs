//! `tokctl run`: runs a command with tokens in its environment or in files.

mod variable;
mod env_file;
mod args;
mod wishes;
mod resolve;
mod forms;
mod needles;
mod secrets;
mod masker;
mod pump;
mod token_files;
mod child;
mod keep_fresh;
mod supervision;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use zeroize::Zeroizing;

pub(crate) use self::args::Args;
use self::child::Program;
use self::keep_fresh::{Keeper, TokenSource};
use self::pump::{StreamTarget, are_one, target_of};
use self::resolve::Resolved;
use self::secrets::Secrets;
use self::supervision::Masked;
use self::token_files::TokenFiles;
use self::variable::Variable;
use self::wishes::Wish;
use crate::cli::ci_mask::{self, CiMask};
use crate::cli::context::Context;
use crate::cli::environment::Environment;
use crate::cli::error::{CliError, Kind};
use crate::model::account::Account;
use crate::model::credential::Credential;
use crate::model::reference::{Field, Reference};
use crate::secret::SecretText;
use crate::signals;

/// Returns the directories with tokens that killed `tokctl run --file` processes left behind.
pub(crate) fn left_token_directories(environment: &Environment) -> Vec<PathBuf> {
    token_files::find_abandoned(environment)
}

/// Runs the command that `args` name, and returns its exit code unless it replaces tokctl.
pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let mut wishes = wishes::collect(args, context)?;
    let resolved = resolve::resolve(context, &mut wishes, "run")?;
    context.withhold_secrets();
    for credential in resolved.iter().flat_map(|resolved| resolved.credentials.values()) {
        withhold_identity(context, credential);
    }
    let secrets = Secrets::default();
    let tokens = tokens(&wishes, resolved.as_ref());
    for token in tokens.keys() {
        secrets.add(token);
        if let Some(platform) = args.ci_mask {
            ci_mask::mask(&context.ui, platform, [*token])?;
        }
    }
    if context.environment.has_key_among_credentials() {
        context.ui.detail("the command gets no CREDENTIALS_DIRECTORY, since `tokctl.key` is in it");
    }
    let mut variables = values(&wishes, resolved.as_ref())?;
    let masked = choose_masked(context, args, &tokens);
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
    let source = resolved.as_ref().map(TokenSource::of);
    let files = if has_files {
        Some(Mutex::new(files(context, &wishes, resolved.as_ref(), &mut variables)?))
    } else {
        None
    };
    drop(resolved);
    let keeper = source.as_ref().zip(files.as_ref()).map(|(source, files)| Keeper {
        context,
        source,
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

/// Keeps from the command what brings the identity token with which `credential` is renewed.
fn withhold_identity(context: &Context, credential: &Credential) {
    for variable in credential.workload().iter().flat_map(|workload| workload.variables()) {
        context.environment.withhold(variable);
    }
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
    for token in tokens(&wishes, resolved.as_ref()).keys() {
        if let Some(platform) = ci_mask {
            ci_mask::mask(&context.ui, platform, [*token])?;
        }
    }
    let references = wishes.iter().filter_map(|(name, wish)| Some((name, wish.reference()?)));
    references
        .map(|(name, reference)| Ok((name.to_string(), value(reference, resolved.as_ref())?)))
        .collect()
}

/// Returns the tokens and ID tokens that the command gets, each once, with one of the accounts that
/// they are of.
fn tokens<'a>(
    wishes: &BTreeMap<Variable, Wish>,
    resolved: Option<&'a Resolved>,
) -> BTreeMap<&'a str, &'a Account> {
    let Some(Resolved { credentials, .. }) = resolved else { return BTreeMap::new() };
    let references = wishes.values().filter_map(Wish::reference);
    references
        .filter_map(|reference| {
            let (account, credential) = credentials.get_key_value(&reference.account)?;
            let secret = match reference.field {
                Field::Token => credential.token().map(SecretText::expose),
                Field::IdToken => credential.id_token().map(SecretText::expose),
                Field::Username | Field::ServerUrl | Field::ApiBaseUrl | Field::ExpiresAt => None,
            };
            Some((secret?, account))
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
            Wish::Value(_) => match wish.reference() {
                Some(reference) => OsString::from(value(reference, resolved)?.as_str()),
                None => continue,
            },
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
        if let (Wish::File(_), Some(reference)) = (wish, wish.reference()) {
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

/// The longest time to hold back text in front of a person.
const WATCHED: Duration = Duration::from_millis(100);

/// The longest time to hold back text that only a log waits for.
const UNWATCHED: Duration = Duration::from_secs(2);

/// Decides which of the command's streams are masked: those that another program reads, and logs.
/// Warns of tokens that are too short for it.
fn choose_masked(context: &Context, args: &Args, tokens: &BTreeMap<&str, &Account>) -> Masked {
    #[expect(clippy::disallowed_methods, reason = "nothing is written to it")]
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let in_ci = context.environment.is_on("CI");
    let is_log = in_ci || are_one(stdout.as_fd(), stderr.as_fd());
    let is_masked = |target| match target {
        StreamTarget::Program | StreamTarget::Log => !args.no_masking,
        StreamTarget::File => args.mask || (is_log && !args.no_masking),
        StreamTarget::Device => false,
    };
    let is_watched =
        !in_ci && (io::stdin().is_terminal() || stdout.is_terminal() || stderr.is_terminal());
    let mut masked = Masked {
        stdout: is_masked(target_of(&stdout)),
        stderr: is_masked(target_of(&stderr)),
        patience: if is_watched { WATCHED } else { UNWATCHED },
    };
    if masked.is_any() && args.ci_mask.is_none() {
        for (_, account) in tokens.iter().filter(|(token, _)| secrets::is_too_short(token)) {
            context.ui.warning(&format!(
                "the token of `{account}` is too short to be masked, so the command's output may \
                 show it"
            ));
        }
    }
    if tokens.keys().all(|token| secrets::is_too_short(token)) {
        (masked.stdout, masked.stderr) = (false, false);
    }
    masked
}

fn preparation_error(error: &io::Error) -> CliError {
    CliError::new(Kind::Failed, "the command's files could not be prepared")
        .caused_by(error)
        .hint("see that XDG_RUNTIME_DIR or TMPDIR names a directory of yours with room in it")
}
