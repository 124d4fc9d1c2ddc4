//! What a well-behaved client sends, rule by rule. A broken rule is an `Err` that names it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::extra_params::ExtraParams;
use super::families::Families;
use super::service_account;
use super::signing_client::SigningClient;
use crate::http::Request;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(super) type Params = BTreeMap<String, String>;

/// The client as it is registered: who it is, how it proves that, where answers may go.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    provider: String,
    id: String,
    auth: ClientAuth,
    /// A secret that is taken in the body as well, while the client's is being replaced.
    next_secret: Option<String>,
    /// A key that is taken as well, while the client's is being replaced.
    next_key: Option<SigningClient>,
    redirect: Redirect,
    /// Whether its authorization requests have a code challenge.
    challenges: bool,
    /// Whether its token requests are JSON.
    json: bool,
    /// What it sends beside the parameters of the standards.
    extra: ExtraParams,
    /// Whether its refreshes name the redirect URI.
    refresh_redirect: bool,
}

#[derive(Debug, Clone)]
enum ClientAuth {
    None,
    Basic(String),
    Post(String),
    Key(SigningClient),
    /// The secret in either place, at a server that does not decode the header.
    Undecoded(String),
}

#[derive(Debug, Clone)]
enum Redirect {
    /// Any port of 127.0.0.1, this path (RFC 8252 §7.3).
    AnyPort(String),
    Exactly(String),
}

impl Client {
    /// A public client of the provider `acme`.
    pub(crate) fn public() -> Self {
        Self {
            provider: "acme".to_owned(),
            id: "tokctl-made-up".to_owned(),
            auth: ClientAuth::None,
            next_secret: None,
            next_key: None,
            redirect: Redirect::AnyPort("/callback/acme".to_owned()),
            challenges: true,
            json: false,
            extra: ExtraParams::default(),
            refresh_redirect: false,
        }
    }

    /// The same under another name of the provider.
    pub(crate) fn of(mut self, provider: &str) -> Self {
        provider.clone_into(&mut self.provider);
        self.redirect = Redirect::AnyPort(format!("/callback/{provider}"));
        self
    }

    /// A client that sends its secret in the `Authorization` header.
    pub(crate) fn with_basic_secret(mut self, secret: &str) -> Self {
        self.auth = ClientAuth::Basic(secret.to_owned());
        self
    }

    /// A client that sends its secret in the body.
    pub(crate) fn with_post_secret(mut self, secret: &str) -> Self {
        self.auth = ClientAuth::Post(secret.to_owned());
        self
    }

    /// A client that proves itself with what its key signs.
    pub(crate) fn with_key(mut self, key: &SigningClient) -> Self {
        self.auth = ClientAuth::Key(key.clone());
        self
    }

    /// A client that leaves the place of its secret to what helps, at a server that takes the header
    /// as it is: one in which something was encoded is a wrong one.
    pub(crate) fn with_undecoded_secret(mut self, secret: &str) -> Self {
        self.auth = ClientAuth::Undecoded(secret.to_owned());
        self
    }

    /// Whether the server refuses this request in order, since it does not decode its header.
    pub(super) fn refuses_header(&self, request: &Request) -> bool {
        matches!(&self.auth, ClientAuth::Undecoded(_)) && request.header("authorization").is_some()
    }

    /// A client that has a second secret besides.
    pub(crate) fn or_post_secret(mut self, secret: &str) -> Self {
        self.next_secret = Some(secret.to_owned());
        self
    }

    /// A client that has a second key besides.
    pub(crate) fn or_key(mut self, key: &SigningClient) -> Self {
        self.next_key = Some(key.clone());
        self
    }

    /// A client with this one redirect URI.
    pub(crate) fn redirected_to(mut self, uri: &str) -> Self {
        self.redirect = Redirect::Exactly(uri.to_owned());
        self
    }

    /// A client that sends no code challenge.
    pub(crate) fn without_challenge(mut self) -> Self {
        self.challenges = false;
        self
    }

    /// A client that asks for tokens in JSON.
    pub(crate) fn in_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// A client that sends this parameter in requests of this grant type (or `authorize`, or
    /// `device`), and nowhere else.
    pub(crate) fn sending(
        mut self,
        request: &'static str,
        name: &'static str,
        value: &'static str,
    ) -> Self {
        self.extra.add(request, name, value);
        self
    }

