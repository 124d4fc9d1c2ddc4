//! Hooks: programs of the user's that run when the health of a credential gets worse.
//!
//! Each change is reported once, whichever command or process meets it. A hook is started without a
//! shell, gets the facts in environment variables, and gets no secret.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::context::Context;
use crate::config::Config;
use crate::model::account::Account;
use crate::model::credential::Status;
use crate::model::credential_health::CredentialHealth;
use crate::ops::error::LoginReason;
use crate::ops::token::{LiveToken, Warning};
use crate::ops::{self, OpenVault};
use crate::untrusted::printable;

/// The time limit of a hook, for which the command waits.
const LIMIT: Duration = Duration::from_secs(10);

/// The time to wait for a killed hook to end.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// The interval between two looks whether a hook has ended.
const POLL: Duration = Duration::from_millis(10);

/// Runs the configured hook if the `outcome` of a refresh changed the health of the credential.
///
/// Returns a warning when the hook failed, could not be started, or took too long.
pub(crate) fn tell(
    context: &Context,
    vault: &OpenVault,
    account: &Account,
    outcome: &Result<LiveToken, ops::Error>,
) -> Option<String> {
    // Another place reports a mistake in the configuration.
    let config = context.config().ok()?;
    if config.on_login_required.is_none() && config.on_refresh_failed.is_none() {
        return None;
    }
    let (health, reason) = health_after(outcome)?;
    let news = match vault.record_health(account, health) {
        Ok(news) => news?,
        Err(error) => return Some(format!("no hook could be run for `{account}`: {error}")),
    };
    let [program, arguments @ ..] = command(config, news)? else { return None };
    let mut hook = Command::new(program);
    context.environment.give_to(&mut hook);
    hook.args(arguments)
        .env("TOKCTL_HOOK", word(news))
        .env("TOKCTL_PROVIDER", account.provider.as_str())
        .env("TOKCTL_USER", account.user.as_str())
        .env("TOKCTL_REASON", reason);
    let failed = |what: String| Some(format!("the hook `{}` {what}", printable(program)));
    match run(&mut hook, LIMIT) {
        Ok(Some(status)) if status.success() => None,
        Ok(Some(status)) => failed(format!("failed: {status}")),
        Ok(None) => failed(format!("was ended after {} seconds", LIMIT.as_secs())),
        Err(error) => failed(format!("could not be started: {error}")),
    }
}

/// Returns the value of `TOKCTL_HOOK` for a health.
fn word(news: CredentialHealth) -> &'static str {
    match news {
        CredentialHealth::Good => "good",
        CredentialHealth::RefreshFailed => "refresh_failed",
        CredentialHealth::LoginRequired => "login_required",
    }
}

fn command(config: &Config, news: CredentialHealth) -> Option<&[String]> {
    match news {
        CredentialHealth::Good => None,
        CredentialHealth::RefreshFailed => config.on_refresh_failed.as_deref(),
        CredentialHealth::LoginRequired => config.on_login_required.as_deref(),
    }
}

/// Returns the health of a credential after a refresh, with the reason for it.
///
/// `None` means that the outcome says nothing about the health.
fn health_after(outcome: &Result<LiveToken, ops::Error>) -> Option<(CredentialHealth, String)> {
    let refused = || (CredentialHealth::LoginRequired, LoginReason::Refused.to_string());
    let failed = |why: &dyn std::error::Error| {
        Some((CredentialHealth::RefreshFailed, printable(&why.to_string())))
    };
    let error = match outcome {
        Ok(token) if token.credential.status == Status::LoginRequired => return Some(refused()),
        Ok(LiveToken { warning: Some(Warning::NotRefreshed(error)), .. }) => error,
        Ok(LiveToken {
            warning:
                None
                | Some(
                    Warning::Inactive
                    | Warning::Fading { .. }
                    | Warning::IdTokenDropped(_)
                    | Warning::StoredAgain,
                ),
            ..
        }) => return Some((CredentialHealth::Good, String::new())),
        Ok(LiveToken {
            warning: Some(Warning::BeingRefreshed | Warning::InDoubt | Warning::Forged),
            ..
        }) => return None,
        Err(ops::Error::LoginRequired { reason: LoginReason::Refused, .. }) => {
            return Some(refused());
        }
        Err(error) => error,
    };
    if !error.is_of_a_failed_refresh() {
        return None;
    }
    if let ops::Error::NotRefreshed { source, .. } = error {
        return failed(source);
    }
    if let ops::Error::NotRefreshedBefore { last, .. } = error
        && outcome.is_ok()
    {
        return Some((CredentialHealth::RefreshFailed, last.message.clone().unwrap_or_default()));
    }
    failed(error)
}

/// Runs a hook to its end. Returns `None` if it took longer than `limit` and was killed with all
/// its children.
fn run(hook: &mut Command, limit: Duration) -> io::Result<Option<ExitStatus>> {
    // Stdout is reserved for the data of the command.
    hook.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).process_group(0);
    let mut child: Child = hook.spawn()?;
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(POLL);
    }
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let _ = child.kill();
    // A hook that can't be killed, such as one that runs as another user, is left alone.
    let killed = Instant::now();
    while killed.elapsed() < KILL_GRACE && child.try_wait()?.is_none() {
        std::thread::sleep(POLL);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_hangs_is_ended() {
        let mut hook = Command::new("/bin/sh");
        hook.args(["-c", "sleep 60 & wait"]);
        let started = Instant::now();
        assert!(run(&mut hook, Duration::from_millis(50)).unwrap().is_none());
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
