//! A login in the browser.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{common, pages};
use crate::cli::browser::Browser;
use crate::cli::client_settings;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::cli::typed::user_flag;
use crate::model::account::{Account, UserName};
use crate::model::credential::Expiry;
use crate::model::duration;
use crate::ops::login::Place;
use crate::ops::login::browser::{self, Granted, LoggedIn, Plan};
use crate::providers::Provider;
use crate::providers::atlassian::Site;
use crate::secret::ClientSecret;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The id of the OAuth client [env: TOKCTL_<PROVIDER>_CLIENT_ID]
    #[arg(long, value_name = "ID", help_heading = "In the browser")]
    client_id: Option<String>,

    /// A file with the client's secret [env: TOKCTL_<PROVIDER>_CLIENT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "In the browser")]
    client_secret_file: Option<PathBuf>,

    /// A client file from Google's console, in place of id and secret
    #[arg(long, value_name = "GOOGLE_JSON", help_heading = "In the browser",
        conflicts_with_all = ["client_id", "client_secret_file"])]
    client_secrets: Option<PathBuf>,

    /// A scope to ask for, in place of the provider's own; repeatable
    #[arg(long = "scope", value_name = "SCOPE", help_heading = "In the browser")]
    scopes: Vec<String>,

    /// At Facebook, store the tokens of the pages as well, each under its page's number
    #[arg(long, help_heading = "In the browser")]
    pages: bool,

    /// The port that the browser comes back to
    #[arg(long, value_name = "N", help_heading = "In the browser")]
    port: Option<u16>,

    /// Print the address instead of opening it
    #[arg(long, help_heading = "In the browser")]
    no_browser: bool,

    /// How long to wait for the browser
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_wait,
        help_heading = "In the browser")]
    timeout: Duration,
}

impl Args {
    /// Whether anything here says that there is a client.
    pub(super) fn is_given(&self) -> bool {
        self.client_id.is_some()
            || self.client_secret_file.is_some()
            || self.client_secrets.is_some()
            || !self.scopes.is_empty()
            || self.pages
            || self.port.is_some()
            || self.no_browser
    }
}

pub(super) fn run(
    own: &Args,
    common: &common::Args,
    context: &Context,
    provider: Provider,
    user: Option<UserName>,
) -> Result<(), CliError> {
    let browser = way_to_browser(own, context)?;
    let plan = plan(own, common, context, provider)?;
    if user.is_none() && plan.provider.definition.identity.is_none() {
        return Err(CliError::new(
            Kind::Usage,
            format!("`{}` does not say who logged in", plan.provider.name),
        )
        .hint("name the user with `--user`"));
    }
    let named = user.clone().map(|user| Account { provider: plan.provider.name.clone(), user });
    let mut place = common.place(context, named.as_ref())?;
    let definition = plan.provider.clone();
    let provider = definition.name.clone();
    let logged_in = log_in(own, context, browser.as_ref(), plan, user.clone(), &mut place);
    let known = logged_in.as_ref().map(|(done, ..)| done.account.user.clone()).ok().or(user);
    common::note(context, &mut place, (&provider, known.as_ref()), logged_in.as_ref().err());
    let (logged_in, site, person) = logged_in?;
    report(context, provider.as_str(), &logged_in, site.as_ref(), person.as_deref());
    if own.pages {
        pages::store(context, &mut place, &definition, &logged_in.credential)?;
    }
    Ok(())
}

/// From the browser to the vault.
fn log_in(
    own: &Args,
    context: &Context,
    browser: Option<&Browser>,
    plan: Plan,
    user: Option<UserName>,
    place: &mut Place,
) -> Result<(LoggedIn, Option<Site>, Option<String>), CliError> {
    let name = plan.provider.name.to_string();
    let pending = context.ui.while_waiting("asking the provider for its endpoints", || {
        browser::start(plan, time::now)
    })?;
    let deadline = Instant::now().checked_add(own.timeout).ok_or_else(|| {
        CliError::new(Kind::Usage, "that is too long to wait").hint("give a shorter `--timeout`")
    })?;
    announce(context, browser, pending.address());
    let granted = context
        .ui
        .while_waiting("waiting for the browser", || pending.wait(deadline, time::now))?;
    let site = site(context, &granted);
    let identity =
        context.ui.while_waiting("asking who logged in", || granted.identify(site.as_ref()));
    let (identity, person) = identity.map(|found| (found.user, found.name)).unzip();
    let Some(user) = user_of(context, &name, user, identity.as_ref()) else {
        return Err(granted.abandon().into());
    };
    let username = identity.map(|name| name.as_str().to_owned());
    let logged_in = granted.finish(place, user, username, site.as_ref())?;
    Ok((logged_in, site, person.flatten()))
}

