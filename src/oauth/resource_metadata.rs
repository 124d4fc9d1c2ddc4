//! The search for what protects a resource (RFC 9728): its authorization servers, and the resource
//! that a token is asked for.
//!
//! The resource is asked without a token: with a GET, and if it leaves that unchallenged, with a POST
//! as of a client of the Model Context Protocol. Its challenge says where its metadata are; else they
//! are at a well-known address of its own. A redirect is followed within its origin alone.

use serde_json::Value;
use url::Url;

use super::challenge::{self, Bearer};
use super::http::{self, Answer, Fault};
use super::mcp;
use crate::model::address::{Address, Error as AddressError};
use crate::model::reach::Reach;
use crate::model::resource::covers;
use crate::untrusted::printable;

/// The most redirects from one address.
const MAX_REDIRECTS: usize = 3;

/// The most authorization servers of one resource that are tried.
const MOST_SERVERS: usize = 3;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The reason why it is not known what protects a resource.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The resource answers without a token and publishes no metadata.
    #[error("`{asked}` asks for no token, and publishes no protected-resource metadata")]
    Unprotected { asked: String },
    /// There is nothing at the address, and no metadata of it.
    #[error("`{asked}` answered with HTTP {status}, and publishes no protected-resource metadata")]
    NothingThere { asked: String, status: u16 },
    /// The metadata are those of another resource: a token for that one must not come here.
    #[error("the metadata of `{asked}` are for another resource, `{named}`")]
    ForeignResource { asked: String, named: String },
    /// The metadata name no authorization server.
    #[error("the metadata of `{asked}` name no authorization server")]
    NoServer { asked: String },
    /// The metadata name authorization servers, and none of them may be asked.
    #[error(
        "the metadata of `{asked}` name the authorization server `{named}`, which can't be used: {reason}"
    )]
    UnusableServer { asked: String, named: String, reason: String },
    /// There is an answer where the metadata should be, and it is something else.
    #[error("`{place}`, where the metadata of the resource should be, answered with {what}")]
    NoMetadata { place: String, what: String },
    /// The resource is in trouble: a later try may succeed.
    #[error("`{authority}` answered with HTTP {status}")]
    Trouble { authority: String, status: u16 },
    /// No answer came: a later try may succeed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The protection of a resource: who issues tokens for it, and which scopes it asks for.
#[derive(Debug)]
pub(crate) struct Protection {
    /// The identifier of the resource, which is sent as `resource` (RFC 8707): as its metadata have
    /// it, or the address that was asked.
    pub(crate) resource: String,
    /// The authorization servers, in the order in which they are tried.
    pub(crate) servers: Vec<Address>,
    /// The scopes that the challenge asks for, else those of the metadata.
    pub(crate) scopes: Option<String>,
    /// Whether the resource answered with 401 to a request without a token.
    pub(crate) refuses_strangers: bool,
    /// Whether the challenge came in answer to a POST, and not to a GET.
    pub(crate) challenges_post: bool,
    /// What was found in place of metadata, if the resource has none and is taken for its own
    /// authorization server.
    pub(crate) oddity: Option<Box<Error>>,
}

/// The answer of a resource to a request without a token.
struct Probe {
    answer: Answer,
    /// Whether the request was a POST.
    is_post: bool,
}

/// Asks `asked` what protects it.
pub(crate) fn find(
    asked: &Address,
    trusted_certificates: Option<&str>,
) -> Result<Protection, Error> {
    let Probe { answer: probe, is_post } = probe(asked, trusted_certificates)?;
    let challenge = probe.challenge.as_deref().and_then(challenge::bearer).unwrap_or_default();
    let reach = probe.reach;
    let (mut failures, mut oddity) = (Vec::new(), None);
    let named = named_in(&challenge, asked);
    for place in places(asked, named.as_ref(), reach) {
        match metadata_at(&place, asked, trusted_certificates) {
            // The resource says that they are there: what other places say may be about another one.
            Err(error @ (Error::Trouble { .. } | Error::Fault(_)))
                if named.as_ref() == Some(place.url()) =>
            {
                return Err(error);
            }
            Ok(Some(found)) => return Ok(found.asked_by(challenge, probe.status, is_post)),
            Ok(None) => {}
            Err(error @ Error::NoMetadata { .. }) => oddity = oddity.or(Some(error)),
            Err(error) => failures.push(error),
        }
    }
    if let Some(told) = failures.into_iter().min_by_key(weight) {
        return Err(told);
    }
    let told = || asked.to_string();
    match probe.status {
        // A server from before RFC 9728 is its own authorization server.
        401 => Ok(Protection {
            resource: asked.url().as_str().to_owned(),
            servers: origin(asked).map(|own| own.within(reach)).into_iter().collect(),
            scopes: challenge.scope,
            refuses_strangers: true,
            challenges_post: is_post,
            oddity: oddity.map(Box::new),
        }),
        status if !matches!(status, 429 | 500..) && oddity.is_some() => {
            Err(oddity.expect("it is there"))
        }
        200..=299 => Err(Error::Unprotected { asked: told() }),
        status @ (429 | 500..) => Err(Error::Trouble { authority: asked.authority(), status }),
        status => Err(Error::NothingThere { asked: told(), status }),
    }
}

