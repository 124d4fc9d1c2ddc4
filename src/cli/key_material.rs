//! Keys and passphrases from the environment, which open the vault or become new key slots.

use std::path::Path;

use zeroize::Zeroizing;

use super::context::Context;
use super::environment::{CREDENTIALS, KEY_CREDENTIAL};
use super::error::{CliError, Kind};
use super::program;
use super::secret_file;
use crate::ops::SlotSecret;
use crate::ops::key_text::{self, Given, Key, Malformed, NotAKey};
use crate::secret::{Passphrase, SecretText};

/// The size limit of a key file or passphrase file, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The fewest characters of a new passphrase. Older ones, which may be shorter, still open.
const SHORTEST_PASSPHRASE: usize = 8;

/// Checks a passphrase that is to protect something from now on.
pub(super) fn check_new_passphrase(passphrase: &str) -> Result<(), String> {
    if passphrase.chars().count() >= SHORTEST_PASSPHRASE {
        return Ok(());
    }
    Err(format!("a new passphrase needs at least {SHORTEST_PASSPHRASE} characters"))
}

/// Returns `passphrase` if it may protect something from now on; `source` is where it comes from.
pub(super) fn long_enough(source: &str, passphrase: Passphrase) -> Result<Passphrase, CliError> {
    match check_new_passphrase(passphrase.expose()) {
        Ok(()) => Ok(passphrase),
        Err(reason) => Err(CliError::new(Kind::Usage, format!("{reason}: see {source}"))
            .hint("tokctl key generate")),
    }
}

/// Returns the key or recovery code of a key slot that the environment gives, as [`given`] does. Fails
/// for an identity, which opens shared vaults alone.
pub(super) fn key(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    match given(context)? {
        None => Ok(None),
        Some((_, Given::Slot(secret))) => Ok(Some(secret)),
        Some((source, Given::Identity(_))) => {
            let what = format!("{source} holds an identity, which opens shared vaults alone");
            let takes = takes(source);
            Err(CliError::new(Kind::KeyUnavailable, what)
                .hint(format!("{takes} what `tokctl key generate` prints, or name a shared vault")))
        }
    }
}

/// Returns the key or recovery code that the environment gives, unless a program would have to print it.
/// One that can't be read counts as none.
pub(super) fn key_without_program(context: &Context) -> Option<SlotSecret> {
    if context.environment.is_set("TOKCTL_KEY_COMMAND") {
        return None;
    }
    key(context).ok().flatten()
}

/// Returns the key, recovery code or identity that the environment gives, with its source: a
/// variable, a file, a program, or else systemd's credentials directory.
///
/// Fails when two variables are set, or when the source holds no key.
pub(super) fn given(context: &Context) -> Result<Option<(&'static str, Given)>, CliError> {
    const SOURCES: [&str; 3] = ["TOKCTL_KEY", "TOKCTL_KEY_FILE", "TOKCTL_KEY_COMMAND"];
    let environment = &context.environment;
    let set = expect_one(context, &SOURCES)?;
    if set.is_none()
        && let Some(empty) = SOURCES.into_iter().find(|name| environment.is_empty(name))
    {
        // A platform whose secret is missing sets an empty variable.
        let empty = environment.own_name(empty);
        return Err(CliError::new(Kind::KeyUnavailable, format!("{empty} is set, but empty"))
            .hint(format!("unset {empty}")));
    }
    if let Some(text) = environment.text("TOKCTL_KEY").map(Zeroizing::new) {
        return parse_given("TOKCTL_KEY", &text).map(Some);
    }
    if let Some(path) = environment.get("TOKCTL_KEY_FILE") {
        let source = environment.own_name("TOKCTL_KEY_FILE");
        return parse_given(source, &read(context, source, Path::new(&path))?).map(Some);
    }
    if let Some(command) = environment.text("TOKCTL_KEY_COMMAND") {
        let command = shell_words::split(&command).map_err(|error| {
            CliError::new(Kind::Usage, "TOKCTL_KEY_COMMAND is no command").caused_by(&error)
        })?;
        context.withhold_secrets();
        let run =
            || program::output(&command, environment, context.patience(), Kind::KeyUnavailable);
        let printed = context
            .ui
            .while_program_runs("waiting for TOKCTL_KEY_COMMAND", run)
            .map_err(|error| named_by("TOKCTL_KEY_COMMAND", error))?;
        return parse_given("TOKCTL_KEY_COMMAND", &printed).map(Some);
    }
    let Some(directory) = environment.get(CREDENTIALS) else { return Ok(None) };
    let path = Path::new(&directory).join(KEY_CREDENTIAL);
    if !path.exists() {
        return Ok(None);
    }
    let source = "$CREDENTIALS_DIRECTORY/tokctl.key";
    parse_given(source, &read(context, source, &path)?).map(Some)
}

