//! The credentials for an address, as the clear columns tell, and the name for a service that a login
//! finds by its address.

use url::Url;

use super::providers;
use crate::config::Config;
use crate::model::account::{Account, ProviderName};
use crate::model::address::Address;
use crate::model::request_params::ParamValues;
use crate::model::resource::{covers, depth, is_same, provider_name};
use crate::model::summary::Summary;
use crate::store::{self, Vault};

/// The most services at one host that get a name by themselves.
const MOST_NAMES: usize = 1000;

/// Returns the accounts whose service is at `address` or above it: those with the longest address.
/// Whoever opens one of the credentials finds out whether the clear columns tell the truth.
pub(crate) fn accounts_for(vault: &Vault, address: &Address) -> Result<Vec<Account>, store::Error> {
    let serves = |one: &Summary| server(one).is_some_and(|own| covers(&own, address.url()));
    let mut found = at_host(vault, address)?;
    found.retain(serves);
    let depth_of = |one: &Summary| server(one).map_or(0, |own| depth(&own));
    let deepest = found.iter().map(depth_of).max();
    let nearest = found.into_iter().filter(|one| Some(depth_of(one)) == deepest);
    Ok(nearest.map(|one| one.account).collect())
}

/// Returns the clear columns of the credentials whose service is at the host of `address`, and perhaps
/// of some others.
pub(crate) fn at_host(vault: &Vault, address: &Address) -> Result<Vec<Summary>, store::Error> {
    let url = address.url();
    let Some(host) = url.host_str() else { return Ok(Vec::new()) };
    vault.summaries_at(&[format!("{}://{host}", url.scheme())])
}

/// Whether the definition of `name` is for the service at `address`: its `resource` says so.
pub(crate) fn is_defined_for(name: &ProviderName, address: &Address, config: &Config) -> bool {
    let resource = providers::today(name, Some(config)).and_then(|it| it.definition.resource);
    let Some(ParamValues::One(resource)) = resource else { return false };
    Url::parse(&resource).is_ok_and(|url| is_same(&url, address.url()))
}

/// Returns the name in the configuration whose definition is for the service at `address`.
fn defined_for(address: &Address, config: &Config) -> Option<ProviderName> {
    let names = config.providers.keys().filter_map(|name| name.parse().ok());
    let mut own = names.filter(|name| !providers::is_built_in(name));
    own.find(|name| is_defined_for(name, address, config))
}

/// Returns the name for the service at `address`: that of the definition whose `resource` is this
/// address, else that of its credentials among `summaries`, else a
/// new one that is neither among `stored` nor another service's. Services that come with tokctl keep
/// theirs.
pub(crate) fn name_for(
    address: &Address,
    summaries: &[Summary],
    stored: &[ProviderName],
    config: &Config,
) -> ProviderName {
    if let Some(defined) = defined_for(address, config) {
        return defined;
    }
    let is_free = |name: &ProviderName| !providers::is_built_in(name);
    let own = summaries.iter().find(|one| {
        server(one).is_some_and(|own| is_same(&own, address.url()))
            && is_free(&one.account.provider)
            && !providers::has_endpoints(&one.account.provider, config)
    });
    if let Some(own) = own {
        return own.account.provider.clone();
    }
    let is_taken = |name: &ProviderName| {
        !is_free(name) || providers::has_endpoints(name, config) || stored.contains(name)
    };
    let mut names = (1..MOST_NAMES).map(|nth| provider_name(address, nth));
    names.find(|name| !is_taken(name)).unwrap_or_else(|| provider_name(address, MOST_NAMES))
}

fn server(summary: &Summary) -> Option<Url> {
    Url::parse(summary.server_url.as_deref()?).ok()
}
