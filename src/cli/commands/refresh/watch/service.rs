//! The service's main loop: starts rounds, queues refreshes, and reports their outcomes.
//!
//! The main thread decides and reports; other threads refresh. So a slow provider delays neither
//! the next round nor another provider's tokens.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::away::Away;
#[cfg(feature = "postgres")]
use super::kept;
use super::log::Log;
use super::metrics::Metrics;
use super::outages::{Ended, Outages};
use super::rounds::{self, RoundResult};
use super::schedule::Schedule;
use super::start;
use super::supervisor::{self, Supervisor};
use super::troubles::Troubles;
use crate::cli::commands::refresh::args::Args;
use crate::cli::commands::refresh::outcome::{Done, Outcome, ServerFault, renew_if};
use crate::cli::commands::refresh::report::Tally;
use crate::cli::commands::refresh::selection::decide_for_service;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::ui::Verbosity;
use crate::cli::{next_command, time};
use crate::model::account::Account;
use crate::ops::fair_queue::FairQueue;
use crate::ops::many::{self, Job};
use crate::ops::{OpenVault, Opener};
use crate::private_file;
use crate::signals;

/// The state of the running service.
struct Service<'a> {
    context: &'a Context,
    args: &'a Args,
    opener: &'a Opener,
    queue: &'a FairQueue<Job>,
    log: Log,
    supervisor: Supervisor,
    away: Away,
    schedule: Schedule,
    troubles: Troubles,
    outages: Outages,
    metrics: Metrics,
    /// The accounts that are queued or being refreshed.
    busy: HashSet<Account>,
    round: u64,
    /// The counts of the current round; `None` once they were reported.
    tally: Option<Tally>,
    /// The number of credentials in this round that were due, and for which no request was sent.
    held_back: usize,
    /// The number of credentials that another vault renews, as it was told last.
    elsewhere: u64,
    is_ready: bool,
}

