//! A login by the address of a protected resource, such as an MCP server.

use super::browser;
use super::choice::{self, Way};
use super::client;
use super::consent;
use super::destination::{Destination, Done};
use super::device;
use super::method::Method;
use super::stored::{self, Stored};
use super::whose::Whose;
use crate::cli::certificates;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::time;
use crate::cli::typed::command_line;
use crate::model::account::{Account, AccountFilter, ProviderName, UserName};
use crate::model::address::Address;
use crate::model::definition::Definition;
use crate::model::resource::is_same;
use crate::model::scope::Scopes;
use crate::model::summary::Summary;
use crate::ops::addressed;
use crate::ops::login::SealedClient;
use crate::ops::login::by_address::{self, Choice, Protected};
use crate::ops::providers::{self, Provider};

/// The most credentials of a service that are opened to find the address of its login.
const MOST_READ: usize = 5;

/// The name of a login whose service does not say who logged in.
const NOBODY: &str = "default";

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct OwnArgs {
    /// The name to keep the service under, in place of one made from its host
    #[arg(long = "as", value_name = "NAME", help_heading = "By address")]
    pub(super) name: Option<ProviderName>,

    /// Register a client anew, even if an earlier login registered one
    #[arg(long, help_heading = "By address")]
    pub(super) new_client: bool,
}

impl OwnArgs {
    /// Returns whether a flag of this group was given.
    pub(super) fn is_given(&self) -> bool {
        self.name.is_some() || self.new_client
    }
}

/// The flags of a login by address.
pub(super) struct Flags<'a> {
    pub(super) own: &'a OwnArgs,
    /// The method that was named: in the browser, or by a code.
    pub(super) method: Option<Method>,
    pub(super) client: &'a client::Args,
    pub(super) consent: &'a consent::Args,
    pub(super) browser: &'a browser::Args,
}

/// The resource that a login by address is for, and its user.
pub(super) struct Subject {
    pub(super) address: Address,
    /// The name under which the service is kept, if it is known.
    pub(super) name: Option<ProviderName>,
    pub(super) user: Option<UserName>,
}

/// Returns the subject of a login that names the service or the account of an earlier login by
/// address. `None` if `name` is defined with endpoints, or is of no such login.
pub(super) fn earlier(
    destination: &mut Destination<'_>,
    context: &Context,
    name: &ProviderName,
    user: Option<&UserName>,
) -> Result<Option<Subject>, CliError> {
    if providers::is_built_in(name) {
        return Ok(None);
    }
    let config = context.config()?;
    let has_endpoints = providers::has_endpoints(name, config);
    let names_address = providers::today(name, Some(config))
        .is_some_and(|provider| provider.definition.resource.is_some());
    if has_endpoints && !names_address {
        return Ok(None);
    }
    let mut accounts =
        destination.first_accounts(AccountFilter { provider: Some(name), user }, MOST_READ)?;
    if user.is_some() {
        // Another person's login of the service tells its address as well.
        let all = AccountFilter { provider: Some(name), user: None };
        accounts.extend(destination.first_accounts(all, MOST_READ)?);
    }
    for account in accounts {
        let stored = destination.stored(&account)?;
        if let Some(facts) = stored.as_ref().and_then(|stored| stored.by_address()) {
            let address = facts.asked.clone();
            if has_endpoints && !addressed::is_defined_for(name, &address, config) {
                return Ok(None);
            }
            return Ok(Some(Subject { address, name: Some(name.clone()), user: user.cloned() }));
        }
    }
    Ok(None)
}

