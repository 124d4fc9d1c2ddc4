//! An authorization server that agrees to everything, with the services behind it: for tests of
//! what people are told to type, where no request is announced beforehand.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};
use url::Url;

use crate::http::{Request, Response};

/// The running server. Goes down when dropped.
pub(crate) struct ObligingServer {
    address: SocketAddr,
    is_closing: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl ObligingServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let is_closing = Arc::new(AtomicBool::new(false));
        let acceptor = thread::spawn({
            let is_closing = Arc::clone(&is_closing);
            let issued = Arc::new(AtomicUsize::new(0));
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if is_closing.load(Ordering::SeqCst) {
                        return;
                    }
                    let issued = Arc::clone(&issued);
                    thread::spawn(move || answer(stream, &issued));
                }
            }
        });
        Self { address, is_closing, acceptor: Some(acceptor) }
    }

    /// The configuration in which `acme`, and services that are built in, are at this server.
    pub(crate) fn config(&self) -> String {
        let acme = "client_id = \"made-up-client\"\nscopes = [\"read\", \"offline_access\"]\n";
        let mut config = format!("[providers.acme]\n{acme}{}", self.endpoints("acme"));
        for name in ["jira", "gdrive", "github", "google"] {
            let endpoints = self.endpoints(name);
            let _ = write!(config, "[providers.{name}]\nextends = \"{name}\"\n{endpoints}");
        }
        config
    }

    fn endpoints(&self, name: &str) -> String {
        let url = format!("http://{}", self.address);
        format!(
            "authorization_endpoint = \"{url}/authorize\"\n\
             token_endpoint = \"{url}/token\"\n\
             device_authorization_endpoint = \"{url}/device\"\n\
             revocation_endpoint = \"{url}/revoke\"\n\
             revocation_method = \"rfc7009\"\n\
             accessible_resources_endpoint = \"{url}/sites\"\n\
             api_base_url = \"{url}/api\"\n\
             check_url = \"{url}/me\"\n\
             redirect_uri = \"http://127.0.0.1:0/callback/{name}\"\n\
             identity.url = \"{url}/me\"\n"
        )
    }
}

impl Drop for ObligingServer {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn answer(mut stream: TcpStream, issued: &AtomicUsize) {
    let answered: io::Result<()> = Request::read(&mut stream).and_then(|request| match request {
        Some(request) => respond(&request, issued).write(&mut stream),
        None => Ok(()),
    });
    let _ = answered;
}

fn respond(request: &Request, issued: &AtomicUsize) -> Response {
    match request.path() {
        "/authorize" => consent(request),
        "/token" => {
            let number = issued.fetch_add(1, Ordering::SeqCst);
            Response::json(200, &tokens(number))
        }
        "/device" => {
            let code = json!({
                "device_code": "made-up-device-code", "user_code": "MADE-UP", "expires_in": 600,
                "verification_uri": "https://id.acme.example/device", "interval": 1,
            });
            Response::json(200, &code)
        }
        "/sites" => {
            let site = json!({ "id": "1", "url": "https://example.atlassian.net", "scopes": [] });
            Response::json(200, &json!([site]))
        }
        _ => Response::json(200, &alice()),
    }
}

/// Sends the browser back with a code.
fn consent(request: &Request) -> Response {
    let query = request.query().unwrap_or_default();
    let asked = Url::parse(&format!("http://localhost/?{query}")).unwrap();
    let parameter = |name: &str| {
        asked.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let mut back = Url::parse(&parameter("redirect_uri").unwrap()).unwrap();
    back.query_pairs_mut()
        .append_pair("code", "made-up-code")
        .append_pair("state", &parameter("state").unwrap());
    Response::redirect(back.as_str())
}

fn tokens(number: usize) -> Value {
    json!({
        "access_token": format!("made-up-access-{number}"),
        "refresh_token": format!("made-up-refresh-{number}"),
        "token_type": "Bearer",
        "expires_in": 3600,
    })
}

/// The person who is logged in, as each of the services has her.
fn alice() -> Value {
    let email = "alice@example.com";
    json!({
        "id": "1", "accountId": "1", "key": "1", "sub": "1", "login": "alice", "name": "Alice",
        "displayName": "Alice", "emailAddress": email, "email": email,
        "user": { "emailAddress": email, "displayName": "Alice" },
    })
}
