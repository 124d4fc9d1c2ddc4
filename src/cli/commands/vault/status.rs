//! `tokctl vault status`: the state of a shared vault, as this member sees it.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::shared_vault;
use crate::cli::time;
use crate::cli::typed::quoted;
use crate::ops::shared::{KeptAnswer, LeaseRunning};
use crate::untrusted::printable;

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let vault = shared_vault::open(context)?;
    let (roster, own_id, leases) = (vault.roster()?, vault.own_id()?, vault.leases()?);
    let own = roster.member(own_id);
    if context.ui.json {
        return context.ui.json(&Status {
            v: 1,
            address: vault.address(),
            generation: roster.generation(),
            head: roster.head().to_string(),
            label: own.map(|own| own.label.to_string()),
            role: own.map(|own| own.role.as_str()),
            members: roster.members().len(),
            refreshing: leases.iter().map(Lease::of).collect(),
            kept: vault.kept_answers()?.iter().map(KeptHere::of).collect(),
            join_line: vault.join_line(&roster),
        });
    }
    let who = own.map(|own| format!("{}, {}", own.label, own.role)).unwrap_or_default();
    for (what, value) in [
        ("vault", vault.address()),
        ("head", roster.head().to_string()),
        ("generation", roster.generation().to_string()),
        ("members", roster.members().len().to_string()),
        ("you", who),
    ] {
        context.ui.line(&format!("{what:<12}{value}"))?;
    }
    for Lease { account, holder, since, running } in leases.iter().map(Lease::of) {
        let who = holder.unwrap_or_else(|| "somebody".to_owned());
        let what = if running { "refreshing" } else { "interrupted" };
        context.ui.line(&format!("{what:<12}{account} by {who}, since {since}"))?;
    }
    for KeptHere { account, until } in vault.kept_answers()?.iter().map(KeptHere::of) {
        let state = match until {
            Some(until) => format!("its last answer, until {until}"),
            None => "an answer that the database does not have yet".to_owned(),
        };
        context.ui.line(&format!("{:<12}{account}, {state}", "kept here"))?;
    }
    context.ui.line(&format!("{:<12}{}", "join line", quoted(&vault.join_line(&roster))))
}

#[derive(Serialize)]
struct Status {
    v: u8,
    address: String,
    generation: u64,
    head: String,
    label: Option<String>,
    role: Option<&'static str>,
    members: usize,
    /// The refreshes that have no answer yet.
    refreshing: Vec<Lease>,
    /// The answers to refreshes that this machine keeps.
    kept: Vec<KeptHere>,
    join_line: String,
}

#[derive(Serialize)]
struct KeptHere {
    account: String,
    /// The end of its time here; null while the database does not have the answer.
    until: Option<String>,
}

impl KeptHere {
    fn of(kept: &KeptAnswer) -> Self {
        Self { account: kept.account.to_string(), until: kept.until.map(time::rfc3339) }
    }
}

#[derive(Serialize)]
struct Lease {
    account: String,
    holder: Option<String>,
    since: String,
    /// Whether the request may still be on its way.
    running: bool,
}

impl Lease {
    fn of(lease: &LeaseRunning) -> Self {
        Self {
            account: lease.account.to_string(),
            holder: lease.holder.as_deref().map(printable),
            since: time::rfc3339(lease.since),
            running: lease.is_running,
        }
    }
}
