//! The decision whether a token may be handed out as it is.

use jiff::{SignedDuration, Timestamp};

use super::credential::{Credential, Expiry, Grant, Status};

/// The margin where a definition sets none, in seconds: enough for a job to use its token.
const DEFAULT_MARGIN: i64 = 5 * 60;

/// The part of a token's life that the default margin never exceeds (a fifth); else a token of 60
/// seconds would be renewed at every call.
const MARGIN_DIVISOR: i64 = 5;

/// The life that the caller needs of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The provider's margin; a token with less life will do if it can't be renewed.
    Usual,
    /// A promise of at least this much life.
    AtLeast(SignedDuration),
}

/// The decision about a stored token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// The token is handed out.
    Good,
    /// The token is renewed first. `fallback`: if that fails for a passing reason, the stored token
    /// will do.
    Due { fallback: bool },
    /// The token works, but can't be renewed: it is handed out with a warning.
    Fading,
    /// The token no longer works, or not for as long as asked, and only a person can get a new one.
    LoginRequired,
    /// The credential was moved to another machine.
    HandedOver,
    /// The provider issues no token that lives as long as was asked.
    NeverLongEnough { asked: SignedDuration },
}

/// Decides what can be done with `credential` at `now`.
pub(crate) fn readiness(credential: &Credential, need: Need, now: Timestamp) -> Readiness {
    let expiry = credential.expiry();
    let has_token = credential.token().is_some();
    let usable = has_token && !expiry.is_past(now);
    match credential.status {
        Status::HandedOver => return Readiness::HandedOver,
        // The provider has refused this grant. Another request without an order to do so would be
        // in vain.
        Status::LoginRequired if usable && lasts(expiry, need, now) => return Readiness::Fading,
        Status::LoginRequired => return Readiness::LoginRequired,
        Status::Active | Status::Inactive => {}
    }
    if credential.is_over(now) {
        return Readiness::LoginRequired;
    }
    let due = match need {
        Need::Usual => match &credential.grant {
            Grant::Static(_) => !usable,
            // What the service refused is renewed, whatever its end.
            Grant::OAuth(_)
                if credential.status == Status::Inactive && credential.is_refreshable() =>
            {
                true
            }
            Grant::OAuth(grant) => grant.due_at.is_some_and(|due_at| due_at <= now),
        },
        Need::AtLeast(_) => !lasts(expiry, need, now),
    };
    if has_token && !due {
        return Readiness::Good;
    }
    if credential.is_refreshable() {
        readiness_if_renewable(credential, need, usable)
    } else {
        readiness_if_not_renewable(expiry, need, usable)
    }
}

/// Decides about a credential that is due and can be renewed.
fn readiness_if_renewable(credential: &Credential, need: Need, usable: bool) -> Readiness {
    match (&credential.grant, need, credential.expiry().at()) {
        (Grant::OAuth(grant), Need::AtLeast(asked), Some(at))
            if credential.token().is_some() && at.duration_since(grant.issued_at) < asked =>
        {
            Readiness::NeverLongEnough { asked }
        }
        // The life of the token is unknown: the next answer may tell more.
        (Grant::OAuth(_) | Grant::Static(_), Need::AtLeast(_), _) => {
            Readiness::Due { fallback: false }
        }
        (Grant::OAuth(_) | Grant::Static(_), Need::Usual, _) => Readiness::Due { fallback: usable },
    }
}

/// Decides about a credential that is due and can't be renewed.
fn readiness_if_not_renewable(expiry: Expiry, need: Need, usable: bool) -> Readiness {
    match (need, expiry) {
        (Need::Usual, _) if usable => Readiness::Fading,
        (Need::AtLeast(asked), Expiry::Unknown) if usable => Readiness::NeverLongEnough { asked },
        (Need::Usual | Need::AtLeast(_), _) => Readiness::LoginRequired,
    }
}

/// Whether the life that is left meets `need`; an unknown life meets no promise.
pub(crate) fn lasts(expiry: Expiry, need: Need, now: Timestamp) -> bool {
    match (expiry, need) {
        (_, Need::Usual) | (Expiry::None, Need::AtLeast(_)) => true,
        (Expiry::Unknown, Need::AtLeast(_)) => false,
        (Expiry::Known(at), Need::AtLeast(asked)) => at.duration_since(now) >= asked,
    }
}

