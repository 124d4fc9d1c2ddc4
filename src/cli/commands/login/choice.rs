//! How a person consents, where nobody said: in a browser here, with a code on another device, or
//! in a browser elsewhere.

use super::client;
use super::consent;
use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::pasting;
use crate::ops::login::Plan;

/// What helps where there is no way to ask a person.
pub(super) const WAYS: &str = "`--no-browser` prints the address and waits, `--method device` \
    prints a code, `--token-stdin` brings a token";

/// A way in which a person consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Browser,
    Device,
}

/// Chooses for `plan`, and says so where it is not the usual way.
///
/// Without a browser a code is the easier way, for a provider that has it; flags that only make
/// sense with the other way speak against it.
pub(super) fn choose(
    context: &Context,
    consent: &consent::Args,
    client: &client::Args,
    has_port: bool,
    plan: &mut Plan,
) -> Result<Way, CliError> {
    let usual = consent.no_browser
        || Browser::find(&context.environment).is_some()
        || !pasting::is_possible(&context.ui);
    if usual {
        return Ok(Way::Browser);
    }
    if !has_port && !client.is_googles() && plan.offers_device()? {
        context.ui.status(
            "there is no browser here, so this goes by a code (`--method browser` prints an address)",
        );
        return Ok(Way::Device);
    }
    context
        .ui
        .status("there is no browser here, so open the address elsewhere and paste where it ends");
    Ok(Way::Browser)
}