/// The browser to open, or none if the address is only to be printed.
fn way_to_browser(args: &Args, context: &Context) -> Result<Option<Browser>, CliError> {
    if args.no_browser {
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

fn plan(
    own: &Args,
    common: &common::Args,
    context: &Context,
    provider: Provider,
) -> Result<Plan, CliError> {
    let (client_id, client_secret) = client(own, context, &provider)?;
    let client_id = client_id.ok_or_else(|| {
        CliError::new(
            Kind::Usage,
            format!("`{}` needs the id of an OAuth client that you registered", provider.name),
        )
        .hint("give `--client-id`, or set `client_id` in config.toml")
    })?;
    if provider.needs_secret() && client_secret.is_none() {
        return Err(CliError::new(
            Kind::Usage,
            format!("`{}` needs the secret of the OAuth client", provider.name),
        )
        .hint("give `--client-secret-file`"));
    }
    let scopes = if own.pages {
        provider.scopes(&pages::scopes(&provider, &own.scopes)?)?
    } else {
        provider.scopes(&own.scopes)?
    };
    Ok(Plan {
        trusted_certificates: client_settings::trusted_certificates(&provider)?,
        server: common.server.clone(),
        port: own.port,
        provider,
        client_id,
        client_secret,
        scopes,
    })
}

/// The client's id and secret: from the flags, then from environment and configuration.
fn client(
    own: &Args,
    context: &Context,
    provider: &Provider,
) -> Result<(Option<String>, Option<ClientSecret>), CliError> {
    if let Some(path) = &own.client_secrets {
        let (id, secret) = client_settings::google_client(path)?;
        return Ok((Some(id), secret));
    }
    let id = own.client_id.clone().or_else(|| client_settings::client_id(context, provider));
    let secret = match &own.client_secret_file {
        Some(path) => Some(client_settings::read_secret(path)?),
        None => client_settings::client_secret(context, provider)?,
    };
    Ok((id, secret))
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

/// The site that the credential is for, where the grant reaches several. The person has consented
/// by now, so nothing here fails: without a site the grant is kept all the same.
fn site(context: &Context, granted: &Granted) -> Option<Site> {
    let sites = match &granted.sites {
        Ok(sites) => sites,
        Err(error) => {
            context.ui.warning(&format!("could not look up the sites: {error}"));
            return None;
        }
    };
    let shown: Vec<String> =
        sites.iter().map(|site| format!("{} ({})", site.name, site.url)).collect();
    if let Some(server) = granted.server()
        && !sites.is_empty()
    {
        let found = sites.iter().find(|site| site.is(server));
        if found.is_none() {
            context.ui.warning(&format!(
                "this login does not reach {server}, but {}: log in again and consent for the right site",
                shown.join(", ")
            ));
        }
        return found.cloned();
    }
    match &sites[..] {
        [] => None,
        [site] => Some(site.clone()),
        [first, ..] => {
            let flag = format!("name one with `--server`, such as `--server {}`", first.url);
            let chosen = context.ui.choose("which site", &shown, &flag);
            if let Err(error) = &chosen {
                context.ui.warning(&format!("no site was chosen, {}: {flag}", error.message));
            }
            chosen.ok().map(|chosen| sites[chosen].clone())
        }
    }
}

/// The user to keep the credential under: the one who was named, else the one that the service
/// names, else whoever the person at the terminal says.
fn user_of(
    context: &Context,
    provider: &str,
    named: Option<UserName>,
    identity: Option<&UserName>,
) -> Option<UserName> {
    if let (Some(named), Some(identity)) = (&named, identity) {
        let (named, identity) = (named.as_str(), identity.as_str());
        let both_addresses = named.contains('@') && identity.contains('@');
        if both_addresses && !named.eq_ignore_ascii_case(identity) {
            context.ui.warning(&format!("{provider} says that {identity} logged in, not {named}"));
        }
    }
    named.or_else(|| identity.cloned()).or_else(|| {
        let asked = context.ui.ask("a name to keep this login under", "give `--user`").ok()?;
        asked.parse().ok()
    })
}

/// Says who logged in and where, and what came of it otherwise than asked.
fn report(
    context: &Context,
    provider: &str,
    logged_in: &LoggedIn,
    site: Option<&Site>,
    person: Option<&str>,
) {
    let account = &logged_in.account;
    let server = logged_in.credential.api.server_url.as_ref();
    let on = site.map(|site| &site.url).or(server).map(|at| format!(" on {}", at.authority()));
    let person = person.map_or_else(|| account.user.to_string(), str::to_owned);
    context.ui.status(&format!(
        "logged in to {provider} as {person}{}: tokctl get {} {}",
        on.unwrap_or_default(),
        account.provider,
        user_flag(account.user.as_str())
    ));
    if !logged_in.missing.is_empty() {
        context.ui.warning(&format!("asked for but not granted: {}", logged_in.missing));
    }
    if !logged_in.unasked.is_empty() {
        context.ui.status(&format!("granted but not asked for: {}", logged_in.unasked));
    }
    let credential = &logged_in.credential;
    if !credential.is_refreshable() && credential.expiry() != Expiry::None {
        context.ui.warning("the provider gave no refresh token: log in again when the token ends");
    }
    common::report_replaced(context, &logged_in.replaced);
}

/// A duration that is waited for.
fn parse_wait(text: &str) -> Result<Duration, duration::Error> {
    duration::parse(text).map(jiff::SignedDuration::unsigned_abs)
}
