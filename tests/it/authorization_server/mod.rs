//! A strict authorization server on the loopback (RFC 6749, 6750, 7009, 7636, 8414).
//!
//! Everything it will be asked has to be announced; a request that was not, or that breaks one of
//! the rules in `checks`, fails the test when the server goes out of scope. It keeps the families
//! of refresh tokens as a strict provider does: a spent one that comes back ends its family.

mod answer;
mod extra_params;
mod signing_client;
mod checks;
pub(crate) mod service_account;
mod families;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

pub(crate) use self::answer::{Answer, issue, lose, refuse, reply};
pub(crate) use self::checks::{Client, Revocation, TokenRequest};
pub(crate) use self::families::Families;
pub(crate) use self::signing_client::{Audience, SigningClient};
use crate::http::{Request, Response};

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(20);

/// The running server. Goes down, and holds the test to account, when dropped.
pub(crate) struct AuthorizationServer {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    client: Client,
    address: SocketAddr,
    closing: AtomicBool,
    /// Whether whoever comes is sent away without a word, and without a fault.
    hangs_up: AtomicBool,
    state: Mutex<State>,
}

thread_local! {
    /// The servers of the test that runs in this thread.
    static HERE: RefCell<Vec<Weak<Shared>>> = const { RefCell::new(Vec::new()) };
}

/// Lets all servers of this test send away whoever comes, or listen again.
pub(crate) fn hang_up(on: bool) {
    HERE.with_borrow(|servers| {
        for server in servers.iter().filter_map(Weak::upgrade) {
            server.hangs_up.store(on, Ordering::SeqCst);
        }
    });
}

#[derive(Default)]
struct State {
    consents: VecDeque<Consent>,
    answers: VecDeque<Answer>,
    device_codes: VecDeque<Value>,
    device_troubles: VecDeque<Response>,
    device_scopes: Vec<String>,
    revocation_statuses: VecDeque<(u16, Duration)>,
    /// Fields of the metadata that are others than usual.
    metadata: Vec<(&'static str, Value)>,
    resources: Vec<Resource>,
    families: Families,
    authorizations: Vec<checks::Authorization>,
    /// The answers to requests that are pushed: `None` takes the request.
    pushes: VecDeque<Option<Response>>,
    /// The requests that were pushed, by the number in their reference.
    pushed: Vec<checks::Authorization>,
    /// How many headers were refused, since they were not decoded.
    undecoded: usize,
    /// Paths that stand for the usual ones.
    aliases: Vec<(String, &'static str)>,
    /// The tokens that the server is asked about, and its answers.
    introspections: VecDeque<(String, Response)>,
    /// Whether a server that does not decode headers does so for now.
    decodes: bool,
    token_requests: Vec<TokenRequest>,
    revocations: Vec<Revocation>,
    faults: Vec<String>,
}

/// What the person at the authorization page does.
enum Consent {
    Granted,
    /// The same, with the address that the browser is sent to made another.
    Altered(Box<dyn FnOnce(&mut Url) + Send>),
    Refused,
}

/// One answer to one announced request for a resource.
struct Resource {
    method: &'static str,
    path: String,
    /// Headers that the request has to have with these values, or must not have.
    headers: Vec<(String, Option<String>)>,
    /// What the request has to carry.
    body: String,
    response: Response,
    delay: Duration,
}

impl AuthorizationServer {
    /// A server with one public client, `tokctl-made-up`, of the provider `acme`.
    pub(crate) fn start() -> Self {
        Self::start_for(Client::public())
    }

    /// A server with this one client.
    pub(crate) fn start_for(client: Client) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let shared = Arc::new(Shared {
            client,
            address: listener.local_addr().expect("the port"),
            closing: AtomicBool::new(false),
            hangs_up: AtomicBool::new(false),
            state: Mutex::default(),
        });
        HERE.with_borrow_mut(|servers| servers.push(Arc::downgrade(&shared)));
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { shared, acceptor: Some(acceptor) }
    }

    /// The address of `path` on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        self.shared.url(path)
    }

    /// The table for `config.toml` that describes this server and its client.
    pub(crate) fn definition(&self) -> String {
        let client = &self.shared.client;
        format!(
            "[providers.{name}]\n\
             authorization_endpoint = \"{authorize}\"\n\
             token_endpoint = \"{token}\"\n\
             revocation_endpoint = \"{revoke}\"\n\
             client_id = \"{id}\"\n\
             {method}\
             scopes = [\"read\", \"offline_access\"]\n",
            name = client.provider(),
            authorize = self.url("/authorize"),
            token = self.url("/token"),
            revoke = self.url("/revoke"),
            id = client.id(),
            method = method_line(client),
        )
    }

