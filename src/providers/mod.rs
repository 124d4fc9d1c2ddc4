//! The differences between services: the built-in definitions, the rules by which one definition
//! extends another, and the few services that need code.
//!
//! Turns a definition into the addresses and parameters of a login. Does not know the store, nor
//! when a login or a refresh takes place.

mod error;
pub(crate) mod atlassian;
pub(crate) mod facebook;
pub(crate) mod github;
pub(crate) mod shopify;
mod provider;
mod client_proofs;
mod parameters;
mod addresses;
mod google;

use std::collections::BTreeSet;

use toml::{Table, Value};

pub(crate) use self::addresses::{AddressParameters, Endpoints, FirstEndpoint};
pub(crate) use self::error::Error;
pub(crate) use self::parameters::check_authorization_endpoint;
pub(crate) use self::provider::{Provider, RenewalRules};
use crate::config::Config;
use crate::model::account::ProviderName;
use crate::model::nearest::{nearest, of_one_field};

/// The definitions that come with tokctl, in the syntax of `config.toml`.
const BUILT_IN: [(&str, &str); 17] = [
    ("auth0", include_str!("auth0.toml")),
    ("bitbucket", include_str!("bitbucket.toml")),
    ("etsy", include_str!("etsy.toml")),
    ("facebook", include_str!("facebook.toml")),
    ("gdrive", include_str!("gdrive.toml")),
    ("github", include_str!("github.toml")),
    ("gitlab", include_str!("gitlab.toml")),
    ("google", include_str!("google.toml")),
    ("jira", include_str!("jira.toml")),
    ("jira-dc", include_str!("jira-dc.toml")),
    ("keycloak", include_str!("keycloak.toml")),
    ("microsoft", include_str!("microsoft.toml")),
    ("okta", include_str!("okta.toml")),
    ("salesforce", include_str!("salesforce.toml")),
    ("salla", include_str!("salla.toml")),
    ("shopify", include_str!("shopify.toml")),
    ("slack", include_str!("slack.toml")),
];

/// Returns the names of all providers, built in and configured.
pub(crate) fn names(config: &Config) -> BTreeSet<&str> {
    BUILT_IN
        .iter()
        .map(|(name, _)| *name)
        .chain(config.providers.keys().map(String::as_str))
        .collect()
}

/// Returns the provider called `name`, complete with what it extends.
pub(crate) fn find(name: &ProviderName, config: &Config) -> Result<Provider, Error> {
    let table = merged_table(name.as_str(), config, &mut BTreeSet::new())?;
    let definition = table.try_into().map_err(|error: toml::de::Error| Error::Malformed {
        name: name.to_string(),
        message: of_one_field(error.message()),
    })?;
    let provider = Provider { name: name.clone(), definition };
    provider.check_params()?;
    Ok(provider)
}

/// Returns the definition of `name` as TOML, complete with what it extends.
pub(crate) fn merged_definition(name: &ProviderName, config: &Config) -> Result<Table, Error> {
    merged_table(name.as_str(), config, &mut BTreeSet::new())
}

/// Merges a definition with those that it extends. A configured provider comes before a built-in
/// one of the same name, which it may extend. `visited` holds the configured providers on the way,
/// to find a circle.
fn merged_table(
    name: &str,
    config: &Config,
    visited: &mut BTreeSet<String>,
) -> Result<Table, Error> {
    let Some(own) = config.providers.get(name).filter(|_| !visited.contains(name)) else {
        return built_in(name).ok_or_else(|| {
            if visited.contains(name) {
                return Error::Circle { name: name.to_owned() };
            }
            let near = nearest(name, names(config)).into_iter().map(str::to_owned).collect();
            Error::Unknown { name: name.to_owned(), near }
        });
    };
    visited.insert(name.to_owned());
    match own.get("extends").and_then(Value::as_str) {
        Some(base) => {
            let mut merged = merged_table(base, config, visited)?;
            merge(&mut merged, own);
            Ok(merged)
        }
        None => Ok(own.clone()),
    }
}

