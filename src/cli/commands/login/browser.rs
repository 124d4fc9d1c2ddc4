//! A login in the browser.

use std::time::Duration;

use super::common;
use super::consent;
use super::granted;
use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::model::account::UserName;
use crate::ops::login::{Plan, browser};

/// How long the browser is waited for unless the person says otherwise.
const PATIENCE: Duration = Duration::from_mins(5);

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The port that the browser comes back to
    #[arg(long, value_name = "N", help_heading = "In the browser, or with a code")]
    port: Option<u16>,
}

impl Args {
    /// Whether anything here is about the way back from the browser.
    pub(super) fn is_given(&self) -> bool {
        self.port.is_some()
    }
}

pub(super) fn run(
    own: &Args,
    consent: &consent::Args,
    common: &common::Args,
    context: &Context,
    plan: Plan,
    user: Option<UserName>,
) -> Result<(), CliError> {
    let browser = way_to_browser(consent, context)?;
    granted::expect_user(&plan.provider, user.as_ref())?;
    let place = common.place(context, &plan.provider.name, user.as_ref())?;
    let port = own.port;
    let pending = context
        .ui
        .while_waiting("asking the provider for its endpoints", || browser::start(plan, port))?;
    let deadline = consent.deadline(PATIENCE)?;
    announce(context, browser.as_ref(), pending.address());
    let granted = context
        .ui
        .while_waiting("waiting for the browser", || pending.wait(deadline, time::now))?;
    granted::settle(context, place, granted, user)
}

/// The browser to open, or none if the address is only to be printed.
fn way_to_browser(consent: &consent::Args, context: &Context) -> Result<Option<Browser>, CliError> {
    if consent.no_browser {
        return Ok(None);
    }
    if !context.ui.may_ask {
        return Err(CliError::new(Kind::Usage, "a browser may not be opened here")
            .hint("give `--no-browser` to get the address, or `--token-stdin` to bring a token"));
    }
    Browser::find(&context.environment).map(Some).ok_or_else(|| {
        CliError::new(Kind::Usage, "there is no browser here")
            .hint("give `--no-browser` to get the address, or set BROWSER")
    })
}

/// Opens the address; it is always printed too, since an opener that fails says nothing.
fn announce(context: &Context, browser: Option<&Browser>, address: &url::Url) {
    let opened = browser.is_some_and(|browser| browser.open(&context.environment, address).is_ok());
    let what = if opened {
        "opened in the browser, or open it by hand:"
    } else {
        "open this address in a browser:"
    };
    context.ui.always(&format!("{what}\n\n  {address}\n"));
}
