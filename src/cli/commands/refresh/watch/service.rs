//! The service: looks what is due, has it refreshed, and tells what came of it.
//!
//! The main thread looks and tells; others refresh. So what one provider keeps waiting for delays
//! neither the next look nor another provider's tokens.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::log::Log;
use super::metrics::Metrics;
use super::rounds::{self, Found};
use super::schedule::Schedule;
use super::supervisor::{self, Supervisor};
use super::troubles::Troubles;
use crate::cli::commands::refresh::args::Args;
use crate::cli::commands::refresh::outcome::{Done, Outcome, renew_if};
use crate::cli::commands::refresh::report::Tally;
use crate::cli::commands::refresh::selection::upcoming;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::ui::Verbosity;
use crate::cli::{keys, time};
use crate::model::account::Account;
use crate::ops::fair_queue::FairQueue;
use crate::ops::many::{self, Job};
use crate::ops::{OpenVault, Opener, Vault};
use crate::private_file;
use crate::signals;

/// The service as it runs.
struct Service<'a> {
    args: &'a Args,
    opener: &'a Opener,
    queue: &'a FairQueue<Job>,
    log: Log,
    supervisor: Supervisor,
    schedule: Schedule,
    troubles: Troubles,
    metrics: Metrics,
    /// What is in the queue or in hand.
    busy: HashSet<Account>,
    round: u64,
    /// What the round brought so far; `None` once that was told.
    tally: Option<Tally>,
    is_ready: bool,
}

/// Runs the service, until a signal ends it.
pub(in crate::cli::commands::refresh) fn run(
    args: &Args,
    context: &Context,
) -> Result<(), CliError> {
    // A slip is told now, and not when it matters.
    context.config()?;
    let opener = keys::unlock(context, Vault::open(context.vault()?)?)?.opener();
    let log = Log::new(context.ui.clone());
    let failed = |error: io::Error| {
        CliError::new(Kind::Failed, "the service could not be started").caused_by(&error)
    };
    let last_words = log.clone();
    signals::announce(move |signal| {
        supervisor::stopping();
        last_words.line(Verbosity::Status, "stopping", &[("signal", signal.into())]);
    })
    .map_err(failed)?;
    let queue = FairQueue::new();
    let work = |vault: &OpenVault, account: &Account| {
        renew_if(context, vault, account, |credential, now| upcoming(credential, args.every, now))
    };
    thread::scope(|scope| {
        let (done, outcomes) = mpsc::channel();
        many::start(scope, args.jobs, &opener, &queue, &work, &done).map_err(failed)?;
        let mut service = Service::new(args, &opener, &queue, log);
        loop {
            let nap = service.tick(time::now());
            match outcomes.recv_timeout(nap) {
                Ok((account, outcome)) => service.finished(&account, outcome, time::now()),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    })
}

impl<'a> Service<'a> {
    fn new(args: &'a Args, opener: &'a Opener, queue: &'a FairQueue<Job>, log: Log) -> Self {
        Self {
            args,
            opener,
            queue,
            log,
            supervisor: Supervisor::find(),
            schedule: Schedule::new(args.every, time::now()),
            troubles: Troubles::default(),
            metrics: Metrics::default(),
            busy: HashSet::new(),
            round: 0,
            tally: None,
            is_ready: false,
        }
    }

    /// Does what is to be done at `now`, and returns how long nothing else is, unless a thread is
    /// done with something.
    fn tick(&mut self, now: Timestamp) -> Duration {
        self.supervisor.alive(self.is_ready);
        if self.tally.is_some() && self.busy.is_empty() {
            self.end_round(now);
        }
        if self.schedule.is_due(now) {
            // What is still under way is told with the next round.
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
        match rounds::look(self.args, self.opener, self.args.every, now) {
            Ok(found) => {
                let due_at = self.take_up(found, now);
                self.schedule.looked(now, due_at, jitter());
                self.tally = Some(Tally::default());
            }
            Err(error) => {
                self.log.line(Verbosity::Errors, "fault", &[("error", error.line().into())]);
                self.schedule.looked(now, None, jitter());
                self.schedule.pause(now);
            }
        }
    }

    /// Queues what is due; returns when the first of the others is.
    fn take_up(&mut self, found: Found, now: Timestamp) -> Option<Timestamp> {
        let Found { due, expiries, due_at, faults } = found;
        self.troubles.retain(|account| expiries.contains_key(account));
        self.metrics.retain(|account| expiries.contains_key(account));
        for (account, at) in expiries {
            self.metrics.set_expiry(&account, at);
        }
        for (account, error) in faults {
            self.tell_fault(&account, &error, now);
        }
        for account in due_at.keys() {
            self.troubles.clear(account);
        }
        for (lane, account) in due {
            let recent = self.troubles.is_recent(&account, self.args.every, now);
            if !recent && self.busy.insert(account.clone()) {
                self.queue.push(&lane, Job { account, round: self.round });
            }
        }
        due_at.into_values().min()
    }

    /// Takes down what came of `account`.
    fn finished(&mut self, account: &Account, outcome: Result<Outcome, CliError>, now: Timestamp) {
        self.busy.remove(account);
        let Outcome { done, warnings } =
            outcome.unwrap_or_else(|error| Outcome { done: Err(error), warnings: Vec::new() });
        for warning in warnings {
            self.log.line(Verbosity::Warnings, "warning", &[("error", warning.into())]);
        }
        self.tally.get_or_insert_default().count(&done);
        match done {
            Ok(Done::Refreshed { until, due_at }) => {
                self.troubles.clear(account);
                self.schedule.sooner(now, due_at);
                self.metrics.refreshed(account, until);
                let until = until.map(time::rfc3339);
                self.tell(Verbosity::Status, "refreshed", account, ("until", until.into()));
            }
            Ok(Done::Skipped(reason)) => {
                self.tell(Verbosity::Details, "skipped", account, ("reason", reason.into()));
            }
            Ok(Done::NotMeant) => {}
            Err(error) => {
                self.metrics.failed(account);
                self.tell_fault(account, &error, now);
                match error.kind {
                    // The vault's or the machine's: it would meet the others as well.
                    Kind::Failed | Kind::KeyUnavailable | Kind::Busy => self.schedule.pause(now),
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

    /// Writes the round's summary down, and tells whoever watches.
    fn end_round(&mut self, now: Timestamp) {
        let tally = self.tally.take().unwrap_or_default();
        if let Some(path) = &self.args.metrics
            && let Err(error) =
                private_file::replace_public(path, self.metrics.rendered(now).as_bytes())
        {
            let error = format!("could not write `{}`: {error}", path.display());
            self.log.line(Verbosity::Warnings, "metrics", &[("error", error.into())]);
        }
        let next = time::rfc3339(self.schedule.next());
        supervisor::status(&format!("{tally}; next look at {next}"));
        if !self.is_ready {
            self.is_ready = true;
            supervisor::ready();
        }
        let facts = [
            ("refreshed", tally.refreshed.into()),
            ("skipped", tally.skipped.into()),
            ("failed", tally.failed.into()),
            ("pending", self.busy.len().into()),
            ("next", next.into()),
        ];
        self.log.line(Verbosity::Status, "cycle", &facts);
    }

    fn tell_fault(&mut self, account: &Account, error: &CliError, now: Timestamp) {
        if self.troubles.add(account, error.kind, now) {
            let event = if error.kind == Kind::LoginRequired { "login_required" } else { "failed" };
            self.tell(Verbosity::Errors, event, account, ("error", error.line().into()));
        }
    }

    fn tell(
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

/// A random part, of 255. Without one, nobody is hurt.
fn jitter() -> u8 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