    /// The definition of the provider with an `identity`, at `/me`.
    pub(crate) fn definition_with_identity(&self) -> String {
        let url = self.url("/me");
        format!("{}identity = {{ url = \"{url}\", user = \"/email\" }}\n", self.definition())
    }

    /// Announces that the bearer of `token` is asked for, and is `user`.
    pub(crate) fn will_identify(&self, token: &str, user: &str) {
        let answer = Response::json(200, &json!({ "email": user }));
        self.will_serve("/me", &format!("Bearer {token}"), answer);
    }

    /// Announces an authorization request that the person agrees to.
    pub(crate) fn user_consents(&self) {
        self.state().consents.push_back(Consent::Granted);
    }

    /// Announces an authorization request that the person agrees to, and that is answered at an
    /// address which `alter` has seen to.
    pub(crate) fn user_consents_with(&self, alter: impl FnOnce(&mut Url) + Send + 'static) {
        self.state().consents.push_back(Consent::Altered(Box::new(alter)));
    }

    /// Announces an authorization request that the person turns down.
    pub(crate) fn user_refuses(&self) {
        self.state().consents.push_back(Consent::Refused);
    }

    /// Has issued this refresh token to another program.
    pub(crate) fn has_issued(&self, refresh_token: &str) {
        self.state().families.adopt(refresh_token);
    }

    /// Announces the next token request, and what it is answered.
    pub(crate) fn will(&self, answer: Answer) {
        self.state().answers.push_back(answer);
    }

    /// What was issued so far, and which of it still works.
    pub(crate) fn issued(&self) -> Families {
        self.state().families.clone()
    }

    /// Puts back what was issued, for a world that is put back too.
    pub(crate) fn put_back(&self, issued: &Families) {
        self.state().families = issued.clone();
    }

    /// Takes back the announced requests for tokens and resources, and the announced revocations,
    /// that did not come, where a test can't say how many there will be.
    pub(crate) fn expects_no_more(&self) {
        let mut state = self.state();
        state.answers.clear();
        state.resources.clear();
        state.revocation_statuses.clear();
    }

    /// Announces that an authorization request is pushed, and taken.
    pub(crate) fn will_take_a_push(&self) {
        self.state().pushes.push_back(None);
    }

    /// Announces that an authorization request is pushed, and answered so.
    pub(crate) fn will_answer_a_push(&self, response: Response) {
        self.state().pushes.push_back(Some(response));
    }

    /// Announces that the server is asked about `token` (RFC 7662).
    pub(crate) fn will_introspect(&self, token: &str, response: Response) {
        self.state().introspections.push_back((token.to_owned(), response));
    }

    /// Lets what is at the path `usual` be at `path` too.
    pub(crate) fn is_also_at(&self, path: &str, usual: &'static str) {
        self.state().aliases.push((path.to_owned(), usual));
    }

    /// Lets a server that does not decode headers do so for now, or no more.
    pub(crate) fn decodes(&self, on: bool) {
        self.state().decodes = on;
    }

    /// How many headers were refused, since they were not decoded.
    pub(crate) fn undecoded(&self) -> usize {
        self.state().undecoded
    }

    /// Announces a whole login: a consent and the code's exchange.
    pub(crate) fn will_log_in(&self, answer: Answer) {
        self.user_consents();
        self.will(answer);
    }

    /// Announces a request for a device's code, answered with these fields besides `device_code`,
    /// `user_code` and `expires_in`.
    pub(crate) fn will_give_a_code(&self, fields: Value) {
        self.state().device_codes.push_back(fields);
    }

    /// Announces a request for a device's code that is answered so.
    pub(crate) fn will_answer_the_device(&self, trouble: Response) {
        self.state().device_troubles.push_back(trouble);
    }

    /// The line for `config.toml` that says where devices get their codes.
    pub(crate) fn device_endpoint(&self) -> String {
        format!("device_authorization_endpoint = \"{}\"\n", self.url("/device"))
    }

    /// The scopes that codes for devices were asked for, oldest first.
    pub(crate) fn device_scopes(&self) -> Vec<String> {
        self.state().device_scopes.clone()
    }

    /// Announces a revocation, answered with `status`.
    pub(crate) fn will_revoke(&self, status: u16) {
        self.will_revoke_after(Duration::ZERO, status);
    }

    /// Announces a revocation, whose answer takes so long.
    pub(crate) fn will_revoke_after(&self, delay: Duration, status: u16) {
        self.state().revocation_statuses.push_back((status, delay));
    }