/// Fails if the login would replace one by address, while the table of `provider` has endpoints and no
/// `resource`: the new tokens would be for no resource.
pub(super) fn keep(
    destination: &mut Destination<'_>,
    provider: &Provider,
    user: Option<&UserName>,
) -> Result<(), CliError> {
    let (name, definition) = (&provider.name, &provider.definition);
    let has_endpoints = definition.issuer.is_some() || definition.token_endpoint.is_some();
    if providers::is_built_in(name) || !has_endpoints || definition.resource.is_some() {
        return Ok(());
    }
    let filter = AccountFilter { provider: Some(name), user };
    for account in destination.first_accounts(filter, MOST_READ)? {
        let stored = destination.stored(&account)?;
        if let Some(facts) = stored.as_ref().and_then(|stored| stored.by_address()) {
            let asked = &facts.asked;
            let message = format!(
                "`{account}` is a login to `{asked}`, which the table of `{name}` leaves out"
            );
            return Err(CliError::new(Kind::Usage, message).hint(format!(
                "set `resource = \"{asked}\"` in `[providers.{name}]` of config.toml, then run the command again"
            )));
        }
    }
    Ok(())
}

/// Logs in to the service at an address.
pub(super) fn run(
    flags: &Flags<'_>,
    mut destination: Destination<'_>,
    context: &Context,
    subject: Subject,
) -> Result<Done, CliError> {
    let Subject { address, name, user } = subject;
    let name = if let Some(name) = flags.own.name.clone().or(name) {
        free_name(&destination, context, &address, name)?
    } else {
        let (there, stored) = (destination.at_host(&address)?, destination.providers()?);
        addressed::name_for(&address, &there, &stored, context.config()?)
    };
    let all = AccountFilter { provider: Some(&name), user: None };
    let stored_accounts = destination.first_accounts(all, 2)?;
    let whose = match Whose::of(context, user.as_ref(), Some(&name))? {
        // A second login, of which nobody said that it is somebody else's.
        Whose::Anybody if stored_accounts.len() == 1 => {
            Whose::Usual(stored_accounts[0].user.clone())
        }
        whose => whose.or_called(NOBODY.parse().expect("a name")),
    };
    let earlier = match whose.user().cloned().or_else(|| whose.fallback()) {
        Some(user) => {
            let account = Account { provider: name.clone(), user };
            destination.stored(&account)?.map(|credential| (account, Stored(credential)))
        }
        None => None,
    };
    let provider = match providers::if_defined(&name, context.config()?)? {
        Some(provider) => provider,
        None => Provider { name: name.clone(), definition: Definition::default() },
    };
    let certificates = certificates::trusted_certificates(&provider)?;
    let certificates = certificates
        .or_else(|| earlier.as_ref().and_then(|(_, stored)| stored.trusted_certificates()));
    let protected = context.ui.while_waiting("asking the server what it wants", || {
        by_address::find(&address, certificates.as_deref(), &provider)
    })?;
    let scopes = scopes(flags, &provider, &protected, earlier.as_ref().map(|(_, stored)| stored))?;
    let earlier = earlier.as_ref();
    let way = way(flags, context, &address, &protected, earlier.map(|(_, stored)| stored))?;
    let client = client(flags, way, &mut destination, context, &provider, &protected, earlier)?;
    let plan = protected.plan(provider, client, scopes, certificates);
    match way {
        Way::Browser => {
            browser::run(flags.browser, flags.consent, destination, context, plan, whose)
        }
        Way::Device => device::run(flags.consent, destination, context, plan, whose),
    }
}

/// Returns the way in which the person consents: the one that was named, else the one of the earlier
/// login, else the one that fits where this runs. Fails if a code was named and the server has none.
fn way(
    flags: &Flags<'_>,
    context: &Context,
    address: &Address,
    protected: &Protected,
    earlier: Option<&Stored>,
) -> Result<Way, CliError> {
    let takes_code = protected.offers_codes() && flags.browser.port.is_none();
    match flags.method {
        Some(Method::Device) if !protected.offers_codes() => {
            let login = command_line(&["tokctl".into(), "login".into(), address.as_str().into()]);
            let message = format!("what protects `{address}` has no logins by a code");
            Err(CliError::new(Kind::Usage, message).hint(login))
        }
        Some(Method::Device) => Ok(Way::Device),
        Some(_) => Ok(Way::Browser),
        None if takes_code && earlier.is_some_and(|one| one.method() == Method::Device) => {
            Ok(Way::Device)
        }
        None => choice::choose(context, flags.consent, || Ok(takes_code)),
    }
}

