//! A protected resource with its authorization server on the loopback, for logins by address: RFC
//! 9728, 8414, 7591, 7592, 8707.
//!
//! It knows only clients that registered here, binds every token to the resource, and takes a redirect
//! URI only as it was registered. What breaks a rule fails the test when the server goes out of scope.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::http::{Request, Response};

/// The grant type of RFC 8628 §3.4.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

type Params = BTreeMap<String, String>;

/// The running server. Goes down, and holds the test to account, when dropped.
pub(crate) struct RegisteringServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    is_closing: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the server is, knows, and was asked.
pub(crate) struct State {
    origin: String,
    /// The identifier of the resource, which every request has to name.
    pub(crate) resource: String,
    /// The challenge of the resource; `None` for none.
    pub(crate) challenge: Option<String>,
    /// Answers in place of the usual ones, by method and path.
    pub(crate) answers: BTreeMap<String, Response>,
    /// Fields of the metadata that are others than usual; `null` leaves one out.
    pub(crate) metadata: Map<String, Value>,
    /// Fields of a registration's answer that are others than usual.
    pub(crate) registration: Map<String, Value>,
    /// The answer of the resource to a token of its own.
    pub(crate) served: Response,
    /// Fields of a token answer that are others than usual.
    pub(crate) token: Map<String, Value>,
    /// How long an access token lives, in seconds.
    pub(crate) life: i64,
    /// Whether a client may ask only for the scopes that it was registered for.
    pub(crate) binds_scopes: bool,
    /// The error with which the browser comes back, in place of a code.
    pub(crate) refuses: Option<&'static str>,
    /// Whether each reading of a registration brings another token for it.
    pub(crate) renews_registrations: bool,
    registration_tokens: BTreeMap<String, String>,
    clients: BTreeMap<String, Client>,
    codes: BTreeMap<String, Code>,
    refresh_tokens: BTreeMap<String, String>,
    access_tokens: Vec<String>,
    issued: usize,
    registered: usize,
    /// Methods and paths of all requests, oldest first.
    pub(crate) log: Vec<String>,
    /// The scopes of the authorization requests, oldest first.
    pub(crate) scopes: Vec<String>,
    faults: Vec<String>,
}

#[derive(Clone)]
struct Client {
    /// Empty for a client whose logins go by a code.
    redirect_uri: String,
    /// The scopes that it was registered for.
    scopes: String,
    secret: Option<String>,
    method: String,
}

struct Code {
    client: String,
    redirect_uri: String,
    challenge: String,
}

impl RegisteringServer {
    /// A server with the resource at `/mcp`, whose challenge names the metadata.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port");
        let origin = format!("http://{address}");
        let resource = format!("{origin}/mcp");
        let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
        let state = Arc::new(Mutex::new(State {
            resource,
            challenge: Some(format!("Bearer resource_metadata=\"{metadata}\", scope=\"read\"")),
            answers: BTreeMap::new(),
            metadata: Map::new(),
            registration: Map::new(),
            served: Response::new(405, "text/plain", "POST, please"),
            token: Map::new(),
            life: 3600,
            binds_scopes: false,
            refuses: None,
            renews_registrations: false,
            registration_tokens: BTreeMap::new(),
            clients: BTreeMap::new(),
            codes: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            access_tokens: Vec::new(),
            issued: 0,
            registered: 0,
            log: Vec::new(),
            scopes: Vec::new(),
            faults: Vec::new(),
            origin,
        }));
        let is_closing = Arc::new(AtomicBool::new(false));
        let acceptor = thread::spawn({
            let (state, is_closing) = (Arc::clone(&state), Arc::clone(&is_closing));
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if is_closing.load(Ordering::SeqCst) {
                        return;
                    }
                    let state = Arc::clone(&state);
                    thread::spawn(move || serve(stream, &state));
                }
            }
        });
        Self { address, state, is_closing, acceptor: Some(acceptor) }
    }

    /// The address of `path` on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets the server have logins by a code on another device (RFC 8628).
    pub(crate) fn hands_out_codes(&self) {
        let endpoint = self.url("/device").into();
        self.state().metadata.insert("device_authorization_endpoint".into(), endpoint);
    }

    /// The name that tokctl makes of the host.
    pub(crate) const NAME: &'static str = "at-127-0-0-1";

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }

    /// How often a request with this method and path came.
    pub(crate) fn count(&self, request: &str) -> usize {
        self.state().log.iter().filter(|one| *one == request).count()
    }

    /// Lets the server answer `request`, a method and a path, so.
    pub(crate) fn answers(&self, request: &str, response: Response) {
        self.state().answers.insert(request.to_owned(), response);
    }

    /// Lets the server forget all its clients.
    pub(crate) fn forget_clients(&self) {
        self.state().clients.clear();
    }

    /// The ids of the clients that are registered now.
    pub(crate) fn clients(&self) -> Vec<String> {
        self.state().clients.keys().cloned().collect()
    }

    /// Lets a public client be known without a registration.
    pub(crate) fn knows(&self, id: &str, redirect_uri: &str) {
        self.insert(id, redirect_uri, None, "none");
    }

    /// Lets a client with a secret, which belongs into the form, be known without a registration.
    pub(crate) fn knows_with_secret(&self, id: &str, redirect_uri: &str, secret: &str) {
        self.insert(id, redirect_uri, Some(secret.into()), "client_secret_post");
    }

    fn insert(&self, id: &str, redirect_uri: &str, secret: Option<String>, method: &str) {
        let (redirect_uri, method, scopes) = (redirect_uri.into(), method.into(), String::new());
        let client = Client { redirect_uri, scopes, secret, method };
        self.state().clients.insert(id.into(), client);
    }
}

