//! What each credential needs, as far as the copies in the clear tell: they are read without a key,
//! and nothing of them is verified.

use std::collections::HashMap;

use jiff::Timestamp;

use super::context::Context;
use super::next_command;
use super::time;
use super::typed::command;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::summary::{self, Summary};
use crate::ops::Vault;
use crate::ops::error::StoreError;

/// The need of a credential, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// A person has to log in again.
    Login,
    /// A person has to make a new token at the service.
    NewToken,
    /// The service refused the token, which a refresh may mend.
    Refresh,
    /// The token has ended, and the provider is in trouble that passes: no person can help.
    Provider,
    /// Nothing.
    Nothing,
}

/// One credential with its need.
pub(crate) struct Line {
    pub(crate) account: Account,
    pub(crate) need: Need,
    /// The state of the credential in words.
    pub(crate) what: String,
}

/// A service at one server: what is known without a key of the client that asks there.
type Service = (ProviderName, Option<String>);

/// Returns a line for each credential of `filter`, those that need somebody first, and the number of
/// rows that can't be read.
pub(crate) fn lines(
    vault: &Vault,
    filter: AccountFilter<'_>,
    now: Timestamp,
) -> Result<(Vec<Line>, usize), StoreError> {
    let mut lines = Vec::new();
    let odd = each_line(vault, filter, now, |line| lines.push(line))?;
    lines.sort_by(|one, other| (one.need, &one.account).cmp(&(other.need, &other.account)));
    Ok((lines, odd))
}

/// Calls `each` with a line for each credential of `filter`, in the order of their names; one is in
/// memory at a time. Returns the number of rows that can't be read.
pub(crate) fn each_line(
    vault: &Vault,
    filter: AccountFilter<'_>,
    now: Timestamp,
    mut each: impl FnMut(Line),
) -> Result<usize, StoreError> {
    let pauses = pauses(vault, now)?;
    vault.each_summary::<StoreError>(filter, |summary, last, in_doubt| {
        let (mut need, mut what) = judge(&summary, last.as_ref(), in_doubt, now);
        // What nothing renews waits for no server.
        let waits = summary.refreshable
            && summary.status == Status::Active
            && matches!(need, Need::Provider | Need::Nothing);
        if waits && !pauses.is_empty() {
            let service = (summary.account.provider.clone(), summary.server_url);
            if let Some(until) = pauses.get(&service) {
                if summary.expires_at.is_some_and(|at| at <= now) {
                    need = Need::Provider;
                }
                let until = time::relative(*until, now);
                what = format!("{what}; its provider asks for a pause, which ends {until}");
            }
        }
        each(Line { account: summary.account, need, what });
        Ok(())
    })
}

/// Returns when the pause of each service ends that asked for one.
fn pauses(vault: &Vault, now: Timestamp) -> Result<HashMap<Service, Timestamp>, StoreError> {
    let mut pauses: HashMap<Service, Timestamp> = HashMap::new();
    vault.each_attempt(|(provider, server), last| {
        let pause = Some(last).filter(|last| last.action == Action::Refresh);
        if let Some(until) = pause.and_then(|last| last.paused_until(now))
            && let Ok(provider) = provider.parse()
        {
            let longest = pauses.entry((provider, server.map(str::to_owned))).or_insert(until);
            *longest = until.max(*longest);
        }
    })?;
    Ok(pauses)
}

/// Returns what a credential needs, and its state in words.
fn judge(
    summary: &Summary,
    last: Option<&Attempt>,
    in_doubt: bool,
    now: Timestamp,
) -> (Need, String) {
    let login = match summary.kind {
        summary::Kind::OAuth => Need::Login,
        summary::Kind::Static => Need::NewToken,
    };
    let needs = match login {
        Need::NewToken => "needs a new token",
        Need::Login | Need::Refresh | Need::Provider | Need::Nothing => "needs a login",
    };
    match summary.status {
        Status::LoginRequired => (login, format!("{needs}: the provider no longer renews it")),
        Status::Inactive if summary.refreshable => {
            (Need::Refresh, "the service refused its token".into())
        }
        Status::Inactive => (login, format!("{needs}: the service refused it")),
        Status::HandedOver => (Need::Nothing, "handed over to another machine".into()),
        Status::Active if summary.is_expired(now) => (login, format!("{needs}: it has ended")),
        Status::Active if in_doubt => {
            (Need::Nothing, "what became of its last refresh is not known".into())
        }
        Status::Active => match last.filter(|last| last.is_failed_refresh(summary)) {
            Some(failed) if failed.outcome == Outcome::Configuration => {
                (login, format!("{needs}: the provider refuses its client"))
            }
            Some(failed) if summary.expires_at.is_some_and(|at| at <= now) => {
                let when = time::relative(failed.ended_at, now);
                (Need::Provider, format!("its token has ended; the last refresh failed {when}"))
            }
            Some(_) | None => (Need::Nothing, works(summary, last, now)),
        },
    }
}

fn works(summary: &Summary, last: Option<&Attempt>, now: Timestamp) -> String {
    let failed = last.filter(|last| last.is_failed_refresh(summary));
    // Nobody but the service can say it of a token that a person brought.
    let was_checked =
        last.is_some_and(|last| last.action == Action::Check && last.outcome == Outcome::Done);
    let works = match summary.kind {
        summary::Kind::Static if !was_checked => "not checked yet",
        summary::Kind::Static | summary::Kind::OAuth => "works",
    };
    let token = match summary.expires_at {
        Some(at) if at <= now => "refreshes when used".to_owned(),
        Some(at) if summary.refreshable => {
            format!("{works}, refreshes {}", time::relative(at, now))
        }
        Some(at) => format!("{works}, ends {}", time::relative(at, now)),
        None => works.to_owned(),
    };
    match (failed, summary.login_by) {
        (Some(failed), _) => {
            format!("{token}; the last refresh failed {}", time::relative(failed.ended_at, now))
        }
        (None, Some(by)) if summary.refreshable => {
            format!("{token}; the next login is due {}", time::relative(by, now))
        }
        (None, _) => token,
    }
}

/// Returns the command to type for a credential that needs somebody.
pub(crate) fn remedy(context: &Context, line: &Line) -> String {
    match line.need {
        Need::Login | Need::NewToken => next_command::login(context, &line.account),
        Need::Refresh => command("refresh", &line.account),
        Need::Provider => command("why", &line.account),
        Need::Nothing => command("get", &line.account),
    }
}