    /// A client that names its redirect URI in refreshes too.
    pub(crate) fn refreshing_with_redirect(mut self) -> Self {
        self.refresh_redirect = true;
        self
    }

    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn auth_method(&self) -> &'static str {
        match self.auth {
            ClientAuth::None => "none",
            ClientAuth::Basic(_) => "client_secret_basic",
            ClientAuth::Post(_) => "client_secret_post",
            ClientAuth::Key(_) => "private_key_jwt",
            ClientAuth::Undecoded(_) => "",
        }
    }

    /// Checks the client's proof in a form post (RFC 6749 §2.3.1).
    fn check_proof(&self, request: &Request, form: &Params) -> Result<(), String> {
        let header = request.header("authorization");
        let (expected_header, expected_secret) = match &self.auth {
            ClientAuth::None => (None, None),
            ClientAuth::Key(key) => {
                let next = self.next_key.as_ref();
                let is_next = next.is_some_and(|next| next.check(request, form, &self.id).is_ok());
                if !is_next {
                    key.check(request, form, &self.id)?;
                }
                (None, None)
            }
            ClientAuth::Post(secret) => (None, Some(secret)),
            ClientAuth::Undecoded(secret) if header.is_none() => (None, Some(secret)),
            ClientAuth::Basic(secret) | ClientAuth::Undecoded(secret) => {
                (Some(basic_credentials(&self.id, secret)), None)
            }
        };
        equal("the Authorization header", header, expected_header.as_deref())?;
        let secret = form.get("client_secret");
        if secret.is_none() || secret != self.next_secret.as_ref() {
            equal("client_secret", secret, expected_secret)?;
        }
        match form.get("client_id") {
            None if expected_header.is_some() => Ok(()),
            id => equal("client_id", id, Some(&self.id)),
        }
    }

    fn check_redirect(&self, uri: &str) -> Result<(), String> {
        match &self.redirect {
            Redirect::Exactly(registered) => equal("redirect_uri", uri, registered),
            Redirect::AnyPort(path) => {
                let url = Url::parse(uri).map_err(|error| format!("redirect_uri: {error}"))?;
                let port = url.port().ok_or("redirect_uri without a port")?;
                equal("redirect_uri", uri, &format!("http://127.0.0.1:{port}{path}"))
            }
        }
    }
}

/// An authorization request that was in order.
#[derive(Debug, Clone)]
pub(crate) struct Authorization(Params);

impl Authorization {
    /// A parameter of it.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Where its answer goes.
    pub(super) fn redirect_uri(&self) -> Url {
        let uri = self.param("redirect_uri").unwrap_or_default();
        Url::parse(uri).expect("a redirect URI that was checked")
    }
}

/// A token request that was in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenRequest {
    /// The authorization code grant (RFC 6749 §4.1.3).
    Code { code: String, redirect_uri: String, code_verifier: Option<String> },
    /// The refresh grant (RFC 6749 §6).
    Refresh { refresh_token: String },
    /// Facebook's grant in place of a refresh: a token for one that lives longer.
    Exchange { access_token: String },
    /// The device authorization grant (RFC 8628 §3.4).
    Device { device_code: String },
    /// The client credentials grant (RFC 6749 §4.4.2).
    ClientCredentials { scope: Option<String> },
    /// An assertion that the made-up service account signed (RFC 7523 §2.1): header and claims,
    /// without the times.
    JwtBearer { header: Value, claims: Value },
}

impl TokenRequest {
    /// A refresh with this token, to compare with.
    pub(crate) fn refresh(refresh_token: &str) -> Self {
        Self::Refresh { refresh_token: refresh_token.to_owned() }
    }

    /// Redeems the code of a code grant and checks what is bound to it; the code names the family.
    pub(super) fn redeem(&self, families: &mut Families) -> Result<String, String> {
        let Self::Code { code, redirect_uri, code_verifier } = self else {
            return Err("no code to redeem".to_owned());
        };
        let authorization = families
            .redeem(code)
            .ok_or_else(|| format!("{code} was never issued, or was used before"))?;
        let asked = authorization.param("redirect_uri");
        equal("redirect_uri", Some(redirect_uri.as_str()), asked)?;
        let challenge = code_verifier
            .as_ref()
            .map(|verifier| BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes())));
        equal(
            "the code verifier's challenge",
            challenge.as_deref(),
            authorization.param("code_challenge"),
        )?;
        Ok(code.clone())
    }
}

