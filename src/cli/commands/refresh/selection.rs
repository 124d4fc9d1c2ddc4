//! The selection of the credentials to refresh.

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Done, Verdict};
use crate::model::credential::{Credential, Grant, OAuthGrant, Status};
use crate::model::readiness::Need;
use crate::ops::refresh::Trigger;

/// The divisor of a token's life: no token is renewed earlier than a fifth of its life before it is
/// due.
const PART_OF_LIFE: i64 = 5;

/// Decides about `credential` for `--all`, limited to tokens that end or are due in `within`.
pub(super) fn decide(
    credential: &Credential,
    within: Option<SignedDuration>,
    now: Timestamp,
) -> Verdict {
    if !within.is_none_or(|within| ends_within(credential, within, now)) {
        return Verdict::Leave(Done::NotMeant);
    }
    // Reported by each run, because the message of the run that was refused may be lost.
    if credential.status == Status::LoginRequired {
        return Verdict::NeedsLogin;
    }
    match renewable(credential, now) {
        Ok(_) => Verdict::Renew(Trigger::Explicit),
        Err(reason) => Verdict::Leave(Done::Skipped(reason)),
    }
}

/// Returns whether the token ends, or is due, within `within`.
pub(super) fn ends_within(credential: &Credential, within: SignedDuration, now: Timestamp) -> bool {
    first_end(credential).is_some_and(|at| at.duration_since(now) <= within)
}

/// Decides about `credential` for a service whose next round is in `every`.
pub(super) fn decide_for_service(
    credential: &Credential,
    every: SignedDuration,
    now: Timestamp,
) -> Verdict {
    let grant = match renewable(credential, now) {
        Ok(grant) => grant,
        Err(reason) => return Verdict::Leave(Done::Skipped(reason)),
    };
    match grant.due_at {
        Some(due_at) if due_at <= now => Verdict::Renew(Trigger::Need(Need::Usual)),
        // The token becomes due before the next round.
        Some(due_at) if due_at.duration_since(now) <= lead(grant, every) => {
            Verdict::Renew(Trigger::Explicit)
        }
        Some(_) | None => Verdict::Leave(Done::Skipped("it is not due")),
    }
}

/// Returns when `credential` is due, if a service can renew it then.
pub(super) fn due_at(credential: &Credential, now: Timestamp) -> Option<Timestamp> {
    renewable(credential, now).ok().and_then(|grant| grant.due_at)
}

/// Returns since when `credential` has been waiting to be refreshed, or from when on it will: the time
/// at which its token is due or ends. Where nothing tells that, the time of its last change.
pub(super) fn waits_since(credential: &Credential) -> Timestamp {
    first_end(credential).unwrap_or(credential.updated_at)
}

/// Returns the time at which the token of `credential` is due or ends, whichever comes first.
fn first_end(credential: &Credential) -> Option<Timestamp> {
    let due_at = match &credential.grant {
        Grant::OAuth(grant) => grant.due_at,
        Grant::Static(_) => None,
    };
    [due_at, credential.expiry().at()].into_iter().flatten().min()
}

/// Returns how long before it is due a token is renewed.
///
/// That is the time to the next round, but less for a short-lived token, which would otherwise be
/// renewed all the time.
fn lead(grant: &OAuthGrant, every: SignedDuration) -> SignedDuration {
    let life = grant.expiry.at().map_or(SignedDuration::ZERO, |at| {
        SignedDuration::from_secs(at.duration_since(grant.issued_at).as_secs() / PART_OF_LIFE)
    });
    every.min(life)
}

/// Returns the grant if it can be renewed without the user, or else the reason.
fn renewable(credential: &Credential, now: Timestamp) -> Result<&OAuthGrant, &'static str> {
    match credential.status {
        Status::LoginRequired => return Err("it needs a new login"),
        Status::HandedOver => return Err("it was handed over"),
        Status::Active | Status::Inactive => {}
    }
    match &credential.grant {
        Grant::Static(_) => Err("its token is static"),
        Grant::OAuth(grant) if grant.ends_with_its_token() && credential.is_over(now) => {
            Err("it needs a new login")
        }
        Grant::OAuth(_) if !credential.is_refreshable() => Err("it has no refresh token"),
        Grant::OAuth(grant) => Ok(grant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::{Expiry, RenewalGrant};
    use crate::model::readiness;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Returns a credential issued at second 0 that lives for `life` seconds.
    fn oauth(life: i64, status: Status) -> Credential {
        let expiry = Expiry::Known(at(life));
        let due_at = readiness::due_at(at(0), expiry, None);
        let grant = OAuthGrant { due_at, ..OAuthGrant::made_up(expiry) };
        Credential::made_up(Grant::OAuth(Box::new(grant)), status)
    }

    #[test]
    fn what_is_renewed_only_as_long_as_it_works_is_left_alone_once_it_has_ended() {
        let mut ended = oauth(3600, Status::Active);
        if let Grant::OAuth(grant) = &mut ended.grant {
            grant.renewal = RenewalGrant::Exchange;
        }
        for (second, renewed) in [(3599, true), (3600, false)] {
            assert_eq!(is_renewed(decide(&ended, None, at(second))), renewed);
            assert_eq!(
                is_renewed(decide_for_service(&ended, SignedDuration::ZERO, at(second))),
                renewed
            );
            assert_eq!(due_at(&ended, at(second)).is_some(), renewed);
        }
    }

    fn is_renewed(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Renew(_))
    }

    #[test]
    fn a_service_renews_what_would_be_due_before_it_looks_again() {
        let hour = oauth(3600, Status::Active);
        let every = SignedDuration::from_mins(3);
        assert!(!is_renewed(decide_for_service(&hour, every, at(3300 - 181))));
        assert!(is_renewed(decide_for_service(&hour, every, at(3300 - 180))));
        assert!(is_renewed(decide_for_service(&hour, every, at(5000))));
        // Due after 48 seconds.
        let minute = oauth(60, Status::Active);
        assert!(!is_renewed(decide_for_service(&minute, every, at(35))));
        assert!(is_renewed(decide_for_service(&minute, every, at(36))));
    }

    #[test]
    fn only_what_ends_or_is_due_in_time_is_meant() {
        let hour = oauth(3600, Status::Active);
        let within = |minutes| Some(SignedDuration::from_mins(minutes));
        assert!(is_renewed(decide(&hour, None, at(0))));
        assert!(is_renewed(decide(&hour, within(55), at(0))));
        assert!(matches!(decide(&hour, within(54), at(0)), Verdict::Leave(Done::NotMeant)));
    }

    #[test]
    fn what_only_a_person_can_renew_is_not_renewed() {
        for credential in [
            Credential::made_up_static(Expiry::None),
            oauth(3600, Status::LoginRequired),
            oauth(3600, Status::HandedOver),
        ] {
            match decide(&credential, None, at(0)) {
                Verdict::NeedsLogin => assert_eq!(credential.status, Status::LoginRequired),
                Verdict::Leave(Done::Skipped(_)) => {
                    assert_ne!(credential.status, Status::LoginRequired);
                }
                other => panic!("{other:?}"),
            }
            let every = SignedDuration::from_mins(3);
            assert!(!is_renewed(decide_for_service(&credential, every, at(5000))));
            assert_eq!(due_at(&credential, at(0)), None);
        }
        assert!(is_renewed(decide(&oauth(3600, Status::Inactive), None, at(0))));
    }
}
