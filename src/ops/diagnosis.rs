//! The diagnosis of one credential: why it works or not, judged from the vault without a request.

use jiff::Timestamp;

use super::credential;
use super::error::Error;
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome, TOLERABLE_SKEW};
use crate::model::credential::{Credential, Grant, Status};
use crate::model::readiness::{Need, Readiness, readiness};
use crate::model::scope::Scopes;
use crate::providers::RenewalRules;
use crate::store::{OpenVault, Row};

/// The whole knowledge of the vault about one credential.
pub(crate) struct Evidence {
    pub(crate) credential: Credential,
    /// The start of a refresh whose answer was never stored.
    pub(crate) in_doubt_since: Option<Timestamp>,
    /// The start of a refresh that is under way.
    pub(crate) under_way_since: Option<Timestamp>,
    pub(crate) last_attempt: Option<Attempt>,
    /// The end of the pause that the server asked the credential's client for.
    pub(crate) paused_until: Option<Timestamp>,
    /// Whether this vault keeps a bundle of whoever asks that may not have reached its target file.
    pub(crate) keeps_bundle: bool,
    /// The labels of the members of a shared vault who refresh its credentials, where this one may only
    /// read; `None` where whoever asks may refresh.
    pub(crate) refreshed_by: Option<Vec<String>>,
    /// The label of the other member who moved the credential out of a shared vault, if one did.
    pub(crate) moved_by: Option<String>,
}

/// The state of a credential, as [`diagnose`] judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// The credential was moved to another machine. `arrived` is `false` if the bundle may still be
    /// in this vault only.
    HandedOver { arrived: bool },
    /// The provider refused to renew the grant.
    Refused,
    /// The token has expired, and nothing renews it.
    Ended,
    /// The service refused the token when it was last asked. `refreshable`: another one can be had
    /// without a login.
    Inactive { refreshable: bool },
    /// A refresh was interrupted, and its outcome is not known. `works`: the token has not expired.
    /// `may_try`: the provider allows another try.
    InDoubt { since: Timestamp, works: bool, may_try: bool },
    /// The provider does not accept the client's settings.
    Configuration,
    /// The last refresh failed for a reason that may pass. `works`: the token has not expired.
    Passing { works: bool, not_before: Option<Timestamp> },
    /// The token is due, and the server asked the credential's client for a pause. `works`: the
    /// token has not expired.
    Paused { works: bool, until: Timestamp },
    /// The token is due: the next `get` renews it.
    Due,
    /// This machine's clock is `ahead` seconds ahead of the server's, or behind it if negative.
    Clock { ahead: i64 },
    /// The service knows the token, and asks for a scope that it lacks.
    ScopeMissing,
    /// The last check did not find out whether the token works.
    CheckFailed,
    /// The token is in order, but nobody has asked the service about it.
    Unchecked,
    /// The service said that the token works, and it will be renewed when it is due.
    Works,
}

/// The step that helps with a [`Diagnosis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A new login by a person.
    Login,
    /// A `get`, which does all that can be done.
    Get,
    /// A `refresh`, which asks the provider again.
    Refresh,
    /// Wait until the pause is over that the provider asked for.
    Wait,
    /// A `check`, which asks the service.
    Check,
    /// An `export --resume`, which writes the waiting bundle to a file.
    Resume,
}

/// Reads all that the vault knows about `account`.
pub(crate) fn evidence(
    vault: &OpenVault,
    account: &Account,
    now: Timestamp,
) -> Result<Evidence, Error> {
    let Row { stored, journal, attempt, .. } =
        credential::expect(vault, account)?.trusted(account)?;
    let paused_until = match &stored.credential.grant {
        Grant::OAuth(grant) => vault.client_pause(&grant.client, now),
        Grant::Static(_) => None,
    };
    let moved_by = credential::other_mover(vault, &stored.credential)?;
    let begun = journal.as_ref().map(|journal| journal.started_at);
    let is_under_way = journal.is_some_and(|journal| vault.is_under_way(account, &journal));
    Ok(Evidence {
        refreshed_by: refreshing_members(vault)?,
        credential: stored.credential,
        paused_until,
        in_doubt_since: begun.filter(|_| !is_under_way),
        under_way_since: begun.filter(|_| is_under_way),
        last_attempt: attempt,
        keeps_bundle: moved_by.is_none() && vault.unplaced_bundle_since()?.is_some(),
        moved_by,
    })
}

