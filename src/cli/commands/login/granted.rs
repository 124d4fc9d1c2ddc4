//! The steps after every grant: the site it is for, the user who logged in, the stored credential
//! and the report.

use super::destination::{self, Destination, Done};
use super::whose::{Whose, is_another};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Hint, Kind};
use crate::cli::next_command;
use crate::cli::pauses::pauses;
use crate::cli::questions::Answer;
use crate::cli::typed::command;
use crate::model::account::{self, Account, ProviderName, UserName};
use crate::model::credential::Expiry;
use crate::ops;
use crate::ops::login::{Granted, IdTokenWarning, LoggedIn, LoginTarget, Plan, Site};
use crate::ops::retry::Told;

/// Fails if no name is available for the credential; called before the user is asked to consent.
pub(super) fn expect_user(plan: &Plan, whose: &Whose) -> Result<(), CliError> {
    if !whose.needs_identity() || plan.names_person() {
        return Ok(());
    }
    let name = &plan.provider.name;
    let message = format!("`{name}` does not say who logged in: give `--user`");
    Err(CliError::new(Kind::Usage, message).hint(Hint::Again(&["--user", "me"])))
}

/// Returns the user name for a login without a person: the given one, else the client's own name.
pub(super) fn own_name(user: Option<UserName>, own: &str) -> Result<UserName, CliError> {
    user.map_or_else(|| own.parse(), Ok).map_err(|error: crate::model::account::Error| {
        CliError::new(Kind::Usage, "its own name is no name to keep it under")
            .caused_by(&error)
            .hint("name the user with `--user`")
    })
}

impl LoggedIn {
    /// Returns for whom and where the login was stored.
    pub(super) fn done(&self) -> Done {
        Done::of(&self.account, &self.credential)
    }
}

/// A stored login, its site, and the display name of the user.
pub(super) type StoredLogin = (LoggedIn, Option<Site>, Option<String>);

/// Finds out whose grant it is and stores it.
pub(super) fn store_login(
    context: &Context,
    place: &mut LoginTarget,
    granted: Granted,
    whose: &Whose,
) -> Result<StoredLogin, CliError> {
    let name = granted.provider().clone();
    let site = site(context, &granted);
    let identity =
        context.ui.while_waiting("asking who logged in", || granted.identify(site.as_ref()));
    let username = identity.as_ref().filter(|found| found.is_known_to_api);
    let username = username.map(|found| found.user.as_str().to_owned());
    let (identity, person) = identity.map(|found| (found.user, found.name)).unzip();
    let owner = match whose.user() {
        // Names that two sources give may differ although the person is the same.
        Some(user) if username.is_some() => place.username(&name, user)?,
        Some(_) | None => None,
    };
    let user = match user_of(context, &name, whose, owner, identity.as_ref()) {
        Ok(Some(user)) => user,
        Ok(None) => return Err(granted.abandon().into()),
        Err(error) => {
            granted.abandon();
            return Err(error);
        }
    };
    let person = described(person.flatten(), identity.as_ref(), &user);
    let told = &mut pauses(&context.ui);
    let logged_in = granted.finish(place, user, username, site.as_ref(), told)?;
    Ok((logged_in, site, person))
}

/// Returns the person who logged in, by name and, where the login is kept under another `user`, by
/// what the service calls them.
fn described(name: Option<String>, identity: Option<&UserName>, user: &UserName) -> Option<String> {
    match (name, identity.filter(|identity| *identity != user)) {
        (Some(name), Some(identity)) => Some(format!("{name} ({identity})")),
        (None, Some(identity)) => Some(identity.to_string()),
        (name, None) => name,
    }
}