/// Returns the one of `variables` that is set, if any is; fails where two are.
fn expect_one<'a>(context: &Context, variables: &[&'a str]) -> Result<Option<&'a str>, CliError> {
    let mut set = variables.iter().filter(|name| context.environment.is_set(name));
    match (set.next(), set.next()) {
        (Some(one), Some(other)) => {
            let one = context.environment.own_name(one);
            let other = context.environment.own_name(other);
            Err(CliError::new(Kind::Usage, format!("both {one} and {other} are set"))
                .hint(format!("unset {other}")))
        }
        (one, _) => Ok(one.copied()),
    }
}

/// Returns the key for a new slot, from the file that `TOKCTL_NEW_KEY_FILE` names.
pub(super) fn new_key(context: &Context) -> Result<Option<Key>, CliError> {
    const SOURCE: &str = "TOKCTL_NEW_KEY_FILE";
    let Some(path) = context.environment.get(SOURCE) else { return Ok(None) };
    key_in(context, SOURCE, Path::new(&path)).map(Some)
}

/// Reads a key from the file at `path`. Messages call the file `source`.
pub(super) fn key_in(context: &Context, source: &str, path: &Path) -> Result<Key, CliError> {
    parse_key(source, &read(context, source, path)?)
}

/// Returns the key of a bundle, from a variable or from the file that a variable names.
pub(super) fn bundle_key(context: &Context) -> Result<Option<Key>, CliError> {
    const SOURCE: &str = "TOKCTL_BUNDLE_KEY";
    const FILE: &str = "TOKCTL_BUNDLE_KEY_FILE";
    expect_one(context, &[SOURCE, FILE])?;
    if let Some(text) = context.environment.text(SOURCE).map(Zeroizing::new) {
        return parse_key(SOURCE, &text).map(Some);
    }
    let Some(path) = context.environment.get(FILE) else { return Ok(None) };
    key_in(context, FILE, Path::new(&path)).map(Some)
}

/// Returns the passphrase of a bundle, from a variable or from the file that a variable names.
pub(super) fn bundle_passphrase(context: &Context) -> Result<Option<Passphrase>, CliError> {
    passphrase_of(context, "TOKCTL_BUNDLE_PASSPHRASE", "TOKCTL_BUNDLE_PASSPHRASE_FILE")
}

/// The variable with the passphrase for a new slot.
pub(super) const NEW_PASSPHRASE: &str = "TOKCTL_NEW_PASSPHRASE";

/// Returns the passphrase for a new slot, from [`NEW_PASSPHRASE`], of whatever length.
pub(super) fn new_passphrase(context: &Context) -> Result<Option<Passphrase>, CliError> {
    let text = context.environment.text(NEW_PASSPHRASE).map(Zeroizing::new);
    text.map(|text| parse_passphrase(NEW_PASSPHRASE, &text)).transpose()
}

/// Returns the passphrase of the vault, from a variable or from the file that a variable names.
pub(super) fn passphrase(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    let passphrase = passphrase_of(context, "TOKCTL_PASSPHRASE", "TOKCTL_PASSPHRASE_FILE")?;
    Ok(passphrase.map(SlotSecret::Passphrase))
}

