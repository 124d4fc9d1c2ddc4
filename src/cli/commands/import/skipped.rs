//! Messages about records that are skipped, while the others come in.

use std::fmt::Write;

use crate::cli::error::{CliError, Kind};
use crate::cli::explain::skip_reason;
use crate::cli::typed::{quoted, user_flag};
use crate::model::account::Account;
use crate::ops::import::Skipped;
use crate::ops::{Reason, SkipReason};
use crate::untrusted::printable;

/// Returns which record was skipped, why, and what helps.
pub(super) fn message(skipped: &Skipped) -> String {
    let remedy = match &skipped.reason {
        SkipReason::UserName(_) => login(skipped),
        SkipReason::Unfit(Reason::UserName | Reason::NoUserName) => {
            login(skipped).map(|login| login + " --username NAME")
        }
        SkipReason::Malformed(_)
        | SkipReason::WrongKey
        | SkipReason::Twice { .. }
        | SkipReason::NoOwner
        | SkipReason::Service(_)
        | SkipReason::Unfit(Reason::Provider(_)) => skip_reason(&skipped.reason).1,
    };
    let name = name(skipped).map_or_else(String::new, |name| format!(", `{name}`"));
    let message = format!("{}{name}: {}", skipped.origin, skipped.reason);
    printable(&match remedy {
        Some(remedy) => format!("{message}: {remedy}"),
        None => message,
    })
}

/// Returns the error for an import of which nothing is left but this record.
pub(super) fn alone(skipped: &Skipped) -> CliError {
    let (kind, hint) = skip_reason(&skipped.reason);
    let name = name(skipped).map_or_else(String::new, |name| format!(", `{name}`,"));
    let message = format!("{}{name} can't come in: {}", skipped.origin, skipped.reason);
    CliError::new(kind, printable(&message))
        .hint(hint.unwrap_or_else(|| "mend that place in it: nothing was stored".into()))
}

/// Returns the error for an import of several records, all of which were skipped.
pub(super) fn all(skipped: &[Skipped]) -> CliError {
    let count = skipped.len();
    let (kind, hint) =
        skipped.first().map_or((Kind::Failed, None), |first| skip_reason(&first.reason));
    CliError::new(kind, format!("none of the {count} in it can come in"))
        .hint(hint.unwrap_or_else(|| "mend what is named above: nothing was stored".into()))
}

/// Returns the name of the credential that the record would have become, if it is known.
fn name(skipped: &Skipped) -> Option<String> {
    let user = skipped.user.clone()?;
    Some(match &skipped.provider {
        Some(provider) => Account { provider: provider.clone(), user }.to_string(),
        None => user.to_string(),
    })
}

/// Returns the login command that stores the credential by hand.
fn login(skipped: &Skipped) -> Option<String> {
    let provider = skipped.provider.as_ref()?;
    let user = skipped.user.as_ref();
    let user = user.map_or("--user NAME".into(), |user| user_flag(user.as_str()));
    let mut login = format!("tokctl login {provider} {user}");
    if let Some(server) = &skipped.server {
        let _ = write!(login, " --server {}", quoted(server.as_str()));
    }
    Some(if skipped.is_static { login + " --token-stdin" } else { login })
}