/// Logs in without a person, and keeps the grant as that of `user`. The pauses between requests are
/// told to what `log_in` is given.
pub(super) fn without_person(
    context: &Context,
    destination: Destination<'_>,
    provider: &ProviderName,
    user: UserName,
    log_in: impl FnOnce(Told<'_>) -> Result<Granted, ops::Error>,
) -> Result<Done, CliError> {
    let mut place = destination.place(provider, Some(&user))?;
    let granted = context
        .ui
        .while_waiting("asking the provider for a token", || log_in(&mut pauses(&context.ui)));
    let logged_in = granted
        .and_then(|granted| {
            granted.finish(&mut place, user.clone(), None, None, &mut pauses(&context.ui))
        })
        .map(|logged_in| (logged_in, None, None))
        .map_err(CliError::from);
    conclude(context, &mut place, provider, Some(user), logged_in).map(|done| done.done())
}

/// Writes the audit entry of a login and prints its result.
pub(super) fn conclude(
    context: &Context,
    place: &mut LoginTarget,
    provider: &ProviderName,
    user: Option<UserName>,
    logged_in: Result<StoredLogin, CliError>,
) -> Result<LoggedIn, CliError> {
    let known = logged_in.as_ref().map(|(done, ..)| done.account.user.clone()).ok().or(user);
    destination::note(context, place, (provider, known.as_ref()), logged_in.as_ref().err());
    let (logged_in, site, person) = logged_in?;
    report(context, provider.as_str(), &logged_in, site.as_ref(), person.as_deref());
    Ok(logged_in)
}

/// Returns the site that the credential is for, if the grant reaches several.
///
/// The user has consented by now, so nothing here fails: the grant is stored without a site
/// instead.
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
        let found = sites.iter().find(|site| site.has_address(server));
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

/// Returns the user for the credential: who was named, or else who logged in, or else the answer at
/// the terminal.
///
/// A person who is not the one for whom the credential is kept does not take its place unasked.
fn user_of(
    context: &Context,
    provider: &ProviderName,
    whose: &Whose,
    owner: Option<String>,
    identity: Option<&UserName>,
) -> Result<Option<UserName>, CliError> {
    let Some(user) = whose.user() else {
        let known = identity.cloned().or_else(|| whose.fallback());
        return Ok(known.or_else(|| asked_name(context)));
    };
    let Some(identity) = identity.filter(|one| is_another(user, owner.as_deref(), one)) else {
        return Ok(Some(user.clone()));
    };
    match (whose, owner) {
        (Whose::Usual(_) | Whose::Anybody | Whose::AnybodyOr(_), _) => {
            context.ui.status(&format!(
                "{identity} logged in, not {user}: so this is kept as `{provider}/{identity}`"
            ));
            Ok(Some(identity.clone()))
        }
        (Whose::Named(_), None) => {
            context.ui.warning(&format!("{provider} says that {identity} logged in, not {user}"));
            Ok(Some(user.clone()))
        }
        (Whose::Named(_), Some(owner)) => {
            let message =
                format!("{identity} logged in, and `{provider}/{user}` is kept for {owner}");
            let other = Account { provider: provider.clone(), user: identity.clone() };
            let hint = next_command::here(context, "login", &other);
            let replaces = context.ui.can_ask()
                && context.ui.confirm(&format!("{message}: replace it"), hint.clone())?;
            if replaces {
                return Ok(Some(user.clone()));
            }
            let message = format!("{message}: nothing was changed");
            Err(CliError::new(Kind::LoginFailed, message).hint(hint))
        }
    }
}

/// Returns the name under which the person wants to keep the login.
fn asked_name(context: &Context) -> Option<UserName> {
    let prompt = "a name to keep this login under";
    let parse = |typed: &str| typed.parse().map_err(|error: account::Error| error.to_string());
    match context.ui.ask(prompt, "give `--user`", parse).ok()? {
        Answer::Given(user) => Some(user),
        Answer::Back => None,
    }
}

/// Prints who logged in and where, and what differs from what was requested.
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
        "logged in to {provider} as {person}{}: {}",
        on.unwrap_or_default(),
        command("get", account)
    ));
    if !logged_in.missing.is_empty() {
        context.ui.warning(&format!("asked for but not granted: {}", logged_in.missing));
    }
    if !logged_in.unasked.is_empty() {
        context.ui.status(&format!("granted but not asked for: {}", logged_in.unasked));
    }
    match &logged_in.id_token_warning {
        Some(IdTokenWarning::Missing) => context.ui.warning(
            "the provider gave no ID token, although the scope `openid` asks for one: the rest of the login works",
        ),
        Some(IdTokenWarning::Dropped(fault)) => context.ui.warning(&format!(
            "the ID token of this login is not kept, {fault}: the rest of the login works"
        )),
        None => {}
    }
    let credential = &logged_in.credential;
    if !credential.is_refreshable() && credential.expiry() != Expiry::None {
        context.ui.warning("the provider gave no refresh token: log in again when the token ends");
    }
    destination::report_replaced(context, &logged_in.replaced);
}
