//! What is remembered of an attempt, and what it spares those who come right after it.
//!
//! A crowd that waits behind one failing attempt would repeat it one by one; a server that asked
//! to be left alone asked everybody. So an outcome is written down, and taken over.

use jiff::Timestamp;

use super::trigger::Trigger;
use crate::model::account::Account;
use crate::model::attempt::{Action, Attempt, Outcome, pause_until};
use crate::model::credential::{Credential, Status};
use crate::oauth::http::Fault;
use crate::oauth::token::ResponseMeta;
use crate::oauth::token_error;
use crate::ops::access_token::{Handed, Warning};
use crate::ops::error::{Error, LoginReason};
use crate::untrusted::printable;

/// Which attempt, when it began, and when it was over.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) name: [u8; 16],
    pub(super) began_at: Timestamp,
    pub(super) ended_at: Timestamp,
}

/// The record of an attempt that brought a token.
pub(super) fn of_success(span: Span, heard: Option<ResponseMeta>) -> Attempt {
    record(span, heard, Outcome::Done)
}

/// The record of an attempt that brought none.
pub(super) fn of_failure(
    span: Span,
    heard: Option<ResponseMeta>,
    error: &token_error::Error,
) -> Attempt {
    let outcome = match error {
        token_error::Error::GrantRefused { .. } => Outcome::Refused,
        token_error::Error::ClientRefused { .. }
        | token_error::Error::NotSigned(_)
        | token_error::Error::Fault(Fault::Setup { .. }) => Outcome::Configuration,
        token_error::Error::TooManyRequests { .. }
        | token_error::Error::NoVerdict { .. }
        | token_error::Error::Fault(_) => Outcome::Passing,
    };
    Attempt {
        error: error.code().map(printable),
        message: Some(printable(&error.to_string())),
        not_before: pause_until(error.retry_after(), span.ended_at),
        ..record(span, heard, outcome)
    }
}

fn record(span: Span, heard: Option<ResponseMeta>, outcome: Outcome) -> Attempt {
    let server_time = heard.and_then(|heard| heard.date);
    Attempt {
        name: Some(data_encoding::HEXLOWER.encode(&span.name)),
        action: Action::Refresh,
        began_at: span.began_at,
        ended_at: span.ended_at,
        outcome,
        status: heard.map(|heard| heard.status),
        error: None,
        message: None,
        not_before: None,
        clock_skew: server_time.map(|date| date.duration_since(span.ended_at).as_secs()),
    }
}

/// Whether `last`, the attempt of another process, answers for this one; and the answer. It does if
/// it ended since this one came, which found the attempt `before`.
pub(super) fn taken_over(
    account: &Account,
    credential: &Credential,
    last: Attempt,
    before: Option<&Attempt>,
    trigger: Trigger,
    now: Timestamp,
) -> Option<Result<Handed, Error>> {
    let account = account.clone();
    let paused_until = last.paused_until(now);
    let is_new = before.and_then(|before| before.name.as_ref()) != last.name.as_ref();
    if last.action != Action::Refresh || !(is_new || paused_until.is_some()) {
        return None;
    }
    match last.outcome {
        Outcome::Done => return None,
        Outcome::Refused if credential.status != Status::LoginRequired => return None,
        Outcome::Refused => {
            return Some(Err(Error::LoginRequired { account, reason: LoginReason::Refused }));
        }
        Outcome::Configuration | Outcome::Passing => {}
    }
    if last.outcome == Outcome::Passing && trigger.could_do_with(credential, now) {
        let warning = Some(Warning::NotRefreshedBefore(Box::new(last)));
        return Some(Ok(Handed { credential: credential.clone(), refreshed: false, warning }));
    }
    Some(Err(match paused_until {
        Some(until) => Error::Paused { account, until },
        None => Error::NotRefreshedBefore { account, last: Box::new(last) },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::credential::Expiry;
    use crate::model::readiness::Need;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn credential() -> Credential {
        Credential::made_up_static(Expiry::Known(at(-1)))
    }

    fn failed(began: i64, retry_after: Option<u64>) -> Attempt {
        let error = token_error::Error::TooManyRequests {
            authority: "id.example".into(),
            retry_after: retry_after.map(std::time::Duration::from_secs),
        };
        of_failure(span(1, began), None, &error)
    }

    fn span(name: u8, began: i64) -> Span {
        Span { name: [name; 16], began_at: at(began), ended_at: at(began + 1) }
    }

    fn take(last: Attempt, before: Option<&Attempt>, now: i64) -> Option<Result<Handed, Error>> {
        let account = Account { provider: "acme".parse().unwrap(), user: "x".parse().unwrap() };
        let trigger = Trigger::Need(Need::Usual);
        taken_over(&account, &credential(), last, before, trigger, at(now))
    }

    #[test]
    fn only_an_attempt_that_ended_since_one_came_is_taken_over() {
        let last = failed(5, None);
        let taken = take(last.clone(), None, 6);
        assert!(matches!(taken, Some(Err(Error::NotRefreshedBefore { .. }))));
        assert!(take(last.clone(), Some(&of_success(span(2, 0), None)), 6).is_some());
        assert!(take(last.clone(), Some(&last), 6).is_none());
        assert!(take(of_success(span(2, 5), None), Some(&last), 6).is_none());
    }

    #[test]
    fn a_server_that_asked_to_be_left_alone_is_for_an_hour_at_most() {
        let last = failed(0, Some(60));
        assert!(matches!(take(last.clone(), Some(&last), 31), Some(Err(Error::Paused { .. }))));
        assert!(take(last.clone(), Some(&last), 71).is_none());
        let last = failed(0, Some(u64::MAX));
        assert_eq!(last.not_before, Some(at(3601)));
        assert!(take(last.clone(), Some(&last), 3700).is_none());
    }

    #[test]
    fn a_record_from_the_future_binds_nobody() {
        let last = failed(50, Some(60));
        assert!(take(last.clone(), Some(&last), 40).is_none());
    }
}
