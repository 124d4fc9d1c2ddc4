//! The outcome of refreshing one credential among many.

use jiff::Timestamp;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::renewal::{self, RenewalCaller};
use crate::cli::{audit_trail, time};
use crate::model::account::Account;
use crate::model::attempt;
use crate::model::audit::Action;
use crate::model::credential::{Credential, Grant, Status};
use crate::ops::error::{LoginReason, StoreError};
use crate::ops::refresh::Trigger;
use crate::ops::token::{self, LiveToken, Warning};
use crate::ops::{self, OpenVault};

/// The result for a credential without a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// The token was renewed. The times are its end and when it is due, if the server said so.
    Refreshed { until: Option<Timestamp>, due_at: Option<Timestamp> },
    /// The credential was left alone for this reason.
    Skipped(&'static str),
    /// The credential was not selected.
    NotMeant,
}

/// The decision about a credential.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    Renew(Trigger),
    Leave(Done),
    /// The provider already refused to renew it: a failure without a request.
    NeedsLogin,
}

/// The result for one credential, with warnings about its hook or the audit.
pub(super) struct Outcome {
    pub(super) done: Result<Done, CliError>,
    pub(super) warnings: Vec<String>,
    /// The fault of the server, if that is why the token was not renewed.
    pub(super) fault: Option<ServerFault>,
}

/// A fault of a server that passes.
#[derive(Debug, Clone)]
pub(super) struct ServerFault {
    /// The host and port of the server.
    pub(super) server: String,
    /// Whether a request was sent. Else the server asked for a pause, or another process had just
    /// found it in trouble.
    pub(super) was_asked: bool,
    /// The time before which it is not asked again, if it asked for a pause.
    pub(super) not_before: Option<Timestamp>,
}

impl From<Result<Done, CliError>> for Outcome {
    fn from(done: Result<Done, CliError>) -> Self {
        Self { done, warnings: Vec::new(), fault: None }
    }
}

impl ServerFault {
    /// Returns the fault of the server of `credential`, if `renewed` tells of one.
    fn of(
        renewed: &Result<LiveToken, ops::Error>,
        credential: &Credential,
        now: Timestamp,
    ) -> Option<Self> {
        let Grant::OAuth(grant) = &credential.grant else { return None };
        let error = match renewed {
            Err(error) => error,
            Ok(LiveToken { warning: Some(Warning::NotRefreshed(error)), .. }) => error,
            Ok(_) => return None,
        };
        let (was_asked, not_before) = if let ops::Error::NotRefreshed { source, .. } = error
            && source.is_of_server()
        {
            let pause = source.retry_after();
            (true, pause.and_then(|pause| now.checked_add(pause).ok()))
        } else if let ops::Error::NotRefreshedBefore { last, .. } = error
            && last.outcome == attempt::Outcome::Transient
        {
            (false, last.not_before)
        } else if let ops::Error::Paused { until, .. } = error {
            (false, Some(*until))
        } else {
            return None;
        };
        let server = grant.client.token_endpoint.authority();
        Some(Self { server, was_asked, not_before })
    }
}

/// Returns the error for [`Verdict::NeedsLogin`].
pub(super) fn needs_login(account: &Account) -> CliError {
    let (account, reason) = (account.clone(), LoginReason::Refused);
    ops::Error::LoginRequired { account, reason }.into()
}

/// Renews the token of `account` if `judge` decides so about the credential as it is now.
pub(super) fn renew_if(
    context: &Context,
    vault: &OpenVault,
    account: &Account,
    judge: impl Fn(&Credential, Timestamp) -> Verdict,
) -> Result<Outcome, CliError> {
    let left = |done| Ok(Outcome::from(Ok(done)));
    let Some(row) = vault.read(account)? else {
        return left(Done::Skipped("it was deleted meanwhile"));
    };
    match judge(&row.stored.credential, time::now()) {
        Verdict::Leave(done) => left(done),
        Verdict::NeedsLogin => Ok(Outcome::from(Err(needs_login(account)))),
        Verdict::Renew(trigger) => {
            let asking = RenewalCaller::one_of_many(context);
            let renewed = token::renew(vault, account, trigger, time::now, &asking);
            let fault = ServerFault::of(&renewed, &row.stored.credential, time::now());
            let (renewed, hook) = (renewed.map_err(CliError::from), asking.into_warning());
            let outcome = audit_trail::outcome(&renewed);
            let audited =
                audit_trail::record(context, vault, "refresh", Action::Refresh, account, outcome);
            let unaudited = audited.err().map(|error| error.in_one_line());
            let dropped = renewed.as_ref().ok().and_then(|token| match &token.warning {
                Some(Warning::IdTokenDropped(fault)) => {
                    Some(renewal::id_token_dropped(account, fault))
                }
                Some(
                    Warning::Inactive
                    | Warning::Fading { .. }
                    | Warning::BeingRefreshed
                    | Warning::InDoubt
                    | Warning::Forged
                    | Warning::StoredAgain
                    | Warning::NotRefreshed(_),
                )
                | None => None,
            });
            let warnings = hook.into_iter().chain(unaudited).chain(dropped).collect();
            Ok(Outcome { done: renewed.and_then(|token| done(account, token)), warnings, fault })
        }
    }
}

/// Returns the result for a token that `ops` handed out.
///
/// No caller needs the token here, so an old one that still works is no success.
fn done(account: &Account, token: LiveToken) -> Result<Done, CliError> {
    if token.refreshed {
        return Ok(refreshed(&token.credential));
    }
    let account = account.clone();
    if token.credential.status == Status::LoginRequired {
        return Err(ops::Error::LoginRequired { account, reason: LoginReason::Refused }.into());
    }
    match token.warning {
        Some(Warning::NotRefreshed(error)) => Err((*error).into()),
        Some(Warning::BeingRefreshed) => Ok(Done::Skipped("another process is refreshing it")),
        Some(Warning::InDoubt) => {
            Ok(Done::Skipped("what became of its last refresh is not known, its token still works"))
        }
        Some(Warning::Forged) => Err(ops::Error::from(StoreError::Tampered { account }).into()),
        Some(Warning::StoredAgain) => {
            Ok(Done::Skipped("the database had lost its token, and this machine stored it again"))
        }
        None | Some(Warning::Inactive | Warning::Fading { .. } | Warning::IdTokenDropped(_)) => {
            Ok(Done::Skipped("another process refreshed it"))
        }
    }
}

/// Returns the result for a renewed credential.
pub(super) fn refreshed(credential: &Credential) -> Done {
    let due_at = match &credential.grant {
        Grant::OAuth(grant) => grant.due_at,
        Grant::Static(_) => None,
    };
    Done::Refreshed { until: credential.expiry().at(), due_at }
}
