//! Remarks on an import: which credentials came without a part of theirs or stay out, why, and what to
//! type.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::report::left_out;
use crate::cli::client_settings::{id_variable, secret_variable};
use crate::cli::context::Context;
use crate::cli::error::Hint;
use crate::cli::next_command;
use crate::cli::typed::command;
use crate::model::account::ProviderName;
use crate::ops::import::{self, LeftOut, Outcome, Placed, Skipped};
use crate::ops::providers;
use crate::untrusted::printable;

/// Prints which credentials came without a part or stay out, and how many are stored.
pub(super) fn print(
    context: &Context,
    placed: &[Placed],
    skipped: &[Skipped],
    ignored: &[String],
    dry_run: bool,
    now: Timestamp,
) {
    warn_of_what_stays(context, placed, ignored, now);
    warn_of_definitions(context, placed);
    if dry_run {
        context.ui.status("nothing was stored");
    } else if left_out(placed) + skipped.len() == 0 {
        let stored = import::written_accounts(placed).count();
        context.ui.status(&format!("stored {stored} of {}", placed.len()));
    }
}

/// Warns about credentials that were not imported, with the reasons.
fn warn_of_what_stays(context: &Context, placed: &[Placed], ignored: &[String], now: Timestamp) {
    let ui = &context.ui;
    let count = |wanted: fn(&Placed) -> bool| placed.iter().filter(|one| wanted(one)).count();
    let reasons = [
        (
            count(|one| one.left_out == Some(LeftOut::NotTakenOver)),
            "two holders of one end each other's login: stop the other tool, then `--take-over`",
        ),
        (
            count(|one| one.left_out == Some(LeftOut::ToolsClient)),
            "it counts for the other tool's own client alone: log in with a client of yours",
        ),
        (
            count(|one| one.left_out == Some(LeftOut::NoEndpoint)),
            "the provider's definition names no `token_endpoint`",
        ),
    ];
    for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
        let all = placed.len();
        ui.warning(&format!("{count} of {all} came without a refresh token, since {reason}"));
    }
    warn_of_clients(context, placed);
    warn_of_dead_ends(context, placed, now);
    let ended = left_out(placed);
    if ended > 0 {
        let were = if ended == 1 { "was" } else { "were" };
        ui.warning(&format!("{ended} of these {were} left out, since the access token has ended"));
    }
    let present = count(|one| one.outcome == Outcome::Present);
    if present > 0 {
        ui.warning(&format!(
            "{}: `--replace` overwrites {}",
            stays(present, "there already"),
            if present == 1 { "it" } else { "them" }
        ));
    }
    let newer = || placed.iter().filter(|one| one.outcome == Outcome::Newer);
    if let Some(Placed { summary, .. }) = newer().next() {
        let delete = format!("{} --no-revoke", command("delete", &summary.account));
        ui.warning(&format!(
            "{}: delete what is to be overwritten first, such as with `{}`",
            stays(newer().count(), "newer here"),
            next_command::confirmed(context, delete)
        ));
    }
    for what in ignored {
        ui.warning(&format!("not taken in: {}", printable(what)));
    }
}

/// Warns about tokens that have ended, and that nothing renews, with the command for a new one.
fn warn_of_dead_ends(context: &Context, placed: &[Placed], now: Timestamp) {
    for Placed { summary, outcome, left_out, .. } in placed {
        let is_dead = summary.expires_at.is_some_and(|end| end <= now) && !summary.refreshable;
        let is_told =
            left_out.is_some() || *outcome == Outcome::Newer || *outcome == Outcome::Present;
        if is_dead && !is_told {
            let account = &summary.account;
            let login = next_command::text(context, &[], &Hint::Login(account.clone()));
            let ended = format!("`{account}` has ended and can't be refreshed");
            context.ui.warning(&format!("{ended}: {login}"));
        }
    }
}

/// Says which providers of imported credentials are not defined here, and which table defines them.
fn warn_of_definitions(context: &Context, placed: &[Placed]) {
    let Ok(config) = context.config() else { return };
    let mut told = BTreeSet::new();
    let prepared = placed.iter().filter(|one| !one.is_by_address);
    for Placed { summary, client, .. } in prepared {
        let name = &summary.account.provider;
        let is_unknown =
            matches!(providers::find(name, config), Err(providers::Error::Unknown { .. }));
        if !is_unknown || !told.insert(name) {
            continue;
        }
        let settings = match client {
            Some((id, token_endpoint)) => format!(
                "`client_id = \"{}\"`, `token_endpoint = \"{}\"` and `authorization_endpoint`",
                printable(id),
                printable(token_endpoint)
            ),
            None => "`api_base_url` and `api_auth`".into(),
        };
        context.ui.warning(&format!(
            "`{name}` is not defined here, which a new login needs: write `[providers.{name}]` with \
             {settings} into config.toml"
        ));
    }
}

/// Returns the phrase for `count` credentials that stay out, in singular or plural.
fn stays(count: usize, how: &str) -> String {
    match count {
        1 => format!("1 is {how} and stays as it is"),
        more => format!("{more} are {how} and stay as they are"),
    }
}

/// Warns about providers whose client is not configured, and says how to configure it.
fn warn_of_clients(context: &Context, placed: &[Placed]) {
    let mut unknown: BTreeMap<(&ProviderName, bool), usize> = BTreeMap::new();
    for Placed { summary, left_out, .. } in placed {
        let knows_id = match left_out {
            Some(LeftOut::NoClient) => false,
            Some(LeftOut::NoClientSecret) => true,
            Some(LeftOut::NotTakenOver | LeftOut::ToolsClient | LeftOut::NoEndpoint) | None => {
                continue;
            }
        };
        *unknown.entry((&summary.account.provider, knows_id)).or_default() += 1;
    }
    for ((provider, knows_id), count) in unknown {
        let (id, secret) = (id_variable(provider), secret_variable(provider));
        let why = if knows_id {
            format!("the secret of the client is not known: set {secret}")
        } else {
            format!("the client that it was issued to is not known: set {id} and {secret}")
        };
        let all = placed.len();
        context.ui.warning(&format!(
            "{count} of {all} came without a refresh token and can't be renewed, since {why}, then \
             import again"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_more_than_one() {
        assert_eq!(stays(1, "newer here"), "1 is newer here and stays as it is");
        assert_eq!(stays(2, "newer here"), "2 are newer here and stay as they are");
    }
}