fn built_in(name: &str) -> Option<Table> {
    let (_, text) = BUILT_IN.iter().find(|(own, _)| *own == name)?;
    Some(text.parse().expect("the built-in definitions are tested"))
}

fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::definition::Reuse;

    fn config(text: &str) -> Config {
        let providers: Table = text.parse().unwrap();
        let providers =
            providers.into_iter().map(|(name, value)| (name, value.try_into().unwrap())).collect();
        Config { providers, ..Config::default() }
    }

    fn name(text: &str) -> ProviderName {
        text.parse().unwrap()
    }

    #[test]
    fn every_built_in_definition_is_complete() {
        for (built_in, _) in BUILT_IN {
            let provider = find(&name(built_in), &Config::default()).unwrap();
            let server = match provider.definition.server_host.as_deref() {
                Some(pattern) => format!("https://{}", pattern.replace('*', "made-up")),
                None => "https://jira.example/jira".to_owned(),
            };
            let server = server.parse().unwrap();
            assert!(provider.server(Some(&server)).is_ok(), "{built_in}");
            let endpoints = provider.endpoints(Some(&server), None).unwrap();
            assert!(endpoints.authorization.is_some(), "{built_in}");
            assert!(provider.definition.title.is_some(), "{built_in}");
            // Each service has its own redirect URI (RFC 8252 §8.10), and the person who registers
            // it has to be told which.
            let path = format!("/callback/{built_in}");
            assert!(provider.redirect_uri().ends_with(&path), "{built_in}");
            let setup = provider.setup().unwrap_or_default();
            let any_port = provider.redirect_uri().contains(":0/");
            assert!(any_port || setup.contains(&provider.redirect_uri()), "{built_in}");
            assert!(setup.contains(&format!("tokctl login {built_in}")), "{built_in}");
            assert!(setup.lines().all(|line| line.len() <= 100), "{built_in}");
            let places = AddressParameters {
                server: Some(&server),
                site_id: None,
                api_base_url: Some(&server),
            };
            let check = provider.check(places).unwrap().unwrap();
            assert!(!check.fields.is_empty(), "{built_in}");
            // Nothing certain is known of Salla's and Bitbucket's grants, Facebook's tokens renew
            // themselves, and elsewhere an administrator decides.
            let unlimited = [
                "auth0",
                "bitbucket",
                "facebook",
                "gitlab",
                "keycloak",
                "okta",
                "salesforce",
                "salla",
            ];
            let unlimited = unlimited.contains(&built_in);
            assert_eq!(provider.definition.grant_life.idle.is_none(), unlimited, "{built_in}");
        }
    }

    #[test]
    fn a_definition_extends_another_key_by_key() {
        let config = config(
            "[eu]\nextends = 'jira'\nauthorization_params = { prompt = 'login' }\n
             [eu-two]\nextends = 'eu'\nrefresh = { margin = '1m' }",
        );
        let provider = find(&name("eu-two"), &config).unwrap().definition;
        let params: Vec<_> = provider.authorization_params.pairs().collect();
        assert_eq!(params, [("audience", "api.atlassian.com"), ("prompt", "login")]);
        assert!(matches!(provider.refresh.reuse, Reuse::Leeway(_)));
        assert!(provider.refresh.margin.is_some());
    }

    #[test]
    fn a_configured_provider_may_extend_the_built_in_one_of_its_name() {
        let config = config("[jira]\nextends = 'jira'\nclient_id = 'own'");
        let provider = find(&name("jira"), &config).unwrap().definition;
        assert_eq!(provider.client_id.as_deref(), Some("own"));
        assert!(provider.token_endpoint.is_some());
    }

    #[test]
    fn circles_and_unknown_names_are_found() {
        let config = config("[a]\nextends = 'b'\n[b]\nextends = 'a'\n[c]\nextends = 'nobody'");
        assert!(matches!(find(&name("a"), &config), Err(Error::Circle { .. })));
        assert!(
            matches!(find(&name("c"), &config), Err(Error::Unknown { name, .. }) if name == "nobody")
        );
        assert!(matches!(find(&name("d"), &config), Err(Error::Unknown { .. })));
    }
}