/// A revocation that was in order (RFC 7009 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    token: String,
    hint: Option<String>,
}

impl Revocation {
    /// The revocation of this refresh token, to compare with.
    pub(crate) fn of_refresh_token(token: &str) -> Self {
        Self { token: token.to_owned(), hint: Some("refresh_token".to_owned()) }
    }

    /// The revocation of this access token, to compare with.
    pub(crate) fn of_access_token(token: &str) -> Self {
        Self { token: token.to_owned(), hint: Some("access_token".to_owned()) }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

/// Every request: the right host, no cookies, no secret in the address.
pub(super) fn head(request: &Request, address: SocketAddr) -> Result<(), String> {
    equal("Host", request.header("host"), Some(address.to_string().as_str()))?;
    if request.header("cookie").is_some() {
        return Err("a cookie".to_owned());
    }
    for marker in ["access-", "refresh-", "code-", "device-", "client_secret"] {
        if request.target.contains(marker) {
            return Err(format!("`{marker}` in the address"));
        }
    }
    Ok(())
}

/// An authorization request with PKCE and state (RFC 6749 §4.1.1, RFC 7636 §4.3).
pub(super) fn authorization(request: &Request, client: &Client) -> Result<Authorization, String> {
    equal("the method", request.method.as_str(), "GET")?;
    let mut sent = pairs(request.query().unwrap_or_default().as_bytes());
    client.extra.take("authorize", &mut sent)?;
    authorization_of(unrepeated(sent)?, client)
}

/// The reference with which a browser comes after its request was pushed (RFC 9126 §4).
pub(super) fn reference(request: &Request, client: &Client) -> Result<Option<String>, String> {
    let sent = pairs(request.query().unwrap_or_default().as_bytes());
    let Some((_, reference)) = sent.iter().find(|(name, _)| name == "request_uri") else {
        return Ok(None);
    };
    let expected = [("client_id", client.id()), ("request_uri", reference.as_str())];
    if sent.iter().map(|(name, value)| (&**name, &**value)).ne(expected) {
        return Err(format!("beside a request_uri comes {sent:?}"));
    }
    Ok(Some(reference.clone()))
}

/// A pushed authorization request (RFC 9126 §2.1) by a client that proves itself.
pub(super) fn pushed(request: &Request, client: &Client) -> Result<Authorization, String> {
    let mut sent = form(request)?;
    client.extra.take("authorize", &mut sent)?;
    let mut params = unrepeated(sent)?;
    client.check_proof(request, &params)?;
    params.retain(|name, _| !name.starts_with("client_assertion") && name != "client_secret");
    authorization_of(params, client)
}

fn authorization_of(params: Params, client: &Client) -> Result<Authorization, String> {
    let param = |name: &str| params.get(name).map(String::as_str);
    equal("response_type", param("response_type"), Some("code"))?;
    equal("client_id", param("client_id"), Some(client.id()))?;
    client.check_redirect(param("redirect_uri").ok_or("no redirect_uri")?)?;
    let method = client.challenges.then_some("S256");
    equal("code_challenge_method", param("code_challenge_method"), method)?;
    let challenge = param("code_challenge").unwrap_or_default();
    if !client.challenges {
        equal("code_challenge", challenge, "")?;
    } else if BASE64URL_NOPAD.decode(challenge.as_bytes()).map(|hash| hash.len()) != Ok(32) {
        return Err(format!("code_challenge `{challenge}` is no SHA-256"));
    }
    // 128 bits take 22 characters of the largest alphabet that every provider hands back whole.
    let state = param("state").unwrap_or_default();
    if state.len() < 22 || !state.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("state `{state}` is short, or not letters and digits"));
    }
    // OpenID Connect Core 1.0 §3.1.2.1: a parameter of requests for an ID token, and of no others.
    let asks_for_id_token = param("scope").is_some_and(|scope| scope.split(' ').any(is_openid));
    match param("nonce") {
        Some(nonce) if asks_for_id_token && nonce.len() >= 22 => {}
        None if !asks_for_id_token => {}
        nonce => return Err(format!("nonce {nonce:?} with the scope {:?}", param("scope"))),
    }
    Ok(Authorization(params))
}

fn is_openid(scope: &str) -> bool {
    scope == "openid"
}

