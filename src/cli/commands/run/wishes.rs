//! The variables and files that flags, a file and the environment request for the command.

use std::collections::BTreeMap;
use std::path::Path;

use zeroize::Zeroizing;

use super::args::Args;
use super::env_file;
use super::variable::{Refusal, Variable};
use crate::cli::choice::Choice;
use crate::cli::context::{ANSWERED, Context};
use crate::cli::error::{CliError, Kind};
use crate::cli::explain::untrusted_file;
use crate::cli::stdin;
use crate::cli::typed::quoted;
use crate::model::reference::{self, Field, Named, Reference, SCHEME};
use crate::ops::Vault;
use crate::private_file;
use crate::untrusted::printable;

/// The size limit of a file of variables, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The source of a variable's value.
#[derive(Debug)]
pub(super) enum Wish {
    /// A fixed text.
    Text(Zeroizing<String>),
    /// The value of what is named.
    Value(Named),
    /// The path of a file that holds the value of what is named.
    File(Named),
}

impl Wish {
    /// Returns the reference to a credential. There is none for a service or an address that is named
    /// without a user, before its credential is looked up.
    pub(super) fn reference(&self) -> Option<&Reference> {
        match self.named()? {
            Named::Credential(reference) => Some(reference),
            Named::Provider(_) | Named::Address(_) => None,
        }
    }

    /// Returns what is named, if anything is.
    fn named(&self) -> Option<&Named> {
        match self {
            Self::Text(_) => None,
            Self::Value(named) | Self::File(named) => Some(named),
        }
    }

    /// Returns what is named, to be changed, if anything is.
    pub(super) fn named_mut(&mut self) -> Option<&mut Named> {
        match self {
            Self::Text(_) => None,
            Self::Value(named) | Self::File(named) => Some(named),
        }
    }
}

/// Returns everything that is requested. Flags override the file, and the file overrides the
/// environment.
pub(super) fn collect(
    args: &Args,
    context: &Context,
) -> Result<BTreeMap<Variable, Wish>, CliError> {
    let mut wishes = BTreeMap::new();
    let only = allowed(&args.only, context)?;
    if args.resolve_env {
        let texts = context.environment.texts();
        for (name, value) in texts.filter(|(_, value)| value.starts_with(SCHEME)) {
            let variable = in_environment(name)?;
            let named = named(value, &variable, "the environment")?;
            expect_allowed(&only, &named, "the environment")?;
            wishes.insert(variable, Wish::Value(named));
        }
    }
    for path in &args.env_file {
        wishes.extend(in_file(path, &only, context)?);
    }
    let mut flagged = BTreeMap::new();
    let flags = args.env.iter().map(|text| ("`--env`", text));
    for (flag, text) in flags.chain(args.file.iter().map(|text| ("`--file`", text))) {
        let (variable, named) = assignment(flag, text)?;
        let wish = if flag == "`--file`" { Wish::File(named) } else { Wish::Value(named) };
        add(&mut flagged, variable, wish)?;
    }
    wishes.extend(flagged);
    Ok(wishes)
}

/// Returns what `assignments`, each NAME=REF, request.
pub(super) fn assigned(assignments: &[String]) -> Result<BTreeMap<Variable, Wish>, CliError> {
    let mut wishes = BTreeMap::new();
    for text in assignments {
        let (variable, named) = assignment("`env`", text)?;
        add(&mut wishes, variable, Wish::Value(named))?;
    }
    Ok(wishes)
}

fn add(
    wishes: &mut BTreeMap<Variable, Wish>,
    variable: Variable,
    wish: Wish,
) -> Result<(), CliError> {
    if wishes.contains_key(&variable) {
        return Err(CliError::new(Kind::Usage, format!("`{variable}` is named twice"))
            .hint("give each variable one value"));
    }
    wishes.insert(variable, wish);
    Ok(())
}

/// Parses `NAME=REF`, given to `place`. No message repeats the text, because it may be a secret.
fn assignment(place: &str, text: &str) -> Result<(Variable, Named), CliError> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(CliError::new(Kind::Usage, format!("{place} takes NAME=REF"))
            .hint("write it as in TOKEN=jira/alice@example.com"));
    };
    let variable = variable(name, place)?;
    let named = named(value, &variable, place)?;
    Ok((variable, named))
}

/// Parses the name of a variable that is set already, and so is no secret.
fn in_environment(name: &str) -> Result<Variable, CliError> {
    if name.parse::<Variable>() == Err(Refusal::Name) {
        let what = format!("the environment names `{}`, which no shell takes", printable(name));
        return Err(CliError::new(Kind::Usage, what)
            .caused_by(&Refusal::Name)
            .hint(format!("env -u {} tokctl run --help", quoted(name))));
    }
    variable(name, "the environment")
}

/// Parses the name of a variable. No message repeats a malformed one, because it may be part of a
/// secret.
fn variable(name: &str, place: &str) -> Result<Variable, CliError> {
    judged(name.parse(), name, place)
}

