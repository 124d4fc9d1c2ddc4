//! Facebook's pages: each has a token of its own, which is listed with the token of a person who
//! manages the page.

use serde::Deserialize;

use crate::model::address::Address;
use crate::model::credential::Api;
use crate::oauth::http::Fault;
use crate::oauth::protected_resource;
use crate::secret::AccessToken;
use crate::untrusted::printable;

/// The most parts of a list that are read, each of a hundred pages: nobody manages more.
const MAX_PARTS: usize = 50;

/// One page, with its token.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) id: String,
    /// The name of the page, safe to print.
    pub(crate) name: String,
    pub(crate) token: AccessToken,
}

/// The reason why the pages could not be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The service answered with something else than a list of pages.
    #[error("`{authority}` did not list the pages (HTTP {status})")]
    NoList { authority: String, status: u16 },
}

#[derive(Deserialize)]
struct Part {
    data: Vec<Sent>,
    paging: Option<Paging>,
}

/// A page as Facebook sends it; one whose token is not for this person has none.
#[derive(Deserialize)]
struct Sent {
    id: String,
    #[serde(default)]
    name: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    /// Present if there is another part. The address holds the token and is not used.
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    after: String,
}

/// Lists the pages that are managed by the person to whom `token` belongs.
pub(crate) fn list_pages(
    endpoint: &Address,
    trusted_certificates: Option<&str>,
    api: &Api,
    token: &AccessToken,
) -> Result<Vec<Page>, Error> {
    let mut pages = Vec::new();
    let mut address = endpoint.clone();
    for _ in 0..MAX_PARTS {
        let answer = protected_resource::fetch(&address, trusted_certificates, api, token)?;
        let no_list =
            || Error::NoList { authority: answer.authority.clone(), status: answer.status };
        if answer.status != 200 {
            return Err(no_list());
        }
        let part: Part = serde_json::from_slice(&answer.body).map_err(|_| no_list())?;
        for Sent { id, name, access_token } in part.data {
            let Some(token) = access_token else { continue };
            let token = AccessToken::parse_issued(token).map_err(|_| no_list())?;
            pages.push(Page { id, name: printable(&name), token });
        }
        match part.paging {
            Some(Paging { next: Some(_), cursors: Some(Cursors { after }) }) => {
                let mut url = endpoint.url().clone();
                url.query_pairs_mut().append_pair("after", &after);
                address = url.as_str().parse().map_err(|_| no_list())?;
            }
            Some(_) | None => break,
        }
    }
    Ok(pages)
}