impl Drop for RegisteringServer {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let faults = std::mem::take(&mut self.state().faults);
        if thread::panicking() {
            eprintln!("the server complains: {faults:?}, after {:?}", self.state().log);
        } else {
            assert!(faults.is_empty(), "the server complains: {faults:?}");
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Ok(Some(request)) = Request::read(&mut stream) else { return };
    let response = state.lock().expect("the state").respond(&request);
    let _ = response.write(&mut stream);
}

fn not_found() -> Response {
    Response::new(404, "text/html", "<h1>Not found</h1>")
}

fn refusal(status: u16, error: &str) -> Response {
    Response::json(status, &json!({ "error": error }))
}

fn params(text: &str) -> Params {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

impl State {
    fn respond(&mut self, request: &Request) -> Response {
        let asked = format!("{} {}", request.method, request.path());
        self.log.push(asked.clone());
        if let Some(response) = self.answers.get(&asked) {
            return response.clone();
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let answered = match asked.as_str() {
            "GET /mcp" => self.resource(request),
            "POST /mcp" if body.contains("\"initialize\"") => self.resource(request),
            "GET /.well-known/oauth-protected-resource/mcp" => Ok(Response::json(
                200,
                &json!({
                    "resource": self.resource,
                    "authorization_servers": [self.origin],
                    "scopes_supported": ["read", "write"],
                }),
            )),
            "GET /.well-known/oauth-authorization-server" => {
                Ok(Response::json(200, &self.own_metadata()))
            }
            "POST /register" => self.register(request, &body),
            "GET /authorize" => self.authorize(&params(request.query().unwrap_or_default())),
            "POST /token" => self.token(request, &params(&body)),
            "POST /device" => self.device(&params(&body)),
            "POST /revoke" => Ok(Response::json(200, &json!({}))),
            _ if asked.starts_with("GET /register/") => self.registration(request),
            _ if asked.starts_with("DELETE /register/") => self.unregister(request),
            _ => Ok(not_found()),
        };
        answered.unwrap_or_else(|fault| {
            self.faults.push(format!("{asked}: {fault}"));
            Response::new(400, "text/plain", fault)
        })
    }

    fn own_metadata(&self) -> Value {
        let origin = &self.origin;
        let mut metadata = json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "registration_endpoint": format!("{origin}/register"),
            "revocation_endpoint": format!("{origin}/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            "authorization_response_iss_parameter_supported": true,
        });
        overlay(&mut metadata, &self.metadata);
        metadata
    }

    fn resource(&self, request: &Request) -> Result<Response, String> {
        match request.header("authorization") {
            None => {
                let refused = refusal(401, "unauthorized");
                Ok(match &self.challenge {
                    Some(challenge) => refused.with("WWW-Authenticate", challenge),
                    None => refused,
                })
            }
            Some(text) => match text.strip_prefix("Bearer ") {
                Some(token) if self.access_tokens.iter().any(|own| own == token) => {
                    Ok(self.served.clone())
                }
                _ => Err("a token that is not for this resource".into()),
            },
        }
    }

    fn register(&mut self, request: &Request, body: &str) -> Result<Response, String> {
        if request.header("authorization").is_some() {
            return Err("a registration carries no token".into());
        }
        let asked: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let by_code = asked["grant_types"] == json!([DEVICE_CODE, "refresh_token"])
            && asked["response_types"] == json!([]);
        let redirect_uri = match asked["redirect_uris"][0].as_str() {
            None if by_code => String::new(),
            redirect_uri => redirect_uri.ok_or("no redirect URI")?.to_owned(),
        };
        let method = asked["token_endpoint_auth_method"].as_str().ok_or("no method")?.to_owned();
        if asked["client_name"] != "tokctl" || asked["application_type"] != "native" {
            return Err(format!("a strange client: {asked}"));
        }
        self.registered += 1;
        let number = self.registered;
        let id = format!("client-{number}");
        let mut answer = asked;
        answer["client_id"] = id.as_str().into();
        answer["registration_access_token"] = format!("registration-{number}").into();
        answer["registration_client_uri"] = format!("{}/register/{id}", self.origin).into();
        overlay(&mut answer, &self.registration);
        let method = answer["token_endpoint_auth_method"].as_str().unwrap_or(&method).to_owned();
        let secret = (method != "none").then(|| format!("made-up-secret-{number}"));
        if let Some(secret) = &secret {
            answer["client_secret"] = secret.as_str().into();
            if answer["client_secret_expires_at"].is_null() {
                answer["client_secret_expires_at"] = 0.into();
            }
        }
        let scopes = answer["scope"].as_str().unwrap_or_default().to_owned();
        self.registration_tokens.insert(id.clone(), format!("registration-{number}"));
        self.clients.insert(id, Client { redirect_uri, scopes, secret, method });
        Ok(Response::json(201, &answer))
    }

    /// Returns the client that a request of RFC 7592 is about, with its token.
    fn registered_client(&self, request: &Request) -> Result<String, String> {
        let id = request.path().trim_start_matches("/register/").to_owned();
        let token = self.registration_tokens.get(&id).ok_or("a client that never was")?;
        if request.header("authorization") != Some(&format!("Bearer {token}")) {
            return Err("another token than the registration's".into());
        }
        Ok(id)
    }

    /// Shows a registration (RFC 7592 §2.1).
    fn registration(&mut self, request: &Request) -> Result<Response, String> {
        let id = self.registered_client(request)?;
        if !self.clients.contains_key(&id) {
            return Ok(Response::new(401, "text/plain", ""));
        }
        if self.renews_registrations {
            self.registration_tokens.entry(id.clone()).or_default().push('+');
        }
        let mut answer = json!({
            "client_id": id,
            "registration_client_uri": format!("{}/register/{id}", self.origin),
            "registration_access_token": self.registration_tokens[&id],
        });
        if let Some(secret) = &self.clients[&id].secret {
            answer["client_secret"] = secret.as_str().into();
        }
        Ok(Response::json(200, &answer))
    }

    fn unregister(&mut self, request: &Request) -> Result<Response, String> {
        let id = self.registered_client(request)?;
        // RFC 7592 §2.3 on a client that is not there any more.
        let known = self.clients.remove(&id).is_some();
        Ok(Response::new(if known { 204 } else { 401 }, "text/plain", ""))
    }

    /// What every request for a consent, a code or a token has to say.
    fn check_resource(&self, params: &Params) -> Result<(), String> {
        match params.get("resource") {
            Some(named) if *named == self.resource => Ok(()),
            other => Err(format!("the request names {other:?}, not {}", self.resource)),
        }
    }

    fn authorize(&mut self, params: &Params) -> Result<Response, String> {
        self.check_resource(params)?;
        let get = |name: &str| params.get(name).ok_or(format!("no {name}"));
        let (id, redirect_uri) = (get("client_id")?, get("redirect_uri")?);
        // A page, as servers show it to people: the browser does not come back.
        let Some(client) = self.clients.get(id) else {
            return Ok(Response::new(400, "text/html", "<h1>Unknown client</h1>"));
        };
        let is_registered = client.redirect_uri == *redirect_uri
            || Url::parse(redirect_uri).is_ok_and(|mut url| {
                url.set_port(None).is_ok() && url.as_str() == client.redirect_uri
            });
        if !is_registered || get("code_challenge_method")? != "S256" {
            return Err(format!("the redirect URI or the challenge is wrong: {params:?}"));
        }
        let mut answer = Url::parse(redirect_uri).map_err(|error| error.to_string())?;
        let scopes = params.get("scope").cloned().unwrap_or_default();
        let is_bound = |scope: &str| client.scopes.split(' ').any(|own| own == scope);
        let is_foreign = self.binds_scopes && !scopes.split(' ').all(is_bound);
        if let Some(error) = self.refuses.or(is_foreign.then_some("invalid_scope")) {
            answer
                .query_pairs_mut()
                .append_pair("error", error)
                .append_pair("state", get("state")?)
                .append_pair("iss", &self.origin);
            return Ok(Response::redirect(answer.as_str()));
        }
        self.scopes.push(scopes);
        let code = format!("code-{}", self.scopes.len());
        answer
            .query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", get("state")?)
            .append_pair("iss", &self.origin);
        let challenge = get("code_challenge")?.clone();
        let (client, redirect_uri) = (id.clone(), redirect_uri.clone());
        self.codes.insert(code, Code { client, redirect_uri, challenge });
        Ok(Response::redirect(answer.as_str()))
    }

    /// Hands out a code, which counts as entered at the first poll.
    fn device(&mut self, params: &Params) -> Result<Response, String> {
        self.check_resource(params)?;
        let id = params.get("client_id").ok_or("no client")?;
        let Some(client) = self.clients.get(id) else {
            return Ok(refusal(401, "invalid_client"));
        };
        if !client.redirect_uri.is_empty() {
            return Err(format!("{id} is no client for codes"));
        }
        self.scopes.push(params.get("scope").cloned().unwrap_or_default());
        let code = format!("device-{}", self.scopes.len());
        let (client, none) = (id.clone(), String::new());
        self.codes
            .insert(code.clone(), Code { client, redirect_uri: none.clone(), challenge: none });
        Ok(Response::json(
            200,
            &json!({
                "device_code": code, "user_code": "MADE-UPP", "interval": 0, "expires_in": 600,
                "verification_uri": format!("{}/enter", self.origin),
            }),
        ))
    }

    fn token(&mut self, request: &Request, params: &Params) -> Result<Response, String> {
        self.check_resource(params)?;
        let get = |name: &str| params.get(name).ok_or(format!("no {name}"));
        if request.header("authorization").is_some() {
            return Err("a secret in the head that belongs into the form".into());
        }
        let id = get("client_id")?.clone();
        let Some(client) = self.clients.get(&id).cloned() else {
            return Ok(refusal(401, "invalid_client"));
        };
        let shown = params.get("client_secret");
        if client.secret.as_ref() != shown || (client.method == "none") != shown.is_none() {
            return Err(format!("{id} does not show its secret as {}", client.method));
        }
        match get("grant_type")?.as_str() {
            "authorization_code" => {
                let code = self.codes.remove(get("code")?).ok_or("an unknown code")?;
                let proof = Sha256::digest(get("code_verifier")?.as_bytes());
                if code.client != id
                    || code.redirect_uri != *get("redirect_uri")?
                    || code.challenge != BASE64URL_NOPAD.encode(&proof)
                {
                    return Err("a code of another login".into());
                }
            }
            DEVICE_CODE => {
                let code = self.codes.remove(get("device_code")?).ok_or("an unknown code")?;
                if code.client != id {
                    return Err("a code of another login".into());
                }
            }
            "refresh_token" => {
                let owner = self.refresh_tokens.remove(get("refresh_token")?);
                if owner.ok_or("a spent refresh token")? != id {
                    return Err("a refresh token of another client".into());
                }
            }
            other => return Err(format!("the grant {other}")),
        }
        self.issued += 1;
        let (access, refresh) =
            (format!("access-{}", self.issued), format!("refresh-{}", self.issued));
        self.access_tokens.push(access.clone());
        self.refresh_tokens.insert(refresh.clone(), id);
        let mut answer = json!({
            "access_token": access, "refresh_token": refresh,
            "token_type": "Bearer", "expires_in": self.life,
        });
        overlay(&mut answer, &self.token);
        Ok(Response::json(200, &answer))
    }
}

fn overlay(document: &mut Value, over: &Map<String, Value>) {
    let fields = document.as_object_mut().expect("an object");
    for (name, value) in over {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
}