fn judged(
    parsed: Result<Variable, Refusal>,
    name: &str,
    place: &str,
) -> Result<Variable, CliError> {
    parsed.map_err(|refusal| {
        let what = match refusal {
            Refusal::Name => format!("{place} names no variable"),
            Refusal::Loader
            | Refusal::Shell
            | Refusal::Interpreter
            | Refusal::Program
            | Refusal::Settings
            | Refusal::Own => format!("{place} names `{name}`, which tokctl does not set"),
        };
        CliError::new(Kind::Usage, what).caused_by(&refusal).hint("name another variable")
    })
}

fn named(text: &str, variable: &Variable, place: &str) -> Result<Named, CliError> {
    text.parse().map_err(|error: reference::Error| {
        CliError::new(Kind::Usage, format!("{place} gives `{variable}` no valid reference"))
            .caused_by(&error)
            .hint("tokctl list")
    })
}

/// Returns what a file requests, or stdin for `-`.
fn in_file(
    path: &Path,
    only: &[Named],
    context: &Context,
) -> Result<BTreeMap<Variable, Wish>, CliError> {
    let is_stdin = path == Path::new("-");
    let (bytes, shown) = if is_stdin {
        (Zeroizing::new(stdin::bytes(LARGEST)?), "stdin".to_owned())
    } else {
        let read = private_file::read_trusted(path, LARGEST, || ANSWERED);
        let (bytes, _) = read.map_err(|error| untrusted_file(Kind::Usage, &error))?;
        (Zeroizing::new(bytes), format!("`{}`", printable(&path.to_string_lossy())))
    };
    let mend = |line: usize| {
        let source = quoted(&path.to_string_lossy());
        let source = if is_stdin { "what stdin gets" } else { source.as_str() };
        format!("mend line {line} of {source}")
    };
    let entries = env_file::parse(&bytes).map_err(|slip| {
        CliError::new(Kind::Usage, format!("{shown}, line {}: {}", slip.line, slip.what))
            .hint(mend(slip.line))
    })?;
    let mut wishes = BTreeMap::new();
    for env_file::Entry { line, name, value } in entries {
        let place = format!("line {line} of {shown}");
        let (variable, wish) = if value.starts_with(SCHEME) {
            let variable = variable(&name, &place)?;
            let named = named(&value, &variable, &place)?;
            expect_allowed(only, &named, &place)?;
            (variable, Wish::Value(named))
        } else if value.contains(SCHEME) {
            let what = format!("{place} holds a reference within other text");
            return Err(
                CliError::new(Kind::Usage, what).hint("give the reference a variable of its own")
            );
        } else {
            (judged(Variable::for_plain_text(&name), &name, &place)?, Wish::Text(value))
        };
        // As in a shell, the last one counts.
        wishes.insert(variable, wish);
    }
    let named = wishes.iter().filter_map(|(variable, wish)| Some((variable, wish.named()?)));
    let named: Vec<String> =
        named.map(|(variable, named)| format!("{variable} = {named}")).collect();
    let named = if named.is_empty() { "no credential".to_owned() } else { named.join(", ") };
    context.ui.detail(&format!("{shown} names {named}"));
    Ok(wishes)
}

/// Returns `only` with the credentials that the vault keeps for an address in its place: references
/// name those.
fn allowed(only: &[Named], context: &Context) -> Result<Vec<Named>, CliError> {
    let mut allowed = Vec::new();
    for named in only {
        let Named::Address(_) = named else {
            allowed.push(named.clone());
            continue;
        };
        let vault = Vault::open_read_only(context.vault()?)?;
        let choice = Choice::of(Some(named.clone()), None)
            .map_err(|message| CliError::new(Kind::Usage, message).hint("tokctl run --help"))?
            .located(&vault)?;
        let account = choice.account().map(|account| Reference { account, field: Field::Token });
        let service = || choice.provider.clone().map(Named::Provider);
        allowed.extend(account.map(Named::Credential).or_else(service));
    }
    Ok(allowed)
}

/// Fails if `named`, which `place` holds, is none of `only`, where there are any. A service without a
/// user may be any of its users, so no credential of it allows it.
fn expect_allowed(only: &[Named], named: &Named, place: &str) -> Result<(), CliError> {
    let is_allowed = only.is_empty()
        || only.iter().any(|one| match (one, named) {
            (Named::Provider(one), Named::Provider(named)) => one == named,
            (Named::Provider(one), Named::Credential(named)) => *one == named.account.provider,
            (Named::Credential(one), Named::Credential(named)) => one.account == named.account,
            (Named::Credential(_), Named::Provider(_))
            // Neither an allowed one nor a reference is an address.
            | (Named::Address(_), _)
            | (_, Named::Address(_)) => false,
        });
    if is_allowed {
        return Ok(());
    }
    let what = format!("{place} names `{named}`, which `--only` does not");
    Err(CliError::new(Kind::Usage, what)
        .hint("take it out, or allow it with another `--only`; nothing was run"))
}
