//! What each credential needs, as far as the copies in the clear tell: they are read without a key,
//! and nothing of them is verified.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::certificates;
use super::context::Context;
use super::next_command::{WHOM_TO_ASK, about_named, here, login};
use super::time;
use crate::model::account::{Account, AccountFilter, ProviderName};
use crate::model::attempt::{Action, Attempt, Outcome};
use crate::model::credential::Status;
use crate::model::summary::{self, Summary};
use crate::ops::error::StoreError;
use crate::ops::{Vault, providers};

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
    /// The token has ended, and a member of the shared vault has to refresh it: this user may only read.
    Member,
    /// Nothing.
    Nothing,
}

/// The state of a credential that another vault has, in words.
pub(crate) const HANDED_OVER: &str = "handed over";

/// One credential with its need.
pub(crate) struct Line {
    pub(crate) account: Account,
    pub(crate) need: Need,
    /// The state of the credential in words.
    pub(crate) what: String,
    /// Whether a refresh was begun and its answer is not known.
    pub(crate) in_doubt: bool,
}

/// A service at one server: what is known without a key of the client that asks there.
type Service = (ProviderName, Option<String>);

/// Credentials that are looked at for what they need.
#[derive(Clone, Copy)]
pub(crate) struct Subjects<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) filter: AccountFilter<'a>,
    /// See [`ended_certificates`].
    pub(crate) certificates: &'a BTreeMap<String, Timestamp>,
    pub(crate) now: Timestamp,
}

/// Returns the providers for whose client the configuration names a certificate that has ended, with its
/// end.
pub(crate) fn ended_certificates(context: &Context, now: Timestamp) -> BTreeMap<String, Timestamp> {
    let Ok(config) = context.config() else { return BTreeMap::new() };
    let ended = |name: &String| {
        let provider = providers::today(&name.parse().ok()?, Some(config))?;
        Some((name.clone(), certificates::ended_certificate(&provider, now)?))
    };
    config.providers.keys().filter_map(ended).collect()
}

/// The needs of all credentials that were looked at, counted.
#[derive(Default)]
pub(crate) struct Census {
    /// The number of credentials with each need.
    counts: BTreeMap<Need, usize>,
    /// The first of those with the gravest need.
    pub(crate) gravest: Option<Line>,
    /// The number of rows that can't be read.
    pub(crate) odd: usize,
}

impl Census {
    /// Returns how many credentials there are.
    pub(crate) fn all(&self) -> usize {
        self.counts.values().sum()
    }

    /// Returns how many need somebody.
    pub(crate) fn needy(&self) -> usize {
        self.counts.range(..Need::Provider).map(|(_, count)| count).sum()
    }

    /// Returns how many wait for a member who refreshes them.
    pub(crate) fn waiting_for_member(&self) -> usize {
        self.counts.get(&Need::Member).copied().unwrap_or_default()
    }

    /// Returns how many wait for their provider.
    pub(crate) fn waiting(&self) -> usize {
        self.counts.get(&Need::Provider).copied().unwrap_or_default()
    }
}

impl Subjects<'_> {
    /// Counts the credentials, and calls `each` with the line of each.
    pub(crate) fn census(self, mut each: impl FnMut(&Line)) -> Result<Census, StoreError> {
        let mut census = Census::default();
        census.odd = self.each_line(|line| {
            each(&line);
            *census.counts.entry(line.need).or_default() += 1;
            if census.gravest.as_ref().is_none_or(|gravest| line.need < gravest.need) {
                census.gravest = Some(line);
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(census)
    }

    /// Calls `each` with the line of each credential, those with the gravest need first. The vault is
    /// read once for each need that the `census` found, so that one line is in memory at a time.
    pub(crate) fn each_by_need<E: From<StoreError>>(
        self,
        census: &Census,
        mut each: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<(), E> {
        for need in census.counts.keys() {
            self.each_line(|line| if line.need == *need { each(line) } else { Ok(()) })?;
        }
        Ok(())
    }

    /// Calls `each` with the line of each credential, in the order of their names; one is in memory at
    /// a time. Returns the number of rows that can't be read.
    pub(crate) fn each_line<E: From<StoreError>>(
        self,
        mut each: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<usize, E> {
        let Self { vault, filter, certificates, now } = self;
        let pauses = pauses(vault, now)?;
        let is_reader = vault.only_reads();
        vault.each_summary::<E>(filter, |summary, last, in_doubt| {
            let (mut need, mut what) = judge(&summary, last.as_ref(), in_doubt, now);
            if is_reader {
                (need, what) = as_reader(&summary, (need, what), now);
            }
            if summary.refreshable
                && summary.status == Status::Active
                && let Some(ended) = certificates.get(summary.account.provider.as_str())
            {
                what = format!(
                    "{what}; the certificate of its client ended {}",
                    time::relative(*ended, now)
                );
                // No refresh works with it.
                if summary.expires_at.is_some_and(|at| at <= now) {
                    need = Need::Login;
                }
            }
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
            each(Line { account: summary.account, need, what, in_doubt })
        })
    }
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
        Need::Login | Need::Refresh | Need::Provider | Need::Member | Need::Nothing => {
            "needs a login"
        }
    };
    match summary.status {
        Status::LoginRequired => (login, format!("{needs}: the provider no longer renews it")),
        Status::Inactive if summary.refreshable => {
            (Need::Refresh, "the service refused its token".into())
        }
        Status::Inactive => (login, format!("{needs}: the service refused it")),
        Status::HandedOver => (Need::Nothing, HANDED_OVER.into()),
        Status::Active if summary.is_expired(now) => (login, format!("{needs}: it has ended")),
        Status::Active if in_doubt => {
            (Need::Nothing, "a refresh was begun, and its answer is not stored yet".into())
        }
        Status::Active => match last.filter(|last| last.is_failed_refresh(summary)) {
            Some(failed) if failed.brought_unusable_token() => {
                (login, format!("{needs}: the provider issues tokens that can't be used"))
            }
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

/// Returns what a credential needs, and its state in words, for a user who may only read: who may write
/// refreshes it and logs in.
fn as_reader(summary: &Summary, (need, what): (Need, String), now: Timestamp) -> (Need, String) {
    let is_renewed = summary.status == Status::Active && summary.refreshable;
    match (need, summary.expires_at) {
        (Need::Nothing, Some(at)) if is_renewed && at <= now => {
            let when = time::relative(at, now);
            let what = format!("its token ended {when}, and no member has refreshed it yet");
            (Need::Member, what)
        }
        (Need::Nothing, Some(at)) if is_renewed => {
            let when = time::relative(at, now);
            (need, format!("works, ends {when} if no member refreshes it before"))
        }
        (Need::Refresh, _) => (need, format!("{what}; a member may refresh it")),
        (Need::Login | Need::NewToken, _) => (need, format!("{what}; a member has to do it")),
        (Need::Provider | Need::Member | Need::Nothing, _) => (need, what),
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
        Need::Login | Need::NewToken | Need::Refresh | Need::Member if context.is_reader() => {
            about_named(context, WHOM_TO_ASK.into())
        }
        Need::Login | Need::NewToken => login(context, &line.account),
        Need::Refresh => here(context, "refresh", &line.account),
        Need::Provider | Need::Member => here(context, "why", &line.account),
        Need::Nothing => here(context, "get", &line.account),
    }
}