/// Asks `asked` without a token. What comes back is the answer with a challenge if there is one.
fn probe(asked: &Address, trusted_certificates: Option<&str>) -> Result<Probe, Fault> {
    let got = follow(asked, &|address| http::fetch_watched(address, trusted_certificates));
    let is_worth_a_post = match &got {
        Ok(answer) => {
            !is_challenged(answer) && matches!(answer.status, 200..=299 | 400..=428 | 430..=499)
        }
        // A stream of events that does not end.
        Err(Fault::Unanswered { .. } | Fault::Unreadable { .. }) => true,
        Err(
            Fault::NotSent { .. }
            | Fault::CertificateRefused { .. }
            | Fault::Setup { .. }
            | Fault::Forbidden { .. },
        ) => false,
    };
    if is_worth_a_post {
        let posted = follow(asked, &|address| mcp::begin_watched(address, trusted_certificates));
        if let Ok(answer) = posted
            && is_challenged(&answer)
        {
            return Ok(Probe { answer, is_post: true });
        }
    }
    got.map(|answer| Probe { answer, is_post: false })
}

/// The request without a token that a resource challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Challenged {
    Get,
    Post,
    /// Neither: strangers get the same answers as everybody.
    Nothing,
}

/// Asks `asked` without a token which request it challenges now.
pub(super) fn challenged(
    asked: &Address,
    trusted_certificates: Option<&str>,
) -> Result<Challenged, Fault> {
    let Probe { answer, is_post } = probe(asked, trusted_certificates)?;
    Ok(match (is_challenged(&answer), is_post) {
        (true, true) => Challenged::Post,
        (true, false) => Challenged::Get,
        (false, _) => Challenged::Nothing,
    })
}

fn is_challenged(answer: &Answer) -> bool {
    answer.status == 401
        || answer.challenge.as_deref().is_some_and(|text| challenge::bearer(text).is_some())
}

/// Returns the order in which failures are told.
fn weight(error: &Error) -> u8 {
    match error {
        Error::ForeignResource { .. } => 0,
        Error::NoServer { .. } | Error::UnusableServer { .. } | Error::NoMetadata { .. } => 1,
        Error::Fault(_) => 2,
        Error::Trouble { .. } | Error::Unprotected { .. } | Error::NothingThere { .. } => 3,
    }
}

/// Returns the address of the metadata that the challenge of `asked` names, if it does.
fn named_in(challenge: &Bearer, asked: &Address) -> Option<Url> {
    asked.url().join(challenge.resource_metadata.as_deref()?).ok()
}

/// Returns the addresses at which the metadata may be: `named` in the challenge, then with the
/// well-known part before the path (RFC 9728 §3.1), then at the root.
fn places(asked: &Address, named: Option<&Url>, reach: Reach) -> Vec<Address> {
    let own = |path: &str, query: Option<&str>| {
        let mut url = asked.url().clone();
        url.set_path(&format!("{WELL_KNOWN}{path}"));
        url.set_query(query);
        url.set_fragment(None);
        url
    };
    let path = asked.url().path().trim_end_matches('/');
    let mut urls: Vec<Url> = named.into_iter().cloned().collect();
    urls.push(own(path, asked.url().query()));
    urls.push(own("", None));
    urls.dedup();
    let address = |url: Url| url.as_str().parse::<Address>().ok();
    urls.into_iter().filter_map(address).map(|address| address.within(reach)).collect()
}

