//! What the environment holds to open the vault, and new key slots of it: a key, or a passphrase.

use std::path::Path;

use zeroize::Zeroizing;

use super::context::Context;
use super::error::{CliError, Kind};
use super::explain::untrusted_file;
use super::program;
use super::typed::quoted;
use crate::ops::SlotSecret;
use crate::ops::key_text::{self, Key, Malformed, NotAKey};
use crate::private_file::{self, Readers};
use crate::secret::{Passphrase, SecretText};

/// No key file or passphrase file is larger, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The key or recovery code that is set: in a variable, in a file, or printed by a program; else
/// the one in systemd's directory of credentials.
pub(super) fn key(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    let environment = &context.environment;
    let set: Vec<&str> = ["TOKCTL_KEY", "TOKCTL_KEY_FILE", "TOKCTL_KEY_COMMAND"]
        .into_iter()
        .filter(|name| environment.get(name).is_some())
        .collect();
    if let [one, other, ..] = set[..] {
        return Err(CliError::new(Kind::Usage, format!("both {one} and {other} are set"))
            .hint(format!("unset {other}")));
    }
    if let Some(text) = environment.text("TOKCTL_KEY").map(Zeroizing::new) {
        return unlocking("TOKCTL_KEY", &text).map(Some);
    }
    if let Some(path) = environment.get("TOKCTL_KEY_FILE") {
        return unlocking("TOKCTL_KEY_FILE", &read(context, Path::new(&path))?).map(Some);
    }
    if let Some(command) = environment.text("TOKCTL_KEY_COMMAND") {
        let command = shell_words::split(&command).map_err(|error| {
            CliError::new(Kind::Usage, "TOKCTL_KEY_COMMAND is no command").caused_by(&error)
        })?;
        let printed = program::output(&command, environment, Kind::KeyUnavailable)?;
        return unlocking("TOKCTL_KEY_COMMAND", &printed).map(Some);
    }
    let Some(directory) = environment.get("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = Path::new(&directory).join("tokctl.key");
    if !path.exists() {
        return Ok(None);
    }
    unlocking("$CREDENTIALS_DIRECTORY/tokctl.key", &read(context, &path)?).map(Some)
}

/// The key that a new slot is to have.
pub(super) fn new_key(context: &Context) -> Result<Option<Key>, CliError> {
    const SOURCE: &str = "TOKCTL_NEW_KEY_FILE";
    let Some(path) = context.environment.get(SOURCE) else { return Ok(None) };
    key_in(context, SOURCE, Path::new(&path)).map(Some)
}

/// The key in the file at `path`, which `source` names.
pub(super) fn key_in(context: &Context, source: &str, path: &Path) -> Result<Key, CliError> {
    key_alone(source, &read(context, path)?)
}

/// The key that a bundle was sealed for.
pub(super) fn bundle_key(context: &Context) -> Result<Option<Key>, CliError> {
    const SOURCE: &str = "TOKCTL_BUNDLE_KEY";
    const FILE: &str = "TOKCTL_BUNDLE_KEY_FILE";
    if let Some(text) = context.environment.text(SOURCE).map(Zeroizing::new) {
        return key_alone(SOURCE, &text).map(Some);
    }
    let Some(path) = context.environment.get(FILE) else { return Ok(None) };
    key_in(context, FILE, Path::new(&path)).map(Some)
}

/// The passphrase that a bundle is sealed for.
pub(super) fn bundle_passphrase(context: &Context) -> Result<Option<Passphrase>, CliError> {
    passphrase_of(context, "TOKCTL_BUNDLE_PASSPHRASE", "TOKCTL_BUNDLE_PASSPHRASE_FILE")
}

/// The passphrase that a new slot is to have.
pub(super) fn new_passphrase(context: &Context) -> Result<Option<Passphrase>, CliError> {
    const SOURCE: &str = "TOKCTL_NEW_PASSPHRASE";
    let text = context.environment.text(SOURCE).map(Zeroizing::new);
    text.map(|text| checked(SOURCE, &text)).transpose()
}

/// The passphrase that is set, in a variable or in a file.
pub(super) fn passphrase(context: &Context) -> Result<Option<SlotSecret>, CliError> {
    let passphrase = passphrase_of(context, "TOKCTL_PASSPHRASE", "TOKCTL_PASSPHRASE_FILE")?;
    Ok(passphrase.map(SlotSecret::Passphrase))
}

/// The passphrase in one variable, or in the file that the other names.
fn passphrase_of(
    context: &Context,
    variable: &str,
    file: &str,
) -> Result<Option<Passphrase>, CliError> {
    if let Some(text) = context.environment.text(variable).map(Zeroizing::new) {
        return checked(variable, &text).map(Some);
    }
    let Some(path) = context.environment.get(file) else { return Ok(None) };
    let text = read(context, Path::new(&path))?;
    // One line end belongs to the file, not to the passphrase.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    checked(file, text).map(Some)
}

/// A key, and no recovery code.
fn key_alone(source: &str, text: &str) -> Result<Key, CliError> {
    key_text::key(text).map_err(|error| {
        let error = match error {
            NotAKey::Malformed(error) => no_key(source, &error),
            NotAKey::RecoveryCode => CliError::new(
                Kind::KeyUnavailable,
                format!("{source} holds a recovery code, not a key"),
            ),
        };
        error.hint("it takes what `tokctl key generate` prints")
    })
}

/// What a key or a recovery code opens.
fn unlocking(source: &str, text: &str) -> Result<SlotSecret, CliError> {
    key_text::slot_secret(text).map_err(|error| no_key(source, &error))
}

fn no_key(source: &str, why: &Malformed) -> CliError {
    CliError::new(Kind::KeyUnavailable, format!("{source} holds no key"))
        .caused_by(why)
        .hint("set it to what `tokctl key generate` prints; a password goes to TOKCTL_PASSPHRASE")
}

/// An empty passphrase is a secret that failed to be put in place.
fn checked(source: &str, text: &str) -> Result<Passphrase, CliError> {
    if text.is_empty() || text.contains(char::is_control) {
        let what = format!("{source} holds no passphrase: it is empty, or not one line of text");
        return Err(
            CliError::new(Kind::KeyUnavailable, what).hint("set it to the passphrase alone")
        );
    }
    Ok(Passphrase::from_trusted(text.to_owned()))
}

/// Reads a file with a secret. Who else can read it is told, but where the system keeps such files.
fn read(context: &Context, path: &Path) -> Result<Zeroizing<String>, CliError> {
    let refused = |error: private_file::Error| untrusted_file(Kind::KeyUnavailable, &error);
    let readers = private_file::check(path).map_err(refused)?;
    let credentials = context.environment.get("CREDENTIALS_DIRECTORY");
    let kept_by_the_system = path.starts_with("/run/secrets")
        || credentials.is_some_and(|directory| path.starts_with(directory));
    if readers == Readers::Others && !kept_by_the_system {
        context.ui.warning(&format!(
            "`{}` can be read by others: chmod 600 {}",
            path.display(),
            quoted(&path.to_string_lossy())
        ));
    }
    let bytes = Zeroizing::new(private_file::read(path, LARGEST).map_err(refused)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(CliError::new(
            Kind::KeyUnavailable,
            format!("`{}` holds something that is not text", path.display()),
        )),
    }
}