    /// Announces one `GET` of `path` with this `Authorization`.
    pub(crate) fn will_serve(&self, path: &str, authorization: &str, response: Response) {
        self.will_serve_with(path, ("authorization", authorization), response);
    }

    /// Announces one `GET` of `path` with this header.
    pub(crate) fn will_serve_with(&self, path: &str, header: (&str, &str), response: Response) {
        self.announce(path, header, response, Duration::ZERO);
    }

    /// Announces one `GET` of `path` with all of these headers.
    pub(crate) fn will_serve_to(&self, path: &str, headers: &[(&str, &str)], response: Response) {
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())));
        self.state().resources.push(Resource {
            method: "GET",
            path: path.to_owned(),
            headers: headers.collect(),
            body: String::new(),
            response,
            delay: Duration::ZERO,
        });
    }

    /// Announces one `DELETE` of `path` with this `Authorization` and body.
    pub(crate) fn will_delete(&self, path: &str, authorization: &str, body: &str, status: u16) {
        self.state().resources.push(Resource {
            method: "DELETE",
            path: path.to_owned(),
            headers: vec![("authorization".to_owned(), Some(authorization.to_owned()))],
            body: body.to_owned(),
            response: Response::new(status, "text/plain", ""),
            delay: Duration::ZERO,
        });
    }

    /// Announces one `GET` of `path` with this `Authorization`, whose answer takes so long.
    pub(crate) fn will_serve_after(
        &self,
        delay: Duration,
        path: &str,
        authorization: &str,
        response: Response,
    ) {
        self.announce(path, ("authorization", authorization), response, delay);
    }

    fn announce(&self, path: &str, header: (&str, &str), response: Response, delay: Duration) {
        self.state().resources.push(Resource {
            method: "GET",
            path: path.to_owned(),
            headers: vec![(header.0.to_owned(), Some(header.1.to_owned()))],
            body: String::new(),
            response,
            delay,
        });
    }

    /// How many announced resources nobody has asked for yet.
    pub(crate) fn resources_left(&self) -> usize {
        self.state().resources.len()
    }

    /// Announces one reading of the server's metadata (RFC 8414).
    pub(crate) fn will_describe_itself(&self) {
        let mut metadata = json!({
            "issuer": self.url(""),
            "authorization_endpoint": self.url("/authorize"),
            "token_endpoint": self.url("/token"),
            "revocation_endpoint": self.url("/revoke"),
            "device_authorization_endpoint": self.url("/device"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        });
        if !self.shared.client.auth_method().is_empty() {
            let methods = json!([self.shared.client.auth_method()]);
            metadata["token_endpoint_auth_methods_supported"] = methods;
        }
        for (name, value) in &self.state().metadata {
            metadata[*name] = value.clone();
        }
        self.state().resources.push(Resource {
            method: "GET",
            path: "/.well-known/oauth-authorization-server".to_owned(),
            headers: vec![("authorization".to_owned(), None)],
            body: String::new(),
            response: Response::json(200, &metadata),
            delay: Duration::ZERO,
        });
    }

    /// Lets the server's metadata have `value` in the field `name`.
    pub(crate) fn describes_itself_with(&self, name: &'static str, value: Value) {
        self.state().metadata.push((name, value));
    }

    /// The table for `config.toml` that leaves all endpoints to the server's metadata.
    pub(crate) fn definition_by_issuer(&self) -> String {
        let client = &self.shared.client;
        format!(
            "[providers.{name}]\n\
             issuer = \"{issuer}\"\n\
             client_id = \"{id}\"\n\
             {method}\
             scopes = [\"read\", \"offline_access\"]\n",
            name = client.provider(),
            issuer = self.url(""),
            id = client.id(),
            method = method_line(client),
        )
    }

    /// The parameters of the authorization requests that came, oldest first.
    pub(crate) fn authorizations(&self) -> Vec<checks::Authorization> {
        self.state().authorizations.clone()
    }

    /// The token requests that came, oldest first.
    pub(crate) fn token_requests(&self) -> Vec<TokenRequest> {
        self.state().token_requests.clone()
    }

    /// The revocations that came, oldest first.
    pub(crate) fn revocations(&self) -> Vec<Revocation> {
        self.state().revocations.clone()
    }

    /// Fails the test if a request broke a rule, was not announced, or was announced and did not
    /// come. Also done when the server goes out of scope.
    #[track_caller]
    pub(crate) fn assert_done(&self) {
        let complaints = self.complaints();
        assert!(
            complaints.is_empty(),
            "the authorization server complains:\n  {}",
            complaints.join("\n  ")
        );
    }

    /// What `assert_done` would complain about.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let state = self.state();
        let mut complaints = state.faults.clone();
        let missing = [
            ("authorization request", state.consents.len()),
            ("token request", state.answers.len()),
            (
                "device authorization request",
                state.device_codes.len() + state.device_troubles.len(),
            ),
            ("revocation", state.revocation_statuses.len()),
            ("pushed request", state.pushes.len()),
            ("introspection", state.introspections.len()),
        ];
        for (what, count) in missing {
            if count > 0 {
                complaints.push(format!("{count} announced {what}(s) did not come"));
            }
        }
        for resource in &state.resources {
            complaints.push(format!("nobody asked for {}", resource.path));
        }
        complaints
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect(self.shared.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        if thread::panicking() {
            for complaint in self.complaints() {
                eprintln!("authorization server: {complaint}");
            }
        } else {
            self.assert_done();
        }
    }
}