/// Reads the metadata at `place`; `None` if there is nothing. Fails with [`Error::NoMetadata`] if
/// there is something else.
fn metadata_at(
    place: &Address,
    asked: &Address,
    trusted_certificates: Option<&str>,
) -> Result<Option<Protection>, Error> {
    let answer = follow(place, &|address| http::fetch_watched(address, trusted_certificates))?;
    match answer.status {
        200..=299 => match read(&answer.body, asked, place.reach().min(answer.reach))? {
            Some(found) => Ok(Some(found)),
            None => Err(no_metadata(place, without_resource(&answer.body).to_owned())),
        },
        300..=399 => {
            let to = answer.location.as_deref().map(printable).unwrap_or_default();
            Err(no_metadata(place, format!("a redirect to `{to}`, which is not followed")))
        }
        status @ (429 | 500..) => Err(Error::Trouble { authority: answer.authority, status }),
        _ => Ok(None),
    }
}

fn no_metadata(place: &Address, what: String) -> Error {
    Error::NoMetadata { place: place.to_string(), what }
}

/// Returns what `document`, which [`read`] took for no metadata, is.
fn without_resource(document: &[u8]) -> &'static str {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    match serde_json::from_slice(document) {
        Ok(Value::Object(_)) => "JSON that has no `resource`",
        Ok(_) => "JSON that is no object",
        Err(_) => "something that is not JSON",
    }
}

/// Reads the metadata of `asked`, which a server of the network `reach` sent; `None` if `document` is
/// no such metadata.
pub(crate) fn read(
    document: &[u8],
    asked: &Address,
    reach: Reach,
) -> Result<Option<Protection>, Error> {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    let Ok(Value::Object(fields)) = serde_json::from_slice(document) else { return Ok(None) };
    let Some(resource) = fields.get("resource").and_then(Value::as_str) else { return Ok(None) };
    let is_own = Url::parse(resource).is_ok_and(|url| covers(&url, asked.url()));
    if !is_own {
        let (asked, named) = (asked.to_string(), printable(resource));
        return Err(Error::ForeignResource { asked, named });
    }
    let servers: Vec<Address> = texts(fields.get("authorization_servers"))
        .filter_map(|text| text.parse::<Address>().ok())
        .filter(|server| server.url().query().is_none() && server.url().fragment().is_none())
        .map(|server| server.within(reach))
        .take(MOST_SERVERS)
        .collect();
    if servers.is_empty() {
        return Err(no_server(asked, texts(fields.get("authorization_servers")).next()));
    }
    let scopes: Vec<&str> = texts(fields.get("scopes_supported")).collect();
    let scopes = (!scopes.is_empty()).then(|| scopes.join(" "));
    let (refuses_strangers, challenges_post) = (false, false);
    let resource = resource.to_owned();
    let oddity = None;
    Ok(Some(Protection { resource, servers, scopes, refuses_strangers, challenges_post, oddity }))
}

/// Returns the error for metadata whose first authorization server, if there is one, is `named` and
/// may not be asked.
fn no_server(asked: &Address, named: Option<&str>) -> Error {
    let asked = asked.to_string();
    let Some(named) = named else { return Error::NoServer { asked } };
    let reason = match named.parse::<Address>() {
        Ok(_) => "it has a query or a fragment".to_owned(),
        Err(AddressError::Malformed(_)) => "it is not a web address".to_owned(),
        Err(AddressError::NotEncrypted(_)) => "it is neither https nor http on loopback".to_owned(),
        Err(error @ (AddressError::UserInfo | AddressError::Secret(_))) => error.to_string(),
    };
    let named = named.parse::<Url>().map_or_else(|_| printable(named), told);
    Error::UnusableServer { asked, named, reason }
}

/// Returns `url` without what may be secret in it.
fn told(mut url: Url) -> String {
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    printable(url.as_str())
}

/// Returns the texts of a list, or the one text in its place.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list: &[Value] = match value {
        Some(Value::Array(list)) => list,
        Some(text @ Value::String(_)) => std::slice::from_ref(text),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