/// Runs the service until a signal ends it.
pub(in crate::cli::commands::refresh) fn run(
    args: &Args,
    context: &Context,
) -> Result<(), CliError> {
    // A mistake in the configuration is reported at the start, and not when it first matters.
    context.config()?;
    let log = Log::new(context.ui.clone());
    let mut supervisor = Supervisor::find();
    let mut last_words = Some(log.clone());
    // From when on it may run for long: until then, questions are asked, which a signal ends silently.
    let mut announce = || match last_words.take() {
        Some(log) => signals::announce(move |signal| {
            supervisor::stopping();
            log.line(Verbosity::Status, "stopping", &[("signal", signal.into())]);
        })
        .map_err(|error| failed(&error)),
        None => Ok(()),
    };
    let (opener, away) = start::open(args, context, &log, &mut supervisor, &mut announce)?;
    announce()?;
    let queue = FairQueue::new();
    let work = |vault: &OpenVault, account: &Account| {
        renew_if(context, vault, account, |credential, now| {
            decide_for_service(credential, args.every, now)
        })
    };
    thread::scope(|scope| {
        let (done, outcomes) = many::results();
        many::start(scope, args.jobs, &opener, &queue, &work, &done)
            .map_err(|error| failed(&error))?;
        #[cfg(feature = "postgres")]
        kept::start(scope, &opener, log.clone()).map_err(|error| failed(&error))?;
        let mut service = Service::new(context, args, &opener, &queue, log, supervisor, away);
        loop {
            let nap = service.tick(time::now());
            match outcomes.recv_timeout(nap) {
                Ok((account, outcome)) => service.record_outcome(&account, outcome, time::now()),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    })
}

impl<'a> Service<'a> {
    fn new(
        context: &'a Context,
        args: &'a Args,
        opener: &'a Opener,
        queue: &'a FairQueue<Job>,
        log: Log,
        supervisor: Supervisor,
        away: Away,
    ) -> Self {
        Self {
            context,
            args,
            opener,
            queue,
            log,
            supervisor,
            away,
            schedule: Schedule::new(args.every, time::now()),
            troubles: Troubles::default(),
            outages: Outages::default(),
            metrics: Metrics::default(),
            busy: HashSet::new(),
            round: 0,
            tally: None,
            held_back: 0,
            elsewhere: 0,
            is_ready: false,
        }
    }

    /// Does the work that is due at `now`.
    ///
    /// Returns how long the loop can wait for a thread before the next call.
    fn tick(&mut self, now: Timestamp) -> Duration {
        self.supervisor.alive(self.is_ready);
        if self.tally.is_some() && self.busy.is_empty() {
            self.end_round(now);
        }
        if self.schedule.is_due(now) {
            // Refreshes that are still running are reported with the next round.
            if self.tally.is_some() {
                self.end_round(now);
            }
            self.begin_round(now);
        }
        let is_over = self.tally.is_some() && self.busy.is_empty();
        let nap = self.schedule.nap(now).min(self.supervisor.beat());
        if is_over { Duration::ZERO } else { nap }
    }

    fn begin_round(&mut self, now: Timestamp) {
        self.round += 1;
        // The metrics tell of each.
        let tells_all = self.args.metrics.is_some();
        let is_watched = |account: &Account| {
            tells_all || self.troubles.contains(account) || self.outages.hold_back(account)
        };
        match rounds::look(self.args, self.opener, is_watched, now) {
            Ok(result) => {
                self.away.end(&self.log, now);
                let due_at = self.queue_due(result, now);
                self.schedule.plan_next(now, due_at, jitter());
                self.tally = Some(Tally::default());
                self.held_back = 0;
            }
            Err(error) => {
                self.schedule.plan_next(now, None, jitter());
                if Away::is_meant(&error) {
                    self.away.tell(&self.log, &error, now);
                    self.schedule.look_again(now);
                } else {
                    self.log.line(
                        Verbosity::Errors,
                        "fault",
                        &[("error", self.told(&error).into())],
                    );
                    self.schedule.pause(now);
                }
            }
        }
    }

    /// Queues the accounts that are due, and returns when the first of the others is.
    fn queue_due(&mut self, result: RoundResult, now: Timestamp) -> Option<Timestamp> {
        let RoundResult { due, states, in_order, first_due, elsewhere, faults } = result;
        self.tell_elsewhere(elsewhere);
        self.troubles.retain(|account| states.contains_key(account));
        for ended in self.outages.retain(|account| states.contains_key(account), now) {
            self.log_end(&ended);
        }
        self.metrics.set_all(states);
        if self.round == 1 {
            // Before anything can fail: who collects the numbers sees an increase from 0.
            self.write_metrics(now);
        }
        for (account, error) in faults {
            self.end_outage(&account, now);
            self.log_fault(&account, &error, now);
        }
        for account in &in_order {
            self.troubles.clear(account);
            self.end_outage(account, now);
        }
        for (lane, account) in due.into_lanes() {
            let recent = self.troubles.is_recent(&account, self.args.every, now);
            if !recent && self.busy.insert(account.clone()) {
                self.queue.push(&lane, Job { account, round: self.round });
            }
        }
        first_due
    }

    /// Tells how many credentials another vault renews, when that changed: a service that looks after a
    /// vault which was moved would go on for ever, and renew nothing.
    fn tell_elsewhere(&mut self, credentials: u64) {
        if std::mem::replace(&mut self.elsewhere, credentials) != credentials && credentials > 0 {
            let hint = next_command::about_named(self.context, "tokctl list".to_owned());
            let facts = [("credentials", credentials.into()), ("hint", hint.into())];
            self.log.line(Verbosity::Status, "handed_over", &facts);
        }
    }

    /// Records the outcome of refreshing `account`.
    fn record_outcome(
        &mut self,
        account: &Account,
        outcome: Result<Outcome, CliError>,
        now: Timestamp,
    ) {
        self.busy.remove(account);
        let Outcome { done, warnings, fault } =
            outcome.unwrap_or_else(|error| Outcome::from(Err(error)));
        for warning in warnings {
            self.log.line(Verbosity::Warnings, "warning", &[("error", warning.into())]);
        }
        let done = match (done, fault) {
            (Err(error), Some(fault)) => {
                return self.record_outage(account, &error, &fault, now);
            }
            (done, _) => done,
        };
        self.tally.get_or_insert_default().count(&done);
        match done {
            Ok(Done::Refreshed { until, due_at }) => {
                self.troubles.clear(account);
                self.schedule.move_forward(now, due_at);
                self.metrics.refreshed(account, until);
                let until = until.map(time::rfc3339);
                self.log(Verbosity::Status, "refreshed", account, ("until", until.into()));
                self.end_outage(account, now);
            }
            Ok(Done::Skipped(reason)) => {
                self.log(Verbosity::Details, "skipped", account, ("reason", reason.into()));
            }
            Ok(Done::NotMeant) => {}
            Err(error) => {
                self.metrics.failed(account, error.kind == Kind::LoginRequired);
                self.log_fault(account, &error, now);
                self.end_outage(account, now);
                match error.kind {
                    // A fault of the vault or the machine would hit every other account too.
                    Kind::Failed | Kind::KeyUnavailable | Kind::Busy => self.schedule.pause(now),
                    Kind::VaultUnreachable | Kind::VaultBusy => self.schedule.look_again(now),
                    Kind::Usage
                    | Kind::NotFound
                    | Kind::LoginRequired
                    | Kind::ProviderUnavailable
                    | Kind::VaultDamaged
                    | Kind::LoginFailed
                    | Kind::CommandNotExecutable
                    | Kind::CommandNotFound => {}
                }
            }
        }
    }

    /// Records that the server of `account` is in trouble, or asked for a pause.
    fn record_outage(
        &mut self,
        account: &Account,
        error: &CliError,
        fault: &ServerFault,
        now: Timestamp,
    ) {
        self.troubles.add(account, error.kind, fault.not_before, now);
        // Where it asked for a pause, it is asked again right after that.
        self.schedule.move_forward(now, fault.not_before);
        let tally = self.tally.get_or_insert_default();
        if fault.was_asked {
            tally.failed += 1;
            self.metrics.failed(account, false);
        } else {
            self.held_back += 1;
        }
        let Account { provider, user } = account;
        let (event, level) = if self.outages.add(&fault.server, account, now) {
            ("outage", Verbosity::Errors)
        } else {
            ("held_back", Verbosity::Details)
        };
        let facts = [
            ("server", fault.server.as_str().into()),
            ("provider", provider.as_str().into()),
            ("user", user.as_str().into()),
            ("error", self.told(error).into()),
        ];
        self.log.line(level, event, &facts);
    }

    /// Records that `account` waits for no server any more.
    fn end_outage(&mut self, account: &Account, now: Timestamp) {
        if let Some(ended) = self.outages.clear(account, now) {
            self.log_end(&ended);
        }
    }

    fn log_end(&self, ended: &Ended) {
        let facts = [
            ("server", ended.server.as_str().into()),
            ("lasted", time::length(ended.lasted).into()),
        ];
        self.log.line(Verbosity::Status, "outage_over", &facts);
    }

    /// Logs the summary of the round and informs systemd and the metrics file.
    fn end_round(&mut self, now: Timestamp) {
        let tally = self.tally.take().unwrap_or_default();
        for (server, credentials) in self.outages.untold() {
            let facts = [("server", server.into()), ("credentials", credentials.into())];
            self.log.line(Verbosity::Warnings, "held_back", &facts);
        }
        self.write_metrics(now);
        let next = time::rfc3339(self.schedule.next());
        supervisor::status(&format!("{tally}; next look at {next}"));
        if !self.is_ready {
            self.is_ready = true;
            supervisor::ready();
        }
        let mut facts = vec![
            ("refreshed", tally.refreshed.into()),
            ("skipped", tally.skipped.into()),
            ("failed", tally.failed.into()),
            ("pending", self.busy.len().into()),
            ("next", next.into()),
        ];
        if self.held_back > 0 {
            facts.insert(3, ("held_back", self.held_back.into()));
        }
        self.log.line(Verbosity::Status, "cycle", &facts);
    }

    /// Writes the metrics file, if one is wanted. A failure is logged, and the service goes on.
    fn write_metrics(&self, now: Timestamp) {
        if let Some(path) = &self.args.metrics
            && let Err(error) =
                private_file::replace_public(path, self.metrics.render(now).as_bytes())
        {
            let error = format!("could not write `{}`: {error}", path.display());
            self.log.line(Verbosity::Warnings, "metrics", &[("error", error.into())]);
        }
    }

    /// Returns `error` on one line, with a hint that names the vault where the command did.
    fn told(&self, error: &CliError) -> String {
        next_command::in_log(self.context, error)
    }

    fn log_fault(&mut self, account: &Account, error: &CliError, now: Timestamp) {
        if self.troubles.add(account, error.kind, None, now) {
            let event = if error.kind == Kind::LoginRequired { "login_required" } else { "failed" };
            let told = self.told(error);
            self.log(Verbosity::Errors, event, account, ("error", told.into()));
        }
    }

    fn log(
        &self,
        level: Verbosity,
        event: &str,
        account: &Account,
        fact: (&'static str, serde_json::Value),
    ) {
        let Account { provider, user } = account;
        let facts = [("provider", provider.as_str().into()), ("user", user.as_str().into()), fact];
        self.log.line(level, event, &facts);
    }
}

fn failed(error: &io::Error) -> CliError {
    CliError::new(Kind::Failed, "the service could not be started").caused_by(error)
}

/// Returns a random number up to 255. If that fails, 0 does no harm.
fn jitter() -> u8 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
