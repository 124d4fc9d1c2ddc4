//! Audit entries that a command writes: who used which credential, or changed which key.

use std::sync::OnceLock;

use super::context::Context;
use super::error::CliError;
use super::time;
use crate::model::account::{Account, ProviderName, UserName};
pub(crate) use crate::model::audit::OK;
use crate::model::audit::{Action, Caller, Event, Subject};
use crate::ops::audit::{self, Recorded};
use crate::ops::token::{LiveToken, Warning};
use crate::ops::{self, OpenVault};

/// Writes an audit entry: `command` used the credential of `account`, with this `outcome`.
///
/// Fails when the entry can't be written and the configuration requires the audit. Then the caller
/// must not hand out a token.
pub(crate) fn record(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    account: &Account,
    outcome: &str,
) -> Result<(), CliError> {
    let subject = Subject::Credential {
        provider: account.provider.as_str(),
        user: Some(account.user.as_str()),
    };
    write_entry(context, vault, command, action, subject, outcome)
}

/// Writes an audit entry about a `subject` that is not one credential, such as a key slot.
///
/// Fails as [`record`] does.
pub(crate) fn record_of(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    subject: Subject<'_>,
) -> Result<(), CliError> {
    write_entry(context, vault, command, action, subject, OK)
}

/// Writes an audit entry for an action that hands out no token; a failure is a warning.
///
/// The action is not undone when the entry is missing. `user` is `None` when a login failed before
/// the user was known.
pub(crate) fn note(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    (provider, user): (&ProviderName, Option<&UserName>),
    outcome: &str,
) {
    let subject =
        Subject::Credential { provider: provider.as_str(), user: user.map(UserName::as_str) };
    note_of(context, vault, command, action, subject, outcome);
}

/// Writes an audit entry for a change of the key slots; a failure is a warning, and the change
/// stays.
pub(crate) fn note_change<T>(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    subject: Subject<'_>,
    changed: &Result<T, CliError>,
) {
    let outcome = changed.as_ref().map_or_else(|error| error.kind.word(), |_| OK);
    note_of(context, vault, command, action, subject, outcome);
}

fn note_of(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    subject: Subject<'_>,
    outcome: &str,
) {
    if let Err(error) = write_entry(context, vault, command, action, subject, outcome) {
        let cause = error.causes.first().map(|cause| format!(": {cause}")).unwrap_or_default();
        context.ui.warning(&format!("{}{cause}", error.message));
    }
}

/// Writes one audit entry for each of `accounts`, for an action that succeeded for all of them.
pub(crate) fn note_all<'a>(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    accounts: impl Iterator<Item = &'a Account>,
) {
    for account in accounts {
        let whose = (&account.provider, Some(&account.user));
        note(context, vault, command, action, whose, OK);
    }
    // On failure the vault remembers it with its next write.
    let _ = audit::remember(vault);
}

/// Sets how the vault keeps its audit to what today's configuration says.
///
/// A configuration that can't be read changes nothing.
pub(crate) fn keep_as_configured(context: &Context, vault: &OpenVault) {
    if let Ok(config) = context.config() {
        vault.set_audit_settings(config.audit);
    }
}

/// Returns the audit's word for how a token was obtained, or for the reason why it was not.
pub(crate) fn outcome(got: &Result<LiveToken, CliError>) -> &'static str {
    match got {
        Ok(LiveToken { warning: Some(warning), .. }) => match warning {
            Warning::Inactive => "inactive",
            Warning::Fading { .. } => "fading",
            Warning::BeingRefreshed => "being_refreshed",
            Warning::InDoubt => "interrupted",
            Warning::Forged => "tampered",
            Warning::IdTokenDropped(_) => "refreshed",
            Warning::StoredAgain => OK,
            Warning::NotRefreshed(_) => "not_refreshed",
        },
        Ok(LiveToken { refreshed: true, .. }) => "refreshed",
        Ok(LiveToken { refreshed: false, .. }) => OK,
        Err(error) => error.kind.word(),
    }
}

fn write_entry(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    subject: Subject<'_>,
    outcome: &str,
) -> Result<(), CliError> {
    static PARENT: OnceLock<Option<String>> = OnceLock::new();
    let parent = PARENT.get_or_init(parent).clone();
    let caller = Caller { command, pid: std::process::id(), parent };
    let entry = Event { at: time::precise(), action, of: subject, outcome, caller: &caller };
    match audit::record(vault, &entry) {
        Ok(Recorded::Written | Recorded::NotKept) => Ok(()),
        Ok(Recorded::Missed(error)) => {
            let error = CliError::from(ops::Error::from(error));
            let cause = error.causes.first().map(|cause| format!(": {cause}")).unwrap_or_default();
            context.ui.detail(&format!("{}{cause}", error.message));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the name of the program that started this one, if the system tells it.
#[cfg(target_os = "linux")]
fn parent() -> Option<String> {
    use std::io::Read;
    // The kernel cuts names at 15 bytes.
    let mut name = [0; 64];
    let parent = rustix::process::getppid()?;
    let path = format!("/proc/{}/comm", parent.as_raw_nonzero());
    let length = std::fs::File::open(path).ok()?.read(&mut name).ok()?;
    let name = crate::untrusted::printable(&String::from_utf8_lossy(&name[..length]));
    (!name.is_empty()).then_some(name)
}

#[cfg(not(target_os = "linux"))]
fn parent() -> Option<String> {
    None
}