impl Protection {
    /// Returns what is known of `asked` where its own metadata say nothing of use, and a person says
    /// which server protects it.
    pub(crate) fn unpublished(asked: &Address) -> Self {
        Self {
            resource: asked.url().as_str().to_owned(),
            servers: Vec::new(),
            scopes: None,
            refuses_strangers: false,
            challenges_post: false,
            oddity: None,
        }
    }

    /// Returns this with the scopes of the challenge, which come before those of the metadata.
    fn asked_by(self, challenge: Bearer, status: u16, challenges_post: bool) -> Self {
        let (scopes, refuses_strangers) = (challenge.scope.or(self.scopes), status == 401);
        Self { scopes, refuses_strangers, challenges_post, ..self }
    }
}

fn origin(asked: &Address) -> Option<Address> {
    asked.url().origin().ascii_serialization().parse().ok()
}

/// Fetches `address`, and follows redirects within its origin. One that leads elsewhere, or on and
/// on, is the answer itself.
fn follow(
    address: &Address,
    fetch: &dyn Fn(&Address) -> Result<Answer, Fault>,
) -> Result<Answer, Fault> {
    let mut address = address.clone();
    let mut answer = fetch(&address)?;
    for _ in 0..MAX_REDIRECTS {
        let location = answer.location.as_deref().filter(|_| (300..=399).contains(&answer.status));
        let next = location.and_then(|location| address.url().join(location).ok());
        let Some(next) = next.filter(|next| next.origin() == address.url().origin()) else {
            break;
        };
        let Ok(next) = next.as_str().parse::<Address>() else { break };
        address = next.within(address.reach());
        answer = fetch(&address)?;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Address {
        "https://mcp.example/a/mcp?x=1".parse().unwrap()
    }

    fn found(document: &str) -> Result<Option<Protection>, Error> {
        read(document.as_bytes(), &asked(), Reach::Public)
    }

    #[test]
    fn the_metadata_are_looked_for_where_the_challenge_says_and_at_two_places_more() {
        let challenge = Bearer { resource_metadata: Some("/meta".into()), ..Bearer::default() };
        let named = named_in(&challenge, &asked());
        let places = places(&asked(), named.as_ref(), Reach::Public);
        let texts: Vec<&str> = places.iter().map(Address::as_str).collect();
        assert_eq!(
            texts,
            [
                "https://mcp.example/meta",
                "https://mcp.example/.well-known/oauth-protected-resource/a/mcp?x=1",
                "https://mcp.example/.well-known/oauth-protected-resource",
            ]
        );
        assert!(places.iter().all(|place| place.reach() == Reach::Public));
    }

    #[test]
    fn metadata_of_another_resource_are_refused() {
        let servers = "\"authorization_servers\":[\"https://id.example\"]";
        for own in ["https://mcp.example", "https://mcp.example/a", "https://mcp.example/a/mcp/"] {
            let found = found(&format!("{{\"resource\":\"{own}\",{servers}}}")).unwrap().unwrap();
            assert_eq!((found.resource.as_str(), found.servers.len()), (own, 1));
        }
        for other in [
            "https://mcp.example/a/m",
            "https://mcp.example/b",
            "https://mcp.example:8443",
            "https://evil.example/a/mcp",
            "http://mcp.example/a/mcp",
            "mcp.example",
            "",
        ] {
            let found = found(&format!("{{\"resource\":\"{other}\",{servers}}}"));
            assert!(matches!(found, Err(Error::ForeignResource { .. })), "{other}");
        }
        for none in ["", "[]", "{}", "<html>", "{\"resource\":7}"] {
            assert!(matches!(found(none), Ok(None)), "{none}");
        }
    }

    #[test]
    fn only_servers_that_can_be_asked_count() {
        let servers =
            r#"["http://id.example","ftp://x","https://a:b@c.example","https://q.example?x",7]"#;
        let with = |servers: &str| {
            found(&format!(
                "{{\"resource\":\"https://mcp.example\",\"authorization_servers\":{servers}}}"
            ))
        };
        assert!(matches!(with(servers), Err(Error::UnusableServer { .. })));
        assert!(matches!(with("[7]"), Err(Error::NoServer { .. })));
        assert!(matches!(with("[]"), Err(Error::NoServer { .. })));
        let one = with("\"https://id.example\"").unwrap().unwrap();
        assert_eq!(one.servers[0].reach(), Reach::Public);
    }
}
