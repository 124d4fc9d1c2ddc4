//! A login in the browser.

use std::time::Duration;

use super::choice;
use super::client;
use super::consent::{self, is_opened};
use super::destination::{Destination, Done};
use super::granted;
use super::link_end::LinkEnd;
use super::pages;
use super::unwanted;
use super::whose::Whose;
use crate::cli::browser::Browser;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::pasting;
use crate::cli::pauses::pauses;
use crate::cli::time;
use crate::ops;
use crate::ops::login::{Granted, LoginTarget, Plan, browser};

/// The time limit for the browser login unless the user sets another.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

const WAIT_OR_PASTE: &str = "waiting for the browser; or paste here the address at which it ended, \
    and press Enter (it does not show)";

const PASTE: &str = "when the browser shows a page that can't be opened, paste here the address at \
    which it ended, and press Enter (it does not show)";

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The port that the browser comes back to
    #[arg(long, value_name = "N", help_heading = "In the browser, or with a code")]
    pub(super) port: Option<u16>,

    /// At Facebook, store the tokens of the pages as well, each under its page's number
    #[arg(long, help_heading = "In the browser, or with a code")]
    pub(super) pages: bool,
}

impl Args {
    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.port.is_some() || self.pages
    }
}

pub(super) fn run(
    own: &Args,
    consent: &consent::Args,
    destination: Destination<'_>,
    context: &Context,
    mut plan: Plan,
    whose: Whose,
) -> Result<Done, CliError> {
    if own.pages {
        plan.scopes = pages::scopes(&plan.provider, &plan.scopes)?;
    }
    let browser = way_to_browser(consent, context, &mut plan)?;
    client::expect_proof(&plan)?;
    let pasted_only = plan.is_pasted();
    if pasted_only {
        expect_pasting(context, &plan, own)?;
    }
    granted::expect_user(&plan, &whose)?;
    let definition = plan.provider.clone();
    let provider = &definition.name;
    let mut place = destination.place(provider, whose.user())?;
    let waits = Waits { port: own.port, consent, browser: browser.as_ref(), pasted_only };
    let logged_in = waits.log_in(context, plan, &whose, &mut place);
    let logged_in = granted::conclude(context, &mut place, provider, whose.into_user(), logged_in)?;
    if own.pages {
        pages::store(context, &mut place, &definition, &logged_in.credential)?;
    }
    Ok(logged_in.done())
}

/// The settings of the wait for the browser.
struct Waits<'a> {
    port: Option<u16>,
    consent: &'a consent::Args,
    browser: Option<&'a Browser>,
    pasted_only: bool,
}

impl Waits<'_> {
    /// Runs the login from the browser to the stored credential.
    fn log_in(
        &self,
        context: &Context,
        plan: Plan,
        whose: &Whose,
        place: &mut LoginTarget,
    ) -> Result<granted::StoredLogin, CliError> {
        let granted = consent::grant(context, plan, |plan| self.ask(context, plan))?;
        granted::store_login(context, place, granted, whose)
    }

    /// Sends a person to the browser and waits for the grant.
    fn ask(&self, context: &Context, plan: Plan) -> Result<Result<Granted, ops::Error>, CliError> {
        let provider = plan.provider.name.clone();
        let pending = context.ui.while_waiting("asking the provider for its endpoints", || {
            browser::start(plan, self.port, time::now, &mut pauses(&context.ui))
        });
        let pending = match pending {
            Ok(pending) => pending,
            Err(error) => return Ok(Err(error)),
        };
        let deadline = self.consent.deadline(PATIENCE)?;
        let is_opened = announce(context, self.browser, &pending);
        let within = pending.open_within().filter(|_| !is_opened);
        let _link_end = LinkEnd::watch(&context.ui, within);
        let mut told = pauses(&context.ui);
        let may_paste = pasting::is_possible(&context.ui);
        let mut tell = |what| context.ui.warning(&unwanted::told(what, &provider, may_paste));
        pasting::while_pasting(&context.ui, |lines| match lines {
            Some(lines) => {
                if self.pasted_only {
                    context.ui.always(PASTE);
                } else {
                    context.ui.status(WAIT_OR_PASTE);
                }
                pending.wait(deadline, Some(lines), &mut tell, &mut told, time::now)
            }
            None => context.ui.while_waiting("waiting for the browser", || {
                pending.wait(deadline, None, &mut tell, &mut told, time::now)
            }),
        })
    }
}

/// Fails if the provider redirects to https only and no terminal can take the pasted address.
fn expect_pasting(context: &Context, plan: &Plan, own: &Args) -> Result<(), CliError> {
    let name = &plan.provider.name;
    if own.port.is_some() {
        return Err(CliError::new(Kind::Usage, format!("`{name}` comes back to no port"))
            .hint("leave out `--port`"));
    }
    if pasting::is_possible(&context.ui) {
        return Ok(());
    }
    Err(CliError::new(
        Kind::Usage,
        format!("`{name}` comes back to an https address, which has to be pasted at a terminal"),
    )
    .hint("log in at a terminal, or bring a token with `--token-stdin`"))
}

/// Returns the browser to open, or `None` if the address is only printed.
///
/// The user then opens it elsewhere and pastes the address at which the browser ended.
fn way_to_browser(
    consent: &consent::Args,
    context: &Context,
    plan: &mut Plan,
) -> Result<Option<Browser>, CliError> {
    if consent.no_browser {
        return Ok(None);
    }
    if !context.ui.may_ask {
        return Err(CliError::new(Kind::Usage, "a browser may not be opened here")
            .hint(choice::ways(plan)?));
    }
    match Browser::find(&context.environment) {
        None if pasting::is_possible(&context.ui) => Ok(None),
        None => Err(CliError::new(Kind::Usage, "there is neither a browser nor a terminal here")
            .hint(choice::ways(plan)?)),
        found => Ok(found),
    }
}

/// Opens the address in the browser and prints it too, because a failing opener may say nothing. Returns
/// whether a browser was started.
fn announce(context: &Context, browser: Option<&Browser>, pending: &browser::Pending) -> bool {
    let address = pending.address();
    let opened = browser.is_some_and(|browser| is_opened(context, browser, address));
    let what = if opened {
        "opened in the browser, or open it by hand:".to_owned()
    } else {
        let within = pending.open_within();
        let within = within.map(|time| format!(" within {} s", time.as_secs()));
        format!("open this address in a browser{}:", within.unwrap_or_default())
    };
    context.ui.always_with(&what, &[address.as_str()]);
    opened
}