/// Returns the labels of the members who refresh, where this one may only read.
#[cfg(feature = "postgres")]
fn refreshing_members(vault: &OpenVault) -> Result<Option<Vec<String>>, Error> {
    if !vault.is_shared() || !vault.only_reads() {
        return Ok(None);
    }
    let roster = super::shared::roster(vault)?;
    let refreshing = roster.members().iter().filter(|member| member.role.writes());
    Ok(Some(refreshing.map(|member| member.label.to_string()).collect()))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unnecessary_wraps, reason = "of shared vaults")]
fn refreshing_members(_: &OpenVault) -> Result<Option<Vec<String>>, Error> {
    Ok(None)
}

/// Judges the state of a credential at `now`. If several things are wrong, returns the gravest.
pub(crate) fn diagnose(evidence: &Evidence, renewal: RenewalRules, now: Timestamp) -> Diagnosis {
    let credential = &evidence.credential;
    let works = !credential.expiry().is_past(now);
    match credential.status {
        Status::HandedOver => return Diagnosis::HandedOver { arrived: !evidence.keeps_bundle },
        Status::LoginRequired => return Diagnosis::Refused,
        Status::Active | Status::Inactive => {}
    }
    if credential.is_over(now) {
        return Diagnosis::Ended;
    }
    if let Some(since) = evidence.in_doubt_since {
        let may_try = renewal.reuse_of(credential).allows_another_try(now.duration_since(since));
        return Diagnosis::InDoubt { since, works, may_try };
    }
    if let Some(failed) = evidence.last_failure() {
        match failed.outcome {
            Outcome::Configuration => return Diagnosis::Configuration,
            Outcome::Transient => {
                let not_before = failed.paused_until(now).max(evidence.paused_until);
                return Diagnosis::Passing { works, not_before };
            }
            Outcome::Done | Outcome::Refused => {}
        }
    }
    if credential.status == Status::Inactive {
        return Diagnosis::Inactive { refreshable: credential.is_refreshable() };
    }
    match evidence.clock_ahead() {
        Some(ahead) if ahead.unsigned_abs() > TOLERABLE_SKEW.as_secs().unsigned_abs() => {
            Diagnosis::Clock { ahead }
        }
        _ if matches!(readiness(credential, Need::Usual, now), Readiness::Due { .. }) => {
            match evidence.paused_until {
                Some(until) => Diagnosis::Paused { works, until },
                None => Diagnosis::Due,
            }
        }
        _ if evidence.wanted_scopes().is_some() => Diagnosis::ScopeMissing,
        _ => match evidence.last_check().map(|last| last.outcome) {
            Some(Outcome::Done) => Diagnosis::Works,
            Some(Outcome::Transient | Outcome::Configuration) => Diagnosis::CheckFailed,
            // What was refused was another token, since the credential is active.
            Some(Outcome::Refused) | None => Diagnosis::Unchecked,
        },
    }
}

impl Diagnosis {
    /// Whether nothing but another login brings a token.
    pub(crate) fn is_end_of_login(&self) -> bool {
        matches!(self, Self::Refused | Self::Ended)
    }

    /// Returns the step that helps.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::HandedOver { arrived: false } => Remedy::Resume,
            Self::HandedOver { arrived: true }
            | Self::Refused
            | Self::Ended
            | Self::Inactive { refreshable: false }
            | Self::ScopeMissing
            | Self::Configuration => Remedy::Login,
            // A refresh is refused until then, and a get where the token has ended.
            Self::Passing { not_before: Some(_), works: false }
            | Self::Paused { works: false, .. } => Remedy::Wait,
            Self::Inactive { refreshable: true } | Self::Passing { not_before: None, .. } => {
                Remedy::Refresh
            }
            Self::CheckFailed | Self::Unchecked => Remedy::Check,
            Self::Passing { not_before: Some(_), works: true }
            | Self::Paused { works: true, .. }
            | Self::InDoubt { .. }
            | Self::Due
            | Self::Clock { .. }
            | Self::Works => Remedy::Get,
        }
    }
}

impl Evidence {
    /// Whether the token has ended and whoever asks may not refresh it.
    pub(crate) fn is_over_for_reader(&self, now: Timestamp) -> bool {
        self.refreshed_by.is_some() && self.credential.expiry().is_past(now)
    }