/// Returns `name`, unless it is that of another service.
fn free_name(
    destination: &Destination<'_>,
    context: &Context,
    address: &Address,
    name: ProviderName,
) -> Result<ProviderName, CliError> {
    let taken = |what: &str| {
        let again = command_line(&["tokctl".into(), "login".into(), address.as_str().into()]);
        CliError::new(Kind::Usage, format!("`{name}` is the name of {what}: choose another"))
            .hint(again)
    };
    let config = context.config()?;
    let is_others = providers::has_endpoints(&name, config)
        && !addressed::is_defined_for(&name, address, config);
    if providers::is_built_in(&name) || is_others {
        return Err(taken("a service that is defined"));
    }
    let is_elsewhere = |one: &Summary| {
        let own = one.server_url.as_deref().and_then(|url| url.parse::<Address>().ok());
        !own.is_some_and(|own| is_same(own.url(), address.url()))
    };
    if destination.has(&name, is_elsewhere)? { Err(taken("another address")) } else { Ok(name) }
}

/// Returns the scopes to ask for: those of the flags; else those of the definition; else those that
/// the resource asks for, and those that an earlier login was granted.
fn scopes(
    flags: &Flags<'_>,
    provider: &Provider,
    protected: &Protected,
    earlier: Option<&Stored>,
) -> Result<Scopes, CliError> {
    let chosen = flags.client.scopes(provider)?;
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let granted = earlier.and_then(|stored| stored.0.scopes().cloned()).unwrap_or_default();
    let both = Scopes::parse(&format!("{} {granted}", protected.scopes));
    Ok(protected.with_offline_access(&both))
}

/// Returns the client of the earlier login to `account` if it can be used again, and whether a person
/// registered it. Such a one is never given up because it was refused: no other is known to be meant.
fn earlier_client(
    flags: &Flags<'_>,
    way: Way,
    destination: &mut Destination<'_>,
    protected: &Protected,
    account: &Account,
    stored: &Stored,
) -> Result<Option<(SealedClient, bool)>, CliError> {
    let Some(facts) = stored.0.by_address() else { return Ok(None) };
    let Some(sealed) = stored::sealed_client(&stored.0) else { return Ok(None) };
    if !protected.knows(&sealed.client, facts, way == Way::Device, time::now()) {
        return Ok(None);
    }
    let is_by_hand = facts.has_client_by_hand();
    let is_usable =
        is_by_hand || flags.browser.port.is_none() && !destination.was_client_refused(account)?;
    Ok(is_usable.then_some((sealed, is_by_hand)))
}

/// Returns the client: one that is configured, else that of an earlier login, else one with a metadata
/// document, else a new one.
fn client(
    flags: &Flags<'_>,
    way: Way,
    destination: &mut Destination<'_>,
    context: &Context,
    provider: &Provider,
    protected: &Protected,
    earlier: Option<&(Account, Stored)>,
) -> Result<Choice, CliError> {
    let earlier = match earlier {
        Some((account, stored)) if !flags.own.new_client => {
            earlier_client(flags, way, destination, protected, account, stored)?
        }
        Some(_) | None => None,
    };
    let by_hand = earlier.as_ref().filter(|(_, is_by_hand)| *is_by_hand);
    let known = by_hand.map(|(sealed, _)| sealed.client.id.as_str());
    if let Some((id, secret, key)) = client::configured(flags.client, context, provider, known)? {
        return Ok(Choice::Configured { id, secret, key });
    }
    if let Some((sealed, _)) = earlier {
        return Ok(Choice::Earlier(Box::new(sealed)));
    }
    let document = context.config()?.client_id_metadata_url.clone();
    let document = provider.definition.client_id_metadata_url.clone().or(document);
    if let Some(document) = document
        && protected.takes_documents()
    {
        let address: Address = document.parse().map_err(|error| {
            CliError::new(Kind::Usage, "`client_id_metadata_url` can't be used").caused_by(&error)
        })?;
        return Ok(Choice::Document(address));
    }
    if protected.registers() {
        return Ok(Choice::New);
    }
    Err(protected.no_client().into())
}
