//! A refresh of all tokens, once.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use super::args::Args;
use super::outcome::{Done, Outcome, renew_if};
use super::report::{RefreshResults, Tally};
use super::selection::decide;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::{keys, next_command};
use crate::model::account::Account;
use crate::ops::fair_queue::FairQueue;
use crate::ops::many::{self, Job};
use crate::ops::{OpenVault, Vault};

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = Vault::open(context.vault()?)?;
    let choice = args.choice.located(&vault)?;
    choice.expect_some(context, &vault, "refresh")?;
    let vault = keys::unlock(context, vault)?;
    let lanes = many::lanes(&vault, choice.provider.as_ref(), choice.user.as_ref())?;
    // Reported once here, and not by each of the threads.
    if let Err(error) = context.config() {
        let strictest = "refreshing with the strictest settings";
        context.ui.warning(&format!("{}: {strictest}", error.in_one_line()));
    }
    report(context, &all(args, context, &vault, lanes)?)
}

/// Refreshes the credentials in `lanes` with several threads.
fn all(
    args: &Args,
    context: &Context,
    vault: &OpenVault,
    lanes: Vec<(String, Account)>,
) -> Result<BTreeMap<Account, Outcome>, CliError> {
    let threads = args.jobs.min(lanes.len().try_into().unwrap_or(args.jobs));
    let progress = context.ui.progress("refreshing", lanes.len());
    let queue = FairQueue::new();
    for (lane, account) in lanes {
        queue.push(&lane, Job { account, round: 0 });
    }
    queue.close();
    let opener = vault.opener();
    let work = |vault: &OpenVault, account: &Account| {
        renew_if(context, vault, account, |credential, now| {
            decide(credential, args.expiring_within, now)
        })
    };
    thread::scope(|scope| {
        let (done, outcomes) = mpsc::channel();
        many::start(scope, threads, &opener, &queue, &work, &done).map_err(|error| {
            CliError::new(Kind::Failed, "no thread could be started").caused_by(&error)
        })?;
        drop(done);
        let mut all = BTreeMap::new();
        for (account, outcome) in outcomes {
            progress.advance();
            let outcome = outcome.unwrap_or_else(|error| Outcome::from(Err(error)));
            all.insert(account, outcome);
        }
        Ok(all)
    })
}

fn report(context: &Context, outcomes: &BTreeMap<Account, Outcome>) -> Result<(), CliError> {
    let ui = &context.ui;
    let mut tally = Tally::default();
    for (account, Outcome { done, warnings, fault: _ }) in outcomes {
        tally.count(done);
        for warning in warnings {
            ui.warning(warning);
        }
        match done {
            Err(error) if !ui.json => {
                let error = next_command::complete(context, &[], error.clone());
                ui.always(&format!("{account}: {}", error.line()));
            }
            Ok(Done::Skipped(reason)) => ui.detail(&format!("{account} was skipped: {reason}")),
            Err(_) | Ok(Done::Refreshed { .. } | Done::NotMeant) => {}
        }
    }
    if ui.json {
        ui.json(&RefreshResults::new(
            outcomes.iter().map(|(account, outcome)| (account, &outcome.done)),
        ))?;
    }
    let kinds = outcomes.values().filter_map(|outcome| Some(outcome.done.as_ref().err()?.kind));
    match Kind::gravest(kinds) {
        Some(kind) => Err(CliError::new(kind, tally.to_string())),
        None if ui.json => Ok(()),
        None => {
            ui.status(&tally.to_string());
            Ok(())
        }
    }
}
