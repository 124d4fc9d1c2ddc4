//! Why a credential works or does not: concluded from what is stored, with no request.

use jiff::Timestamp;

use super::credential;
use super::error::Error;
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome, TOLERABLE_SKEW};
use crate::model::credential::{Credential, Grant, Status};
use crate::model::readiness::{Need, Readiness, readiness};
use crate::providers::RenewalRules;
use crate::store::{OpenVault, Row};

/// All that is known of one credential.
pub(crate) struct Evidence {
    pub(crate) credential: Credential,
    /// When a refresh began whose answer was never stored.
    pub(crate) in_doubt_since: Option<Timestamp>,
    pub(crate) last_attempt: Option<Attempt>,
    /// Whether this vault keeps a bundle that is not known to be in place.
    pub(crate) keeps_bundle: bool,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It was moved to another machine; `arrived` unless it may be in the bundle that is kept.
    HandedOver { arrived: bool },
    /// The provider refused to renew the grant.
    Refused,
    /// Its end has come, and nothing renews it.
    Ended,
    /// The service refused the token when it was asked.
    Inactive,
    /// What became of a refresh is not known; the token in hand works still, or does not.
    InDoubt { since: Timestamp, works: bool, may_try: bool },
    /// The provider does not accept the client's settings.
    Configuration,
    /// The last refresh failed in passing; the token in hand works still, or does not.
    Passing { works: bool, not_before: Option<Timestamp> },
    /// The next `get` renews it.
    Due,
    /// This machine's clock is so far off the server's, in seconds: ahead, if positive.
    Clock { ahead: i64 },
    /// It works, and will be renewed when that is due.
    Works,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A person has to log in.
    Login,
    /// Asking for a token does all that can be done.
    Get,
    /// Asking the provider once more.
    Refresh,
    /// Putting a bundle in place.
    Resume,
}

/// Collects what is known of `account`.
pub(crate) fn evidence(vault: &OpenVault, account: &Account) -> Result<Evidence, Error> {
    let Row { stored, journal } = credential::expect(vault, account)?;
    Ok(Evidence {
        credential: stored.credential,
        in_doubt_since: journal.map(|journal| journal.started_at),
        last_attempt: vault.last_attempt(account)?,
        keeps_bundle: vault.unplaced_bundle_since()?.is_some(),
    })
}

/// Concludes what is the matter, the gravest thing first.
pub(crate) fn diagnose(evidence: &Evidence, renewal: RenewalRules, now: Timestamp) -> Finding {
    let credential = &evidence.credential;
    let works = !credential.expiry().is_past(now);
    match credential.status {
        Status::HandedOver => return Finding::HandedOver { arrived: !evidence.keeps_bundle },
        Status::LoginRequired => return Finding::Refused,
        Status::Active | Status::Inactive => {}
    }
    if credential.is_over(now) {
        return Finding::Ended;
    }
    if let Some(since) = evidence.in_doubt_since {
        let may_try = renewal.reuse_of(credential).allows_another_try(now.duration_since(since));
        return Finding::InDoubt { since, works, may_try };
    }
    if let Some(failed) = evidence.last_failure() {
        match failed.outcome {
            Outcome::Configuration => return Finding::Configuration,
            Outcome::Transient => {
                return Finding::Passing { works, not_before: failed.paused_until(now) };
            }
            Outcome::Done | Outcome::Refused => {}
        }
    }
    if credential.status == Status::Inactive {
        return Finding::Inactive;
    }
    match evidence.clock_ahead() {
        Some(ahead) if ahead.unsigned_abs() > TOLERABLE_SKEW.as_secs().unsigned_abs() => {
            Finding::Clock { ahead }
        }
        _ if matches!(readiness(credential, Need::Usual, now), Readiness::Due { .. }) => {
            Finding::Due
        }
        _ => Finding::Works,
    }
}

impl Finding {
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::HandedOver { arrived: false } => Remedy::Resume,
            Self::HandedOver { arrived: true }
            | Self::Refused
            | Self::Ended
            | Self::Inactive
            | Self::Configuration => Remedy::Login,
            Self::Passing { .. } => Remedy::Refresh,
            Self::InDoubt { .. } | Self::Due | Self::Clock { .. } | Self::Works => Remedy::Get,
        }
    }
}

impl Evidence {
    /// The last refresh, if it failed and nothing has brought a token since.
    pub(crate) fn last_failure(&self) -> Option<&Attempt> {
        self.last_attempt.as_ref().filter(|last| {
            last.action == Action::Refresh
                && last.outcome != Outcome::Done
                && self.last_success().is_none_or(|success| success <= last.ended_at)
        })
    }

    /// When a token last came.
    pub(crate) fn last_success(&self) -> Option<Timestamp> {
        match &self.credential.grant {
            Grant::OAuth(grant) => Some(grant.issued_at),
            Grant::Static(_) => None,
        }
    }

    /// How far this machine's clock was ahead of the server's when it last answered, in seconds.
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
        Evidence { credential, in_doubt_since: None, last_attempt: None, keeps_bundle: false }
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
        }
    }

    fn finding(evidence: &Evidence) -> Finding {
        diagnose(evidence, RenewalRules::default(), at(10))
    }

    #[test]
    fn the_gravest_thing_is_told() {
        let moved = evidence(Status::HandedOver, 100);
        assert_eq!(finding(&moved), Finding::HandedOver { arrived: true });
        let kept = Evidence { keeps_bundle: true, ..moved };
        assert_eq!(finding(&kept), Finding::HandedOver { arrived: false });
        assert_eq!(finding(&evidence(Status::LoginRequired, 100)), Finding::Refused);
        assert_eq!(finding(&evidence(Status::Inactive, 5)), Finding::Ended);
        assert_eq!(finding(&evidence(Status::Inactive, 100)), Finding::Inactive);
        assert_eq!(finding(&evidence(Status::Active, 100)), Finding::Works);
    }

    #[test]
    fn the_last_attempt_tells_what_went_wrong() {
        let of = |outcome| Evidence {
            last_attempt: Some(failed(outcome)),
            ..evidence(Status::Active, 100)
        };
        assert_eq!(finding(&of(Outcome::Configuration)), Finding::Configuration);
        let passing = Finding::Passing { works: true, not_before: None };
        assert_eq!(finding(&of(Outcome::Transient)), passing);
        assert_eq!(finding(&of(Outcome::Done)), Finding::Clock { ahead: -300 });
    }

    #[test]
    fn an_interrupted_refresh_may_be_tried_again_where_the_provider_allows_it() {
        let in_doubt = Evidence { in_doubt_since: Some(at(9)), ..evidence(Status::Active, 100) };
        let told = |reuse, may_try| {
            let renewal = RenewalRules { reuse, ..RenewalRules::default() };
            let expected = Finding::InDoubt { since: at(9), works: true, may_try };
            assert_eq!(diagnose(&in_doubt, renewal, at(10)), expected);
        };
        told(Reuse::Strict, false);
        told(Reuse::Tolerant, true);
    }
}
