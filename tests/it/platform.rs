//! What stands around a job without a stored secret: the identity endpoint of its platform, the
//! endpoint that exchanges its token, and Google's endpoint for a service account's token.
//!
//! Each answer is announced for one path. Whoever asks for anything else is sent away without a word,
//! as all are by whom the test is told what to type.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::http::{Request, Response};

/// The running server. Goes down, and holds the test to account, when dropped.
pub(crate) struct Platform {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_closing: AtomicBool,
    answers: Mutex<VecDeque<(String, Response)>>,
    seen: Mutex<Vec<Request>>,
}

impl Platform {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for mut stream in listener.incoming().map_while(Result::ok) {
                    if shared.is_closing.load(Ordering::SeqCst) {
                        return;
                    }
                    if let Ok(Some(request)) = Request::read(&mut stream)
                        && let Some(answer) = shared.respond(request)
                    {
                        let _ = answer.write(&mut stream);
                    }
                }
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Announces one request for `path`, and its answer.
    pub(crate) fn will(&self, path: &str, response: Response) {
        self.shared.answers.lock().unwrap().push_back((path.to_owned(), response));
    }

    /// Announces one token request that brings `token`, good for `expires_in` seconds.
    pub(crate) fn will_issue(&self, token: &str, expires_in: u32) {
        let answer = json!({
            "access_token": token, "expires_in": expires_in, "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        });
        self.will("/token", Response::json(200, &answer));
    }

    /// The requests that came, oldest first.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The form of the last request for `path`.
    pub(crate) fn form(&self, path: &str) -> Vec<(String, String)> {
        let seen = self.seen();
        let last = seen.iter().rev().find(|request| request.path() == path).unwrap();
        url::form_urlencoded::parse(&last.body).into_owned().collect()
    }
}

impl Shared {
    /// The answer to a request, if it was announced.
    fn respond(&self, request: Request) -> Option<Response> {
        let mut answers = self.answers.lock().unwrap();
        let at = answers.iter().position(|(path, _)| path == request.path())?;
        self.seen.lock().unwrap().push(request);
        answers.remove(at).map(|(_, response)| response)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        if !thread::panicking() {
            let answers = self.shared.answers.lock().unwrap();
            let missed: Vec<&str> = answers.iter().map(|(path, _)| path.as_str()).collect();
            assert!(missed.is_empty(), "nobody asked for {}", missed.join(", "));
        }
    }
}

/// A made-up identity token with these claims; nobody checks its signature here.
pub(crate) fn identity_token(claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    format!("{}.{}.{}", part(&header), part(claims), BASE64URL_NOPAD.encode(b"made-up signature"))
}

/// A made-up identity token for `audience` that is good for an hour, and like no other by `id`.
pub(crate) fn good_token(audience: &str, id: &str) -> String {
    let now = jiff::Timestamp::now().as_second();
    identity_token(&json!({ "aud": audience, "exp": now + 3600, "sub": "made-up", "jti": id }))
}

/// The parameter `name` of a form.
pub(crate) fn param<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}
