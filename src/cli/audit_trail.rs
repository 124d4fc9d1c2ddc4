//! Writing down, on behalf of a command, who used which credential or changed which key.

use std::sync::OnceLock;

use super::context::Context;
use super::error::CliError;
use super::time;
use crate::model::account::{Account, ProviderName, UserName};
pub(crate) use crate::model::audit::OK;
use crate::model::audit::{Action, Asker, Subject, Use};
use crate::ops::audit::{self, Recorded};
use crate::ops::token::{LiveToken, Warning};
use crate::ops::{self, OpenVault};

/// Writes down that `command` used the credential of `account`. Fails where it can't, and the
/// configuration requires it: then no token may be handed out.
pub(crate) fn record(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    account: &Account,
    outcome: &str,
) -> Result<(), CliError> {
    let of = Subject::Credential {
        provider: account.provider.as_str(),
        user: Some(account.user.as_str()),
    };
    written(context, vault, command, action, of, outcome)
}

/// The same for what is not known by a credential's name.
pub(crate) fn record_of(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    of: Subject<'_>,
) -> Result<(), CliError> {
    written(context, vault, command, action, of, OK)
}

/// The same for what hands out no token, and is not undone for want of an entry. The user is left
/// out where a login failed before anybody said who it is.
pub(crate) fn note(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    (provider, user): (&ProviderName, Option<&UserName>),
    outcome: &str,
) {
    let of = Subject::Credential { provider: provider.as_str(), user: user.map(UserName::as_str) };
    note_of(context, vault, command, action, of, outcome);
}

/// The same for a change of the keys, which stands as it is.
pub(crate) fn note_change<T>(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    of: Subject<'_>,
    changed: &Result<T, CliError>,
) {
    let outcome = changed.as_ref().map_or_else(|error| error.kind.word(), |_| OK);
    note_of(context, vault, command, action, of, outcome);
}

fn note_of(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    of: Subject<'_>,
    outcome: &str,
) {
    if let Err(error) = written(context, vault, command, action, of, outcome) {
        let cause = error.causes.first().map(|cause| format!(": {cause}")).unwrap_or_default();
        context.ui.warning(&format!("{}{cause}", error.message));
    }
}

/// The same for many at once, all of which it did.
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
    // What it can't remember now it will with its next write.
    let _ = audit::remember(vault);
}

/// Has the audit kept as today's configuration says from the next write on. A slip in the
/// configuration leaves it as it was.
pub(crate) fn keep_as_configured(context: &Context, vault: &OpenVault) {
    if let Ok(config) = context.config() {
        vault.set_audit_settings(config.audit);
    }
}

/// The word for how a token was got, or why not.
pub(crate) fn outcome(got: &Result<LiveToken, CliError>) -> &'static str {
    match got {
        Ok(LiveToken { warning: Some(warning), .. }) => match warning {
            Warning::Inactive => "inactive",
            Warning::Fading { .. } => "fading",
            Warning::BeingRefreshed => "being_refreshed",
            Warning::InDoubt => "interrupted",
            Warning::NotRefreshed(_) => "not_refreshed",
        },
        Ok(LiveToken { refreshed: true, .. }) => "refreshed",
        Ok(LiveToken { refreshed: false, .. }) => OK,
        Err(error) => error.kind.word(),
    }
}

fn written(
    context: &Context,
    vault: &OpenVault,
    command: &'static str,
    action: Action,
    of: Subject<'_>,
    outcome: &str,
) -> Result<(), CliError> {
    static PARENT: OnceLock<Option<String>> = OnceLock::new();
    let parent = PARENT.get_or_init(parent).clone();
    let asked_by = Asker { command, pid: std::process::id(), parent };
    let entry = Use { at: time::precise(), action, of, outcome, asked_by: &asked_by };
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

/// The name of the program that started this one, where the system tells.
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