/// A token request by a client that proves itself as it is registered.
pub(super) fn token_request(request: &Request, client: &Client) -> Result<TokenRequest, String> {
    let mut sent = if client.json { json(request)? } else { form(request)? };
    let grant_type = sent.iter().find(|(name, _)| name == "grant_type").map(|(_, grant)| grant);
    let grant_type = grant_type.ok_or("no grant_type")?.clone();
    client.extra.take(&grant_type, &mut sent)?;
    let form = unrepeated(sent)?;
    let accept = request.header("accept").unwrap_or_default();
    if !accept.contains("application/json") {
        return Err(format!("Accept is `{accept}`"));
    }
    if grant_type == JWT_BEARER {
        return service_account::token_request(request, &form);
    }
    client.check_proof(request, &form)?;
    let field = |name: &str| form.get(name).cloned().ok_or(format!("no {name}"));
    match grant_type.as_str() {
        "authorization_code" => {
            nothing_but(&form, &["code", "redirect_uri", "code_verifier"])?;
            Ok(TokenRequest::Code {
                code: field("code")?,
                redirect_uri: field("redirect_uri")?,
                code_verifier: form.get("code_verifier").cloned(),
            })
        }
        "fb_exchange_token" => {
            nothing_but(&form, &["fb_exchange_token"])?;
            Ok(TokenRequest::Exchange { access_token: field("fb_exchange_token")? })
        }
        "refresh_token" => {
            nothing_but(&form, &["refresh_token", "redirect_uri"])?;
            match form.get("redirect_uri") {
                Some(uri) if client.refresh_redirect => client.check_redirect(uri)?,
                uri => equal("redirect_uri in a refresh", uri.is_some(), client.refresh_redirect)?,
            }
            Ok(TokenRequest::refresh(&field("refresh_token")?))
        }
        "client_credentials" => {
            nothing_but(&form, &["scope"])?;
            Ok(TokenRequest::ClientCredentials { scope: form.get("scope").cloned() })
        }
        "urn:ietf:params:oauth:grant-type:device_code" => {
            nothing_but(&form, &["device_code"])?;
            Ok(TokenRequest::Device { device_code: field("device_code")? })
        }
        other => Err(format!("grant_type `{other}`")),
    }
}

/// A request for a device's code (RFC 8628 §3.1); gives the scopes that it asks for.
pub(super) fn device_authorization(request: &Request, client: &Client) -> Result<String, String> {
    let mut sent = form(request)?;
    client.extra.take("device", &mut sent)?;
    let form = unrepeated(sent)?;
    client.check_proof(request, &form)?;
    nothing_but(&form, &["scope"])?;
    Ok(form.get("scope").cloned().unwrap_or_default())
}

/// No field beside these and those that every token request may have.
fn nothing_but(form: &Params, fields: &[&str]) -> Result<(), String> {
    let usual =
        ["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type"];
    let stray = form
        .keys()
        .find(|name| !usual.contains(&name.as_str()) && !fields.contains(&name.as_str()));
    stray.map_or(Ok(()), |name| Err(format!("a `{name}`, which was not expected")))
}

/// A revocation by a client that proves itself as it is registered.
pub(super) fn revocation(request: &Request, client: &Client) -> Result<Revocation, String> {
    let form = unrepeated(form(request)?)?;
    client.check_proof(request, &form)?;
    Ok(Revocation {
        token: form.get("token").cloned().ok_or("no token")?,
        hint: form.get("token_type_hint").cloned(),
    })
}

/// The fields of a JSON post, each a text or a list of texts.
fn json(request: &Request) -> Result<Vec<(String, String)>, String> {
    equal("the method", request.method.as_str(), "POST")?;
    equal("the query", request.query(), None)?;
    equal("the content type", request.header("content-type"), Some("application/json"))?;
    let object: BTreeMap<String, Value> =
        serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    let mut pairs = Vec::new();
    for (name, value) in object {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value]);
        for value in values {
            let text = value.as_str().ok_or_else(|| format!("{name} is no text"))?;
            pairs.push((name.clone(), text.to_owned()));
        }
    }
    Ok(pairs)
}