impl Shared {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Answers one request; `None` closes the connection without a word.
    fn respond(&self, request: &Request) -> Option<Response> {
        if self.client.refuses_header(request) && !self.state().decodes {
            self.state().undecoded += 1;
            return Some(Response::json(401, &error_body("invalid_client")));
        }
        let alias = |path: &str| {
            let state = self.state();
            let found = state.aliases.iter().find(|(alias, _)| alias == path);
            found.map_or_else(|| path.to_owned(), |(_, usual)| (*usual).to_owned())
        };
        let path = alias(request.path());
        let outcome = checks::head(request, self.address).and_then(|()| match path.as_str() {
            "/par" => self.push(request).map(Some),
            "/introspect" => self.introspect(request).map(Some),
            "/authorize" => self.authorize(request).map(Some),
            "/token" => self.token(request),
            "/device" => self.device(request).map(Some),
            "/revoke" => self.revoke(request).map(Some),
            _ => self.resource(request).map(Some),
        });
        outcome.unwrap_or_else(|fault| {
            let fault = format!("{} {}: {fault}", request.method, request.path());
            self.state().faults.push(fault.clone());
            // A status that no client takes for a refusal or for a passing fault.
            Some(Response::new(418, "text/plain", fault))
        })
    }

    fn authorize(&self, request: &Request) -> Result<Response, String> {
        let reference = checks::reference(request, &self.client)?;
        let authorization = match &reference {
            Some(reference) => self.taken(reference)?,
            None => checks::authorization(request, &self.client)?,
        };
        let mut state = self.state();
        let consent = state.consents.pop_front().ok_or("not announced")?;
        let mut location = authorization.redirect_uri();
        let echo = authorization.param("state").unwrap_or_default().to_owned();
        if matches!(consent, Consent::Refused) {
            location.query_pairs_mut().append_pair("error", "access_denied");
        } else {
            let code = state.families.mint_code(authorization.clone());
            location.query_pairs_mut().append_pair("code", &code);
        }
        location.query_pairs_mut().append_pair("state", &echo);
        if let Consent::Altered(alter) = consent {
            alter(&mut location);
        }
        state.authorizations.push(authorization);
        Ok(Response::redirect(location.as_str()))
    }

    /// Tells whether a token is active (RFC 7662 §2.1).
    fn introspect(&self, request: &Request) -> Result<Response, String> {
        let asked = checks::revocation(request, &self.client)?;
        let announced = self.state().introspections.pop_front();
        let (token, response) = announced.ok_or("not announced")?;
        if asked.token() == token { Ok(response) } else { Err(format!("about {asked:?}")) }
    }

    /// Takes a request that is pushed (RFC 9126 §2.2).
    fn push(&self, request: &Request) -> Result<Response, String> {
        let authorization = checks::pushed(request, &self.client)?;
        let mut state = self.state();
        if let Some(response) = state.pushes.pop_front().ok_or("not announced")? {
            return Ok(response);
        }
        state.pushed.push(authorization);
        let reference = format!("urn:made-up:{}", state.pushed.len());
        Ok(Response::json(201, &json!({ "request_uri": reference, "expires_in": 60 })))
    }

    /// The request that was pushed under this reference.
    fn taken(&self, reference: &str) -> Result<checks::Authorization, String> {
        let number: Option<usize> =
            reference.strip_prefix("urn:made-up:").and_then(|number| number.parse().ok());
        let state = self.state();
        let found = number.and_then(|number| state.pushed.get(number.checked_sub(1)?));
        found.cloned().ok_or_else(|| format!("no request was pushed as {reference}"))
    }

