//! A refresh of all tokens, once.
//!
//! Those are refreshed first that have been due longest, so that runs which are interrupted get
//! through different ones. However many credentials there are, a part of them is in memory at a time.

use std::collections::BTreeMap;
use std::thread;

use jiff::Timestamp;

use super::args::Args;
use super::outcome::{Done, Outcome, Verdict, needs_login, renew_if};
use super::report::{OneResult, RefreshResults, Tally};
use super::selection::{decide, waits_since};
use crate::cli::choice::Choice;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::progress::Progress;
use crate::cli::ui::Verbosity;
use crate::cli::vaults;
use crate::cli::{keys, next_command, time, whereabouts};
use crate::model::account::Account;
use crate::model::credential::{Credential, Status};
use crate::ops::OpenVault;
use crate::ops::fair_queue::FairQueue;
use crate::ops::many::{self, Job, Waiting};

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let vault = vaults::open(context)?;
    vault.check_may_write()?;
    let choice = args.choice.located(&vault)?;
    choice.expect_some(context, &vault, "refresh")?;
    let vault = keys::unlock(context, vault)?;
    // Reported once here, and not by each of the threads.
    if let Err(error) = context.config() {
        let strictest = "refreshing with the strictest settings";
        context.ui.warning(&format!("{}: {strictest}", error.in_one_line()));
    }
    let mut results = Results::of(context);
    let began = time::now();
    let (mut progress, mut last) = (None, None);
    loop {
        let (waiting, meant) = look(args, &choice, &vault, began, last.take(), &mut results)?;
        let progress = progress.get_or_insert_with(|| context.ui.progress("refreshing", meant));
        last = waiting.cut_behind();
        refresh(args, context, &vault, waiting, progress, &mut results)?;
        if last.is_none() {
            break;
        }
    }
    drop(progress);
    report(results)
}

/// The state of one credential, as it was read.
struct Looked {
    verdict: Verdict,
    since: Timestamp,
    lane: Option<String>,
    was_refreshed: bool,
    is_elsewhere: bool,
}

/// Opens all credentials that `args` select, and returns those to refresh, and how many they are in
/// all. The results of the others are noted in the first look, the one without a `last` of an earlier
/// one. A later look passes over what was refreshed since the command `began`.
fn look(
    args: &Args,
    choice: &Choice,
    vault: &OpenVault,
    began: Timestamp,
    last: Option<(Timestamp, Account)>,
    results: &mut Results<'_>,
) -> Result<(Waiting, usize), CliError> {
    let is_first = last.is_none();
    let (mut waiting, mut meant) = (Waiting::behind(last), 0);
    let now = time::now();
    let look = |account: &Account, credential: &Credential| {
        let verdict = decide(credential, args.expiring_within, now);
        let is_meant = matches!(verdict, Verdict::Renew(_));
        Looked {
            verdict,
            since: waits_since(credential),
            lane: is_meant.then(|| many::lane(account, credential)),
            was_refreshed: credential.last_refreshed_at.is_some_and(|at| at >= began),
            is_elsewhere: credential.status == Status::HandedOver,
        }
    };
    vault.each_credential(choice.filter(), look, |account, looked| {
        let outcome = match looked {
            Ok(Looked { was_refreshed: true, .. }) if !is_first => return,
            Ok(Looked { verdict: Verdict::Renew(_), since, lane, .. }) => {
                meant += 1;
                return waiting.add(since, account, lane.unwrap_or_default());
            }
            Ok(Looked { verdict: Verdict::Leave(done), is_elsewhere, .. }) => {
                if is_elsewhere && !matches!(done, Done::NotMeant) {
                    results.elsewhere.get_or_insert_with(|| account.clone());
                }
                Outcome::from(Ok(done))
            }
            Ok(Looked { verdict: Verdict::NeedsLogin, .. }) => {
                Outcome::from(Err(needs_login(&account)))
            }
            Err(error) => Outcome::from(Err(error.into())),
        };
        if is_first {
            results.add(account, outcome);
        }
    })?;
    Ok((waiting, meant))
}