    /// Returns the last refresh if it failed and no token was issued after it.
    pub(crate) fn last_failure(&self) -> Option<&Attempt> {
        self.last_attempt.as_ref().filter(|last| {
            last.action == Action::Refresh
                && last.outcome != Outcome::Done
                && self.last_success().is_none_or(|success| success <= last.ended_at)
        })
    }

    /// Returns the last check, if it was about the current access token.
    pub(crate) fn last_check(&self) -> Option<&Attempt> {
        self.last_attempt.as_ref().filter(|last| {
            last.action == Action::Check
                && self.last_success().is_none_or(|success| success <= last.ended_at)
        })
    }

    /// Returns the scopes that a login has to ask for, if the last check found that one is missing.
    pub(crate) fn wanted_scopes(&self) -> Option<&Scopes> {
        self.last_check()?.wanted_scopes.as_ref()
    }

    /// Returns the time at which the current access token was issued; `None` for a static token.
    pub(crate) fn last_success(&self) -> Option<Timestamp> {
        match &self.credential.grant {
            Grant::OAuth(grant) => Some(grant.issued_at),
            Grant::Static(_) => None,
        }
    }

    /// Returns how far this machine's clock was ahead of the server's at the last answer, in
    /// seconds.
    pub(crate) fn clock_ahead(&self) -> Option<i64> {
        self.last_attempt.as_ref()?.clock_skew.map(i64::saturating_neg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Expiry;
    use crate::model::definition::Reuse;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn evidence(status: Status, ends: i64) -> Evidence {
        let ends = Expiry::Known(at(ends));
        let credential = Credential { status, ..Credential::made_up_static(ends) };
        Evidence {
            credential,
            in_doubt_since: None,
            under_way_since: None,
            last_attempt: None,
            paused_until: None,
            keeps_bundle: false,
            refreshed_by: None,
            moved_by: None,
        }
    }

    fn failed(outcome: Outcome) -> Attempt {
        Attempt {
            name: None,
            action: Action::Refresh,
            began_at: at(1),
            ended_at: at(2),
            outcome,
            status: None,
            error: None,
            message: None,
            not_before: None,
            clock_skew: Some(300),
            wanted_scopes: None,
            refusals: 0,
        }
    }

    fn finding(evidence: &Evidence) -> Diagnosis {
        diagnose(evidence, RenewalRules::default(), at(10))
    }

    #[test]
    fn the_gravest_thing_is_told() {
        let moved = evidence(Status::HandedOver, 100);
        assert_eq!(finding(&moved), Diagnosis::HandedOver { arrived: true });
        let kept = Evidence { keeps_bundle: true, ..moved };
        assert_eq!(finding(&kept), Diagnosis::HandedOver { arrived: false });
        assert_eq!(finding(&evidence(Status::LoginRequired, 100)), Diagnosis::Refused);
        assert_eq!(finding(&evidence(Status::Inactive, 5)), Diagnosis::Ended);
        assert_eq!(
            finding(&evidence(Status::Inactive, 100)),
            Diagnosis::Inactive { refreshable: false }
        );
        assert_eq!(finding(&evidence(Status::Active, 100)), Diagnosis::Unchecked);
    }

    #[test]
    fn the_last_attempt_tells_what_went_wrong() {
        let of = |outcome| Evidence {
            last_attempt: Some(failed(outcome)),
            ..evidence(Status::Active, 100)
        };
        assert_eq!(finding(&of(Outcome::Configuration)), Diagnosis::Configuration);
        let passing = Diagnosis::Passing { works: true, not_before: None };
        assert_eq!(finding(&of(Outcome::Transient)), passing);
        assert_eq!(finding(&of(Outcome::Done)), Diagnosis::Clock { ahead: -300 });
    }

    #[test]
    fn an_interrupted_refresh_may_be_tried_again_where_the_provider_allows_it() {
        let in_doubt = Evidence { in_doubt_since: Some(at(9)), ..evidence(Status::Active, 100) };
        let told = |reuse, may_try| {
            let renewal = RenewalRules { reuse, ..RenewalRules::default() };
            let expected = Diagnosis::InDoubt { since: at(9), works: true, may_try };
            assert_eq!(diagnose(&in_doubt, renewal, at(10)), expected);
        };
        told(Reuse::Strict, false);
        told(Reuse::Tolerant, true);
    }
}