    fn token(&self, request: &Request) -> Result<Option<Response>, String> {
        let asked = checks::token_request(request, &self.client)?;
        let answer = {
            let mut state = self.state();
            state.token_requests.push(asked.clone());
            state.answers.pop_front().ok_or_else(|| format!("not announced: {asked:?}"))?
        };
        thread::sleep(answer.delay());
        answer.give(&asked, &mut self.state().families, &self.url(""))
    }

    fn device(&self, request: &Request) -> Result<Response, String> {
        let scope = checks::device_authorization(request, &self.client)?;
        let mut state = self.state();
        state.device_scopes.push(scope);
        if let Some(trouble) = state.device_troubles.pop_front() {
            return Ok(trouble);
        }
        let fields = state.device_codes.pop_front().ok_or("not announced")?;
        let mut body = json!({
            "device_code": state.families.mint_device_code(),
            "user_code": "WDJB-MJHT",
            "expires_in": 900,
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        Ok(Response::json(200, &body))
    }

    fn revoke(&self, request: &Request) -> Result<Response, String> {
        let revocation = checks::revocation(request, &self.client)?;
        let mut state = self.state();
        state.revocations.push(revocation.clone());
        let (status, delay) = state
            .revocation_statuses
            .pop_front()
            .ok_or_else(|| format!("not announced: {revocation:?}"))?;
        drop(state);
        thread::sleep(delay);
        let mut state = self.state();
        if status == 200 {
            state.families.revoke(revocation.token());
        }
        Ok(Response::new(status, "text/plain", ""))
    }

    fn resource(&self, request: &Request) -> Result<Response, String> {
        let resource = {
            let mut state = self.state();
            let position = state
                .resources
                .iter()
                .position(|resource| {
                    resource.path == request.target && request.method == resource.method
                })
                .ok_or("not announced")?;
            state.resources.remove(position)
        };
        thread::sleep(resource.delay);
        let wrong =
            |(name, value): &&(String, Option<String>)| request.header(name) != value.as_deref();
        if let Some((name, _)) = resource.headers.iter().find(wrong) {
            return Err(format!("came with the {name} {:?}", request.header(name)));
        }
        let body = String::from_utf8_lossy(&request.body);
        if body != resource.body {
            return Err(format!("came with the body `{body}`"));
        }
        Ok(resource.response)
    }
}

/// The line of a definition that says how the client proves itself, if it has one.
fn method_line(client: &Client) -> String {
    match client.auth_method() {
        "" => String::new(),
        method => format!("token_endpoint_auth_method = \"{method}\"\n"),
    }
}

/// An error answer of a token endpoint (RFC 6749 §5.2).
fn error_body(error: &str) -> Value {
    json!({ "error": error, "error_description": "made up for a test" })
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.closing.load(Ordering::SeqCst) {
            break;
        }
        if shared.hangs_up.load(Ordering::SeqCst) {
            continue;
        }
        let shared = Arc::clone(shared);
        connections.push(thread::spawn(move || {
            let mut stream = stream;
            if let Err(error) = serve(&mut stream, &shared) {
                shared.state().faults.push(format!("broken request: {error}"));
            }
        }));
    }
    for connection in connections {
        let _ = connection.join();
    }
}

fn serve(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    if let Some(request) = Request::read(stream)?
        && let Some(response) = shared.respond(&request)
    {
        // A client that hung up meanwhile, or that had seen enough, breaks no rule.
        let _ = response.write(stream);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::fetch;

    /// The complaint with which the test of `play` would fail.
    fn complaints(play: impl FnOnce(&AuthorizationServer)) -> Vec<String> {
        let server = AuthorizationServer::start();
        play(&server);
        let complaints = server.complaints();
        // Already held to account.
        *server.state() = State::default();
        complaints
    }

    #[test]
    fn a_request_that_was_not_announced_is_a_complaint() {
        let found = complaints(|server| {
            let url = Url::parse(&server.url("/somewhere")).unwrap();
            assert_eq!(fetch(&url, "GET", &[]).status, 418);
        });
        assert_eq!(found, ["GET /somewhere: not announced"]);
    }

    #[test]
    fn an_announced_request_that_never_comes_is_a_complaint() {
        let found = complaints(|server| server.will_revoke(200));
        assert_eq!(found, ["1 announced revocation(s) did not come"]);
    }

    #[test]
    fn a_request_for_another_host_is_a_complaint() {
        let found = complaints(|server| {
            let url = Url::parse(&server.url("/authorize")).unwrap();
            fetch(&url, "GET", &[("Host", "evil.example")]);
        });
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
