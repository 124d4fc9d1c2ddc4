//! Atlassian's gateway, and the list of the sites that a grant reaches.

use serde::Deserialize;

use crate::model::address::Address;
use crate::oauth::http::{self, Authentication, Fault};
use crate::secret::AccessToken;
use crate::untrusted::printable;

/// One site that a grant reaches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Site {
    /// The `cloudid` in addresses of the gateway.
    pub(crate) id: String,
    pub(crate) url: Address,
    pub(crate) name: String,
}

/// The reason why the sites could not be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The service answered with something else than a list of sites.
    #[error("`{authority}` did not list the sites (HTTP {status})")]
    NoList { authority: String, status: u16 },
}

impl Site {
    /// Whether `server` is the address of this site, however it was typed.
    pub(crate) fn has_address(&self, server: &Address) -> bool {
        self.url.url().origin() == server.url().origin()
    }
}

/// Returns the id of the site at `server`, which it tells everybody; `None` if it does not.
pub(crate) fn site_id(server: &Address, trusted_certificates: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Tenant {
        cloud_id: String,
    }
    let mut url = server.url().clone();
    url.set_path("/_edge/tenant_info");
    url.set_query(None);
    let address: Address = url.as_str().parse().ok()?;
    let answer = http::fetch(&address, trusted_certificates, &Authentication::None).ok()?;
    let tenant: Tenant = serde_json::from_slice(&answer.body).ok()?;
    let is_id = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (answer.status == 200 && is_id(&tenant.cloud_id)).then_some(tenant.cloud_id)
}

/// Returns whether `server` is a site in Atlassian's cloud, which takes an API token with the name of
/// its account alone. A server of one's own takes a personal access token without.
pub(crate) fn wants_name(server: &Address) -> bool {
    server.url().host_str().is_some_and(|host| host.ends_with(".atlassian.net"))
}

/// Lists the sites that `token` reaches.
pub(crate) fn list_sites(
    endpoint: &Address,
    trusted_certificates: Option<&str>,
    token: &AccessToken,
) -> Result<Vec<Site>, Error> {
    let answer = http::fetch(endpoint, trusted_certificates, &Authentication::Bearer(token))?;
    let no_list = || Error::NoList { authority: answer.authority.clone(), status: answer.status };
    if answer.status != 200 {
        return Err(no_list());
    }
    let sites: Vec<Site> = serde_json::from_slice(&answer.body).map_err(|_| no_list())?;
    Ok(sites.into_iter().map(|site| Site { name: printable(&site.name), ..site }).collect())
}
