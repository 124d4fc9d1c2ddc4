//! The servers at which git takes the token of a credential as a password.

use url::Url;

use crate::model::address::Address;
use crate::model::credential::{ApiAuth, Credential, Grant, Status};
use crate::model::summary::{Kind, Summary};
use crate::providers::{AddressParameters, Provider, github};

/// Returns the servers that `credential` is for, by its sealed content: the one that its login
/// named; without one, the host that issued an OAuth token, or the host of a static token's API.
/// For github.com these are all its servers for git.
///
/// Those hosts get the token anyway, so they learn nothing new. Empty if the service takes its
/// token in a header of its own, where no password goes.
pub(crate) fn sealed(credential: &Credential) -> Vec<Address> {
    match &credential.api.auth {
        ApiAuth::Bearer | ApiAuth::Basic => {}
        ApiAuth::Header(_) => return Vec::new(),
    }
    match (&credential.api.server_url, &credential.grant) {
        (Some(server), _) => servers(server),
        (None, Grant::OAuth(grant)) => host(&grant.client.token_endpoint),
        (None, Grant::Static(_)) => credential.api.base_url.as_ref().map(host).unwrap_or_default(),
    }
}

/// Guesses the servers of a credential before it is opened, from its clear columns and, where these
/// name none, from `today`'s definition of its provider.
pub(crate) fn likely(summary: &Summary, today: impl FnOnce() -> Option<Provider>) -> Vec<Address> {
    if summary.status == Status::HandedOver {
        return Vec::new();
    }
    if let Some(server) = &summary.server_url {
        return server.parse().map(|server| servers(&server)).unwrap_or_default();
    }
    of_provider(summary.kind, today().as_ref())
}

/// Guesses the servers of a provider's credentials of `kind` that name none, from `today`'s definition
/// of it.
pub(crate) fn of_provider(kind: Kind, today: Option<&Provider>) -> Vec<Address> {
    let Some(today) = today else { return Vec::new() };
    let address = match kind {
        Kind::OAuth => today.endpoints(None, None).ok().map(|endpoints| endpoints.token),
        Kind::Static => today.api_base_url(AddressParameters::default()).ok().flatten(),
    };
    address.as_ref().map(host).unwrap_or_default()
}

/// Returns the beginnings of the addresses that a credential can name whose token is for the server of
/// `url`.
pub(crate) fn origins(url: &Url) -> Vec<String> {
    let named = |host: &str| format!("https://{host}");
    let hosts: Vec<String> = url.host_str().map(named).into_iter().collect();
    let is_of_github = hosts
        .iter()
        .any(|host| host.parse().is_ok_and(|host| github::git_servers(&host).is_some()));
    if is_of_github { github::HOSTS.map(named).into() } else { hosts }
}

/// Returns the servers of a login that named `server`: a part of a server is that part alone.
fn servers(server: &Address) -> Vec<Address> {
    let is_whole = server.url().path() == "/";
    github::git_servers(server).filter(|_| is_whole).unwrap_or_else(|| vec![server.clone()])
}

/// Returns the servers of the service that has `address`, whatever its path.
fn host(address: &Address) -> Vec<Address> {
    github::git_servers(address).unwrap_or_else(|| {
        address.url().origin().ascii_serialization().parse().into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Config;
    use crate::model::account::Account;
    use crate::providers;

    const GITHUB: &str = "https://github.com https://gist.github.com";

    fn credential(grant: &Value, api: &Value) -> Credential {
        let time = "2026-01-01T00:00:00Z";
        let credential = json!({
            "grant": grant, "api": api, "status": "active", "created_at": time, "updated_at": time,
        });
        serde_json::from_value(credential).unwrap()
    }

    fn oauth(api: &Value) -> Credential {
        let time = "2026-01-01T00:00:00Z";
        let grant = json!({
            "kind": "oauth", "access_token": "made-up", "token_type": "Bearer",
            "issued_at": time, "granted_at": time, "expiry": { "expiry": "unknown" }, "scopes": [],
            "client": {
                "id": "made-up", "auth_method": "none",
                "token_endpoint": "https://github.com/login/oauth/access_token",
            },
        });
        credential(&grant, api)
    }

    fn pat(api: &Value) -> Credential {
        let expiry = json!({ "expiry": "unknown" });
        credential(&json!({ "kind": "static", "token": "made-up", "expiry": expiry }), api)
    }

    fn shown(servers: &[Address]) -> String {
        servers.iter().map(Address::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_login_is_for_its_server_or_else_for_the_host_that_knows_its_token() {
        let own = |credential: &Credential| shown(&sealed(credential));
        assert_eq!(own(&oauth(&json!({ "auth": "bearer" }))), GITHUB);
        let at = |server| oauth(&json!({ "auth": "bearer", "server_url": server }));
        assert_eq!(own(&at("https://git.example")), "https://git.example");
        assert_eq!(own(&at("https://github.com")), GITHUB);
        // A login for a part of a server is for nothing else.
        assert_eq!(own(&at("https://github.com/acme")), "https://github.com/acme");
        // A password would not work at a service that wants another header.
        assert_eq!(own(&oauth(&json!({ "auth": "header:X-Token" }))), "");
    }

    #[test]
    fn a_personal_token_is_for_the_host_of_its_api() {
        let own =
            |base: &Value| shown(&sealed(&pat(&json!({ "auth": "bearer", "base_url": base }))));
        assert_eq!(own(&"https://api.github.com".into()), GITHUB);
        assert_eq!(own(&"https://ghe.example/api/v3".into()), "https://ghe.example");
        assert_eq!(own(&Value::Null), "");
    }

    #[test]
    fn a_credential_is_found_by_the_definition_of_its_provider() {
        let account = Account { provider: "github".parse().unwrap(), user: "x".parse().unwrap() };
        let today = || providers::find(&account.provider, &Config::default()).ok();
        let mut summary = Summary::of(&account, &oauth(&json!({ "auth": "bearer" })));
        for kind in [Kind::OAuth, Kind::Static] {
            summary.kind = kind;
            assert_eq!(shown(&likely(&summary, today)), GITHUB, "{kind:?}");
        }
        assert_eq!(shown(&likely(&summary, || None)), "");
        summary.status = Status::HandedOver;
        assert_eq!(shown(&likely(&summary, today)), "");
    }
}
