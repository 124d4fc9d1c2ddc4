//! A login with a code that the user enters in a browser, on this device or another one.

use super::consent::{self, is_opened};
use super::destination::{Destination, Done};
use super::granted;
use super::whose::Whose;
use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::pauses::pauses;
use crate::cli::time;
use crate::ops;
use crate::ops::login::device::{self, DeviceAuthorization};
use crate::ops::login::{Granted, LoginTarget, Plan};

pub(super) fn run(
    consent: &consent::Args,
    destination: Destination<'_>,
    context: &Context,
    plan: Plan,
    whose: Whose,
) -> Result<Done, CliError> {
    granted::expect_user(&plan, &whose)?;
    let provider = plan.provider.name.clone();
    let mut place = destination.place(&provider, whose.user())?;
    let logged_in = log_in(consent, context, plan, &whose, &mut place);
    granted::conclude(context, &mut place, &provider, whose.into_user(), logged_in)
        .map(|done| done.done())
}

/// Runs the login from the code to the stored credential.
fn log_in(
    consent: &consent::Args,
    context: &Context,
    plan: Plan,
    whose: &Whose,
    place: &mut LoginTarget,
) -> Result<granted::StoredLogin, CliError> {
    let granted = consent::grant(context, plan, |plan| Ok(ask(consent, context, plan)))?;
    granted::store_login(context, place, granted, whose)
}

/// Shows a person a code and waits for the grant.
fn ask(consent: &consent::Args, context: &Context, plan: Plan) -> Result<Granted, ops::Error> {
    let pending = context.ui.while_waiting("asking the provider for a code", || {
        device::start(plan, time::now, &mut pauses(&context.ui))
    })?;
    announce(context, consent, pending.authorization());
    context.ui.while_waiting("waiting for the code to be entered", || {
        pending.wait(consent.timeout, time::now)
    })
}

/// Prints address and code, and opens the address if there is a browser.
///
/// The address with the code in it spares the typing; the printed code is there for comparison (RFC
/// 8628 §3.3.1).
fn announce(context: &Context, consent: &consent::Args, shown: &DeviceAuthorization) {
    let (short, code) = (&shown.verification_uri, &shown.user_code);
    let whole = shown.verification_uri_complete.as_ref().unwrap_or(short);
    let may_open = context.ui.may_ask && !consent.no_browser;
    let opened = Browser::find(&context.environment)
        .filter(|_| may_open)
        .is_some_and(|browser| is_opened(context, &browser, whole.url()));
    let what = if opened { "opened in the browser; or open" } else { "open" };
    let what = format!("{what} this address, on this device or on another, and enter the code:");
    context.ui.always_with(&what, &[short.as_str(), code]);
    if whole != short {
        context.ui.always_with("or open this one and compare the code:", &[whole.as_str()]);
    }
}