/// The fields of a form post.
fn form(request: &Request) -> Result<Vec<(String, String)>, String> {
    equal("the method", request.method.as_str(), "POST")?;
    equal("the query", request.query(), None)?;
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    equal("the content type", media_type, "application/x-www-form-urlencoded")?;
    Ok(pairs(&request.body))
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// Parameters, each of which may come once (RFC 6749 §3.1).
fn unrepeated(sent: Vec<(String, String)>) -> Result<Params, String> {
    let mut params = Params::new();
    for (name, value) in sent {
        if params.insert(name.clone(), value).is_some() {
            return Err(format!("{name} comes twice"));
        }
    }
    Ok(params)
}

/// Id and secret, each form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic_credentials(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

fn equal<T: PartialEq + std::fmt::Debug + Copy>(
    what: &str,
    sent: T,
    expected: T,
) -> Result<(), String> {
    if sent == expected {
        Ok(())
    } else {
        Err(format!("{what} is {sent:?}, where {expected:?} was expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(headers: &[(&str, &str)], body: &str) -> Request {
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let accept = ("Accept", "application/json");
        let headers = [form, accept].into_iter().chain(headers.iter().copied());
        Request {
            method: "POST".to_owned(),
            target: "/token".to_owned(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).collect(),
            body: body.into(),
        }
    }

    const REFRESH: &str = "grant_type=refresh_token&refresh_token=refresh-1";

    fn public(body: &str) -> Result<TokenRequest, String> {
        token_request(&post(&[], body), &Client::public())
    }

    #[test]
    fn a_refresh_in_order_is_understood() {
        let body = format!("{REFRESH}&client_id=tokctl-made-up");
        assert_eq!(public(&body), Ok(TokenRequest::refresh("refresh-1")));
    }

    #[test]
    fn a_client_that_proves_itself_otherwise_than_registered_is_refused() {
        for (body, fault) in [
            (REFRESH.to_owned(), "client_id"),
            (format!("{REFRESH}&client_id=other"), "client_id"),
            (format!("{REFRESH}&client_id=tokctl-made-up&client_secret=x"), "client_secret"),
            (format!("{REFRESH}&client_id=tokctl-made-up&client_id=x"), "twice"),
        ] {
            assert!(public(&body).unwrap_err().contains(fault), "{body}");
        }
        let basic = Client::public().with_basic_secret("a+b/c d");
        // printf 'tokctl-made-up:a%2Bb%2Fc+d' | base64
        let right = ("Authorization", "Basic dG9rY3RsLW1hZGUtdXA6YSUyQmIlMkZjK2Q=");
        assert!(token_request(&post(&[right], REFRESH), &basic).is_ok());
        let wrong = ("Authorization", "Basic dG9rY3RsLW1hZGUtdXA6YStiL2MgZA==");
        assert!(token_request(&post(&[wrong], REFRESH), &basic).is_err());
    }

    #[test]
    fn a_request_of_another_shape_is_refused() {
        let mut request = post(&[], REFRESH);
        request.target = "/token?refresh_token=refresh-1".to_owned();
        assert!(token_request(&request, &Client::public()).is_err());
        let mut request = post(&[], "{}");
        request.headers[0].1 = "application/json".to_owned();
        assert!(token_request(&request, &Client::public()).is_err());
        let mut request = post(&[], &format!("{REFRESH}&client_id=tokctl-made-up"));
        request.headers.remove(1);
        assert!(token_request(&request, &Client::public()).unwrap_err().contains("Accept"));
    }

    #[test]
    fn an_authorization_request_without_its_safeguards_is_refused() {
        let whole = [
            ("response_type", "code"),
            ("client_id", "tokctl-made-up"),
            ("redirect_uri", "http://127.0.0.1:4711/callback/acme"),
            ("state", "0123456789abcdefghijklmnop"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        let ask = |params: &[(&str, &str)]| {
            let query =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
            let mut request = post(&[], "");
            request.method = "GET".to_owned();
            request.target = format!("/authorize?{query}");
            authorization(&request, &Client::public())
        };
        assert!(ask(&whole).is_ok());
        for left_out in 0..whole.len() {
            let mut params = whole.to_vec();
            params.remove(left_out);
            assert!(ask(&params).is_err(), "without {}", whole[left_out].0);
        }
        for (name, value) in [
            ("redirect_uri", "http://localhost:4711/callback/acme"),
            ("redirect_uri", "http://127.0.0.1:4711/callback/other"),
            ("state", "short"),
            ("code_challenge_method", "plain"),
            ("code_challenge", "dBjftJeZ4CVP"),
        ] {
            let mut params = whole.to_vec();
            params.retain(|(kept, _)| *kept != name);
            params.push((name, value));
            assert!(ask(&params).is_err(), "{name}={value}");
        }
    }
}