/// Returns the passphrase in `variable`, or in the file that the variable `file` names.
fn passphrase_of(
    context: &Context,
    variable: &str,
    file: &str,
) -> Result<Option<Passphrase>, CliError> {
    expect_one(context, &[variable, file])?;
    if let Some(text) = context.environment.text(variable).map(Zeroizing::new) {
        return parse_passphrase(context.environment.own_name(variable), &text).map(Some);
    }
    let Some(path) = context.environment.get(file) else { return Ok(None) };
    let text = read(context, file, Path::new(&path))?;
    // One line end belongs to the file and not to the passphrase.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    parse_passphrase(file, text).map(Some)
}

/// Parses a key. A recovery code is an error.
fn parse_key(source: &str, text: &str) -> Result<Key, CliError> {
    key_text::key(text).map_err(|error| {
        let error = match error {
            NotAKey::Malformed(error) => no_key(source, &error),
            NotAKey::RecoveryCode => CliError::new(
                Kind::KeyUnavailable,
                format!("{source} holds a recovery code, not a key"),
            ),
            NotAKey::Identity => CliError::new(
                Kind::KeyUnavailable,
                format!("{source} holds an identity, not a key"),
            ),
        };
        error.hint(format!("{} what `tokctl key generate` prints", takes(source)))
    })
}

/// Parses a key, a recovery code or an identity.
fn parse_given(source: &'static str, text: &str) -> Result<(&'static str, Given), CliError> {
    match key_text::given(text) {
        Ok(given) => Ok((source, given)),
        Err(error) => Err(no_key(source, &error)),
    }
}

fn no_key(source: &str, why: &Malformed) -> CliError {
    let error = CliError::new(Kind::KeyUnavailable, format!("{source} holds no key"));
    error.caused_by(why).hint(format!(
        "{} what `tokctl key generate` prints, or `tokctl key generate --identity` for a shared vault; a \
         password goes to TOKCTL_PASSPHRASE",
        takes(source)
    ))
}

/// Returns the beginning of the sentence that says what `source` takes, a variable or a file.
pub(super) fn takes(source: &str) -> &'static str {
    if source.starts_with("TOKCTL_") && source.ends_with("_FILE") {
        "name a file with"
    } else if source.ends_with("_COMMAND") {
        "name a command that prints"
    } else if source.starts_with("TOKCTL_") {
        "set it to"
    } else {
        "put into it"
    }
}

/// Whether `error` is about a variable that gives a secret, and not about what the secret opens.
#[cfg(feature = "postgres")]
pub(super) fn is_of_variable(error: &CliError) -> bool {
    ["TOKCTL_", "$CREDENTIALS_DIRECTORY"].iter().any(|start| error.message.starts_with(start))
}

/// Returns `error` of reading what `source` names, with that name.
fn named_by(source: &str, error: CliError) -> CliError {
    // A file that the command line named is its own source.
    if !source.starts_with("TOKCTL_") {
        return error;
    }
    CliError { message: format!("{source} can't be used: {}", error.message), ..error }
}

/// Parses a passphrase. An empty one is an error: somebody failed to fill the variable or file.
fn parse_passphrase(source: &str, text: &str) -> Result<Passphrase, CliError> {
    if text.is_empty() || text.contains(char::is_control) {
        let what = format!("{source} holds no passphrase: it is empty, or not one line of text");
        return Err(
            CliError::new(Kind::KeyUnavailable, what).hint("set it to the passphrase alone")
        );
    }
    Ok(Passphrase::from_trusted(text.to_owned()))
}

/// Reads a file that holds a secret, and that `source` names.
fn read(context: &Context, source: &str, path: &Path) -> Result<Zeroizing<String>, CliError> {
    secret_file::read(context, path, LARGEST, || context.patience(), Kind::KeyUnavailable)
        .map_err(|error| named_by(source, error))
}
