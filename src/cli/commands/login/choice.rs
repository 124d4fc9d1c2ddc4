//! The choice of how the user consents: in a browser here, with a code on another device, or in a
//! browser elsewhere.

use super::consent;
use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::pasting;
use crate::ops::login::Plan;

/// The hint for a login where no question is possible.
const WAYS: &str = "`--no-browser` prints the address and waits, `--method device` \
    prints a code, `--token-stdin` brings a token";

/// Returns the hint for the login of `plan` where no question is possible. By address no token is
/// brought, and the metadata say whether there are codes.
pub(super) fn ways(plan: &mut Plan) -> Result<&'static str, CliError> {
    if !plan.is_by_address() {
        return Ok(WAYS);
    }
    Ok(if plan.offers_device()? {
        "`--no-browser` prints the address and waits, `--method device` prints a code"
    } else {
        "`--no-browser` prints the address and waits"
    })
}

/// The ways in which a user consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Browser,
    Device,
}

/// Chooses a way, and prints a line if it is not the usual one.
///
/// Without a browser a code is the easier way, if `takes_code` says that the provider has it and no
/// flag fits the other way alone.
pub(super) fn choose(
    context: &Context,
    consent: &consent::Args,
    takes_code: impl FnOnce() -> Result<bool, CliError>,
) -> Result<Way, CliError> {
    let usual = consent.no_browser
        || Browser::find(&context.environment).is_some()
        || !pasting::is_possible(&context.ui);
    if usual {
        return Ok(Way::Browser);
    }
    if takes_code()? {
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
