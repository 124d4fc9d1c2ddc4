//! What all logins with a user's consent share: their flags, how the browser is opened, and the second
//! try with another client.

use std::time::{Duration, Instant};

use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::model::duration;
use crate::ops;
use crate::ops::login::{Granted, Plan};
use crate::untrusted::printable;

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Print the address instead of opening it
    #[arg(long, help_heading = "In the browser, or with a code")]
    pub(super) no_browser: bool,

    /// How long to wait for the person [default: 5m, or as long as a code counts]
    #[arg(long, value_name = "DURATION", value_parser = parse_wait,
        help_heading = "In the browser, or with a code")]
    pub(super) timeout: Option<Duration>,
}

impl Args {
    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.no_browser || self.timeout.is_some()
    }

    /// Returns the end of the wait: after `--timeout`, or after `usual` if that was not given.
    pub(super) fn deadline(&self, usual: Duration) -> Result<Instant, CliError> {
        Instant::now().checked_add(self.timeout.unwrap_or(usual)).ok_or_else(|| {
            CliError::new(Kind::Usage, "that is too long to wait")
                .hint("give a shorter `--timeout`")
        })
    }
}

/// Opens an address in the browser; warns and returns false if that can't be started.
pub(super) fn is_opened(context: &Context, browser: &Browser, address: &url::Url) -> bool {
    match browser.open(&context.environment, address) {
        Ok(()) => true,
        Err(error) => {
            let program = printable(browser.program());
            context.ui.warning(&format!("the browser `{program}` can't be started: {error}"));
            false
        }
    }
}

/// Why a login whose server says so registers another client.
const FORGOTTEN: &str = "the provider does not know its client any more";

/// Returns the grant that a person gives when `ask` asks them. If the server no longer knows the client
/// that an earlier login registered, registers another one and asks again, once.
pub(super) fn grant(
    context: &Context,
    mut plan: Plan,
    ask: impl Fn(Plan) -> Result<Result<Granted, ops::Error>, CliError>,
) -> Result<Granted, CliError> {
    let with_new_client = plan.with_new_client();
    let anew = |why: &str, plan| {
        context.ui.status(&format!("registering another client for this login: {why}"));
        Ok(ask(plan)??)
    };
    let is_forgotten = with_new_client.is_some()
        && context
            .ui
            .while_waiting("asking the server for its client", || plan.is_client_forgotten());
    let with_new_client = match with_new_client {
        Some(again) if is_forgotten => return anew(FORGOTTEN, again),
        other => other,
    };
    match (ask(plan)?, with_new_client) {
        (Err(error), Some(again)) => match error.calls_for_new_client() {
            Some(why) => anew(why, again),
            None if error.may_want_new_client() => {
                Err(CliError::from(error).hint(Hint::Again(&["--new-client"])))
            }
            None => Err(error.into()),
        },
        (asked, _) => Ok(asked?),
    }
}

/// Parses the duration that `--timeout` takes.
fn parse_wait(text: &str) -> Result<Duration, duration::Error> {
    duration::parse(text).map(jiff::SignedDuration::unsigned_abs)
}
