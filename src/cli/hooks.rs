//! Hooks: programs of the user's that are told when a credential's standing gets worse.
//!
//! Each change is told once, whichever command and process met with it. A hook is started without
//! a shell, is told the facts in its environment, and gets no secret.

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

/// How long a hook may take. A command waits for it, and a service has other things to do.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a hook that was killed is waited for.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// How often it is looked whether a hook is done.
const POLL: Duration = Duration::from_millis(10);

/// Tells of the `outcome` of a refresh, if that is news and somebody wants to know. Returns what
/// went wrong with it.
pub(crate) fn tell(
    context: &Context,
    vault: &OpenVault,
    account: &Account,
    outcome: &Result<LiveToken, ops::Error>,
) -> Option<String> {
    // A slip in the configuration is told elsewhere.
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
    hook.args(arguments)
        .env("TOKCTL_HOOK", word(news))
        .env("TOKCTL_PROVIDER", account.provider.as_str())
        .env("TOKCTL_USER", account.user.as_str())
        .env("TOKCTL_REASON", reason);
    for name in context.environment.secrets() {
        hook.env_remove(name);
    }
    let failed = |what: String| Some(format!("the hook `{}` {what}", printable(program)));
    match run(&mut hook, LIMIT) {
        Ok(Some(status)) if status.success() => None,
        Ok(Some(status)) => failed(format!("failed: {status}")),
        Ok(None) => failed(format!("was ended after {} seconds", LIMIT.as_secs())),
        Err(error) => failed(format!("could not be started: {error}")),
    }
}

/// The word for a health in `TOKCTL_HOOK`.
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

/// The health of the credential after a refresh, and the reason for it; `None` where the outcome
/// tells nothing of that.
fn health_after(outcome: &Result<LiveToken, ops::Error>) -> Option<(CredentialHealth, String)> {
    let refused = || (CredentialHealth::LoginRequired, LoginReason::Refused.to_string());
    let failed = |why: &dyn std::error::Error| {
        Some((CredentialHealth::RefreshFailed, printable(&why.to_string())))
    };
    let error = match outcome {
        Ok(token) if token.credential.status == Status::LoginRequired => return Some(refused()),
        Ok(LiveToken { warning: Some(Warning::NotRefreshed(error)), .. }) => error,
        Ok(LiveToken {
            warning: None | Some(Warning::Inactive | Warning::Fading { .. }), ..
        }) => return Some((CredentialHealth::Good, String::new())),
        Ok(LiveToken { warning: Some(Warning::BeingRefreshed | Warning::InDoubt), .. }) => {
            return None;
        }
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

/// Runs a hook to its end; `None` if it took longer than `limit`, and was ended with all that it
/// started.
fn run(hook: &mut Command, limit: Duration) -> io::Result<Option<ExitStatus>> {
    // Stdout is for the command's own data.
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
    // One that can't be killed, such as another user's, is left to itself.
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
