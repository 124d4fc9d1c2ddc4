//! What came of refreshing one of many credentials.

use jiff::Timestamp;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::renewal::Asking;
use crate::cli::{audit_trail, time};
use crate::model::account::Account;
use crate::model::audit::Action;
use crate::model::credential::{Credential, Grant, Status};
use crate::ops::error::LoginReason;
use crate::ops::refresh::Trigger;
use crate::ops::token::{self, LiveToken, Warning};
use crate::ops::{self, OpenVault};

/// What came of one credential that was not in the way of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// There is a new token: when it ends and when it is due, as far as the server said.
    Refreshed { until: Option<Timestamp>, due_at: Option<Timestamp> },
    /// There was nothing to do, or nothing that could be done, for this reason.
    Skipped(&'static str),
    /// It was not meant.
    NotMeant,
}

/// What to do about a credential.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    Renew(Trigger),
    Leave(Done),
    /// The provider refused before to renew it: that is a failure, and no request.
    NeedsLogin,
}

/// What came of one credential, and what went wrong beside it: with its hook, or with the audit.
pub(super) struct Outcome {
    pub(super) done: Result<Done, CliError>,
    pub(super) warnings: Vec<String>,
}

/// Renews the token of `account` if `judge` says so of the credential as it is at that moment.
pub(super) fn renew_if(
    context: &Context,
    vault: &OpenVault,
    account: &Account,
    judge: impl Fn(&Credential, Timestamp) -> Verdict,
) -> Result<Outcome, CliError> {
    let left = |done| Ok(Outcome { done: Ok(done), warnings: Vec::new() });
    let Some(row) = vault.read(account)? else {
        return left(Done::Skipped("it was deleted meanwhile"));
    };
    match judge(&row.stored.credential, time::now()) {
        Verdict::Leave(done) => left(done),
        Verdict::NeedsLogin => {
            let (account, reason) = (account.clone(), LoginReason::Refused);
            let error = ops::Error::LoginRequired { account, reason };
            Ok(Outcome { done: Err(error.into()), warnings: Vec::new() })
        }
        Verdict::Renew(trigger) => {
            let asking = Asking::one_of_many(context);
            let renewed = token::renew(vault, account, trigger, time::now, &asking);
            let (renewed, hook) = (renewed.map_err(CliError::from), asking.into_warning());
            let outcome = audit_trail::outcome(&renewed);
            let audited =
                audit_trail::record(context, vault, "refresh", Action::Refresh, account, outcome);
            let unaudited = audited.err().map(|error| error.in_one_line());
            let warnings = hook.into_iter().chain(unaudited).collect();
            Ok(Outcome { done: renewed.and_then(|handed| done(account, handed)), warnings })
        }
    }
}

/// What it means that a token was handed over: nobody waits for it here, so one that has to do
/// because there is no new one is no success.
fn done(account: &Account, handed: LiveToken) -> Result<Done, CliError> {
    if handed.refreshed {
        return Ok(refreshed(&handed.credential));
    }
    let account = account.clone();
    if handed.credential.status == Status::LoginRequired {
        return Err(ops::Error::LoginRequired { account, reason: LoginReason::Refused }.into());
    }
    match handed.warning {
        Some(Warning::NotRefreshed(error)) => Err((*error).into()),
        Some(Warning::BeingRefreshed) => Ok(Done::Skipped("another process is refreshing it")),
        Some(Warning::InDoubt) => {
            Ok(Done::Skipped("what became of its last refresh is not known, its token still works"))
        }
        None | Some(Warning::Inactive | Warning::Fading { .. }) => {
            Ok(Done::Skipped("another process refreshed it"))
        }
    }
}

/// The outcome for a credential with a new token.
pub(super) fn refreshed(credential: &Credential) -> Done {
    let due_at = match &credential.grant {
        Grant::OAuth(grant) => grant.due_at,
        Grant::Static(_) => None,
    };
    Done::Refreshed { until: credential.expiry().at(), due_at }
}