/// Refreshes the credentials that wait with several threads.
fn refresh(
    args: &Args,
    context: &Context,
    vault: &OpenVault,
    waiting: Waiting,
    progress: &Progress,
    results: &mut Results<'_>,
) -> Result<(), CliError> {
    if waiting.len() == 0 {
        return Ok(());
    }
    let threads = args.jobs.min(waiting.len().try_into().unwrap_or(args.jobs));
    let queue = FairQueue::new();
    for (lane, account) in waiting.into_lanes() {
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
        let (done, outcomes) = many::results();
        many::start(scope, threads, &opener, &queue, &work, &done).map_err(|error| {
            CliError::new(Kind::Failed, "no thread could be started").caused_by(&error)
        })?;
        drop(done);
        for (account, outcome) in outcomes {
            progress.advance();
            results.add(account, outcome.unwrap_or_else(|error| Outcome::from(Err(error))));
        }
        Ok(())
    })
}

/// The most results that wait to be told: then they are told, and the next ones wait.
const MOST_TOLD: usize = 2_000;

/// The results so far.
struct Results<'a> {
    context: &'a Context,
    tally: Tally,
    /// The gravest failure.
    gravest: Option<Kind>,
    /// The outcomes that are told one by one, and were not told yet.
    told: BTreeMap<Account, Outcome>,
    /// The results that `--json` prints at the end.
    listed: BTreeMap<Account, OneResult>,
    /// The first of the credentials that were handed over.
    elsewhere: Option<Account>,
}

impl<'a> Results<'a> {
    fn of(context: &'a Context) -> Self {
        let (told, listed) = (BTreeMap::new(), BTreeMap::new());
        Self { context, tally: Tally::default(), gravest: None, told, listed, elsewhere: None }
    }

    fn add(&mut self, account: Account, outcome: Outcome) {
        self.tally.count(&outcome.done);
        let failed = outcome.done.as_ref().err().map(|error| error.kind);
        self.gravest = Kind::gravest(self.gravest.into_iter().chain(failed));
        let ui = &self.context.ui;
        if ui.json
            && let Some(result) = OneResult::of(&outcome.done)
        {
            self.listed.insert(account.clone(), result);
        }
        let is_told = match &outcome.done {
            Ok(Done::NotMeant) => false,
            Ok(Done::Refreshed { .. }) => !outcome.warnings.is_empty(),
            Ok(Done::Skipped(_)) => {
                ui.verbosity >= Verbosity::Details || !outcome.warnings.is_empty()
            }
            Err(_) => !ui.json || !outcome.warnings.is_empty(),
        };
        if is_told {
            self.told.insert(account, outcome);
        }
        if self.told.len() > MOST_TOLD {
            self.tell();
        }
    }

    /// Tells the results that wait, in the order of the accounts.
    fn tell(&mut self) {
        let ui = &self.context.ui;
        for (account, Outcome { done, warnings, fault: _ }) in std::mem::take(&mut self.told) {
            for warning in warnings {
                ui.warning(&warning);
            }
            match done {
                Err(error) if !ui.json => {
                    let error = next_command::complete(self.context, &[], error);
                    ui.always(&format!("{account}: {}", error.line()));
                }
                Ok(Done::Skipped(reason)) => {
                    ui.detail(&format!("{account} was skipped: {reason}"));
                }
                Err(_) | Ok(Done::Refreshed { .. } | Done::NotMeant) => {}
            }
        }
    }
}

fn report(mut results: Results<'_>) -> Result<(), CliError> {
    results.tell();
    let (ui, tally) = (&results.context.ui, results.tally);
    if ui.json {
        ui.stream_json(&RefreshResults::new(tally, &results.listed))?;
    }
    match results.gravest {
        Some(kind) => Err(CliError::new(kind, tally.to_string())),
        None if ui.json => Ok(()),
        None => {
            ui.status(&tally.to_string());
            whereabouts::tell(results.context, results.elsewhere.as_ref());
            Ok(())
        }
    }
}