/// Returns the time from which on a token issued at `issued_at` is renewed before it is handed out;
/// `None` if its end is unknown.
///
/// The `margin` of the provider's definition is used as it is. Without one it is 5 minutes, but no
/// more than a fifth of the token's life.
pub(crate) fn due_at(
    issued_at: Timestamp,
    expiry: Expiry,
    margin: Option<SignedDuration>,
) -> Option<Timestamp> {
    let expires_at = expiry.at()?;
    let life = expires_at.duration_since(issued_at).as_secs().max(0);
    let margin = margin
        .unwrap_or_else(|| SignedDuration::from_secs(DEFAULT_MARGIN.min(life / MARGIN_DIVISOR)));
    Some(expires_at.saturating_sub(margin).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::OAuthGrant;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Returns a credential whose token was issued at 0.
    fn oauth(expiry: Expiry, refreshable: bool, status: Status) -> Credential {
        let mut grant = OAuthGrant::made_up(expiry);
        grant.due_at = due_at(at(0), expiry, None);
        if !refreshable {
            grant.refresh_token = None;
        }
        Credential::made_up(Grant::OAuth(Box::new(grant)), status)
    }

    fn pat(expiry: Expiry) -> Credential {
        Credential::made_up_static(expiry)
    }

    fn never(seconds: i64) -> Readiness {
        Readiness::NeverLongEnough { asked: SignedDuration::from_secs(seconds) }
    }

    const HOUR: Expiry = Expiry::Known(Timestamp::constant(3600, 0));

    #[test]
    fn the_margin_is_five_minutes_but_at_most_a_fifth_of_the_life() {
        assert_eq!(due_at(at(0), HOUR, None), Some(at(3300)));
        assert_eq!(due_at(at(0), Expiry::Known(at(60)), None), Some(at(48)));
        assert_eq!(due_at(at(0), Expiry::Known(at(0)), None), Some(at(0)));
        assert_eq!(due_at(at(0), HOUR, Some(SignedDuration::from_secs(1800))), Some(at(1800)));
        assert_eq!(due_at(at(0), Expiry::Unknown, None), None);
    }

    #[test]
    fn an_oauth_token_is_good_until_its_margin_and_then_due() {
        let live = oauth(HOUR, true, Status::Active);
        assert_eq!(readiness(&live, Need::Usual, at(3299)), Readiness::Good);
        assert_eq!(readiness(&live, Need::Usual, at(3300)), Readiness::Due { fallback: true });
        assert_eq!(readiness(&live, Need::Usual, at(3600)), Readiness::Due { fallback: false });
    }

    #[test]
    fn without_a_refresh_token_it_fades_and_then_needs_a_login() {
        let live = oauth(HOUR, false, Status::Active);
        assert_eq!(readiness(&live, Need::Usual, at(3300)), Readiness::Fading);
        assert_eq!(readiness(&live, Need::Usual, at(3600)), Readiness::LoginRequired);
    }

    #[test]
    fn an_unknown_life_is_good_enough_but_for_a_promise() {
        let live = oauth(Expiry::Unknown, true, Status::Active);
        assert_eq!(readiness(&live, Need::Usual, at(99)), Readiness::Good);
        let asked = Need::AtLeast(SignedDuration::from_secs(1));
        assert_eq!(readiness(&live, asked, at(0)), Readiness::Due { fallback: false });
        assert_eq!(readiness(&pat(Expiry::Unknown), asked, at(0)), never(1));
        assert_eq!(readiness(&pat(Expiry::None), asked, at(0)), Readiness::Good);
    }

    #[test]
    fn a_promise_renews_earlier_unless_no_token_lives_that_long() {
        let live = oauth(HOUR, true, Status::Active);
        let half = Need::AtLeast(SignedDuration::from_secs(1800));
        assert_eq!(readiness(&live, half, at(1800)), Readiness::Good);
        assert_eq!(readiness(&live, half, at(1801)), Readiness::Due { fallback: false });
        let day = Need::AtLeast(SignedDuration::from_secs(86_400));
        assert_eq!(readiness(&live, day, at(0)), never(86_400));
    }

    #[test]
    fn without_a_token_there_is_nothing_to_hand_out() {
        let without = |refreshable, expiry| {
            let mut credential = oauth(expiry, refreshable, Status::Active);
            if let Grant::OAuth(grant) = &mut credential.grant {
                grant.access_token = None;
            }
            credential
        };
        let day = Need::AtLeast(SignedDuration::from_hours(24));
        for expiry in [HOUR, Expiry::Unknown, Expiry::None] {
            for need in [Need::Usual, day] {
                let due = Readiness::Due { fallback: false };
                assert_eq!(readiness(&without(true, expiry), need, at(0)), due);
                let over = Readiness::LoginRequired;
                assert_eq!(readiness(&without(false, expiry), need, at(0)), over);
            }
        }
    }

    #[test]
    fn a_static_token_works_to_its_end() {
        assert_eq!(readiness(&pat(HOUR), Need::Usual, at(3599)), Readiness::Good);
        assert_eq!(readiness(&pat(HOUR), Need::Usual, at(3600)), Readiness::LoginRequired);
        assert_eq!(readiness(&pat(Expiry::Unknown), Need::Usual, at(9999)), Readiness::Good);
    }

    #[test]
    fn a_refused_grant_is_used_up_and_then_needs_a_login() {
        let refused = oauth(HOUR, true, Status::LoginRequired);
        assert_eq!(readiness(&refused, Need::Usual, at(3599)), Readiness::Fading);
        assert_eq!(readiness(&refused, Need::Usual, at(3600)), Readiness::LoginRequired);
        let moved = oauth(HOUR, true, Status::HandedOver);
        assert_eq!(readiness(&moved, Need::Usual, at(0)), Readiness::HandedOver);
    }
}
