//! The listener's behaviour over real connections: whatever else comes, the one good request
//! completes the login.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;
use crate::oauth::unguessable::Unguessable;
use crate::secret::SecretText;

const ISSUER: &str = "https://as.example";

/// A login that waits for its browser in a thread of its own.
struct Login {
    redirect_uri: RedirectUri,
    state: String,
    waiting: JoinHandle<Result<Arrival, Error>>,
}

impl Login {
    fn start() -> Self {
        Self::start_at("http://127.0.0.1:0/callback/acme")
    }

    fn start_at(redirect_uri: &str) -> Self {
        let listener = Listener::bind(&redirect_uri.parse().unwrap()).unwrap();
        let state = Unguessable::random().unwrap();
        let expected = ExpectedResponse {
            state: state.clone(),
            issuer: Some(ISSUER.into()),
            issuer_required: false,
            check: None,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        Self {
            redirect_uri: listener.redirect_uri().clone(),
            state: state.expose().to_owned(),
            waiting: std::thread::spawn(move || {
                listener.wait(&expected, deadline, None, &mut |_| {})
            }),
        }
    }

    fn connect(&self) -> TcpStream {
        connect(&self.redirect_uri)
    }

    fn host(&self) -> String {
        format!("{}:{}", self.redirect_uri.host(), self.redirect_uri.port())
    }

    fn request(&self, method: &str, target: &str, headers: &str) -> String {
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host())
    }

    fn callback(&self, query: &str) -> String {
        self.request("GET", &format!("/callback/acme?{query}"), "")
    }

    fn good(&self) -> String {
        self.callback(&format!("code=made-up-code&state={}", self.state))
    }

    /// Sends a request on a connection of its own and returns the response's status.
    fn status_of(&self, request: &str) -> u16 {
        status(&exchange(self.connect(), request))
    }

    /// Sends the good request, which completes the login and shows so.
    fn completes(self) {
        let mut tab = self.connect();
        tab.write_all(self.good().as_bytes()).unwrap();
        let arrived = self.waiting.join().unwrap().unwrap();
        assert_eq!(code(&arrived), "made-up-code");
        arrived.finish_into(tab, |arrived| arrived.show_logged_in("acme as x"), "Logged in");
    }
}

impl Arrival {
    /// Finishes while the browser at the other end of `tab` reads the page.
    fn finish_into(self, tab: TcpStream, finish: impl FnOnce(Self), title: &str) {
        let reading = std::thread::spawn(move || response(tab));
        finish(self);
        let page = reading.join().unwrap();
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
    }
}

fn code(arrived: &Arrival) -> &str {
    match &arrived.response {
        AuthorizationResponse::Code(code) => code.expose(),
        other => panic!("no code: {other:?}"),
    }
}

fn connect(redirect_uri: &RedirectUri) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, redirect_uri.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn exchange(mut stream: TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    response(stream)
}

/// Reads a response as a browser does: up to its declared length, then closes.
fn response(mut stream: TcpStream) -> String {
    let mut response = Vec::new();
    let mut byte = [0];
    while !response.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        response.push(byte[0]);
    }
    let head = String::from_utf8(response).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn what_is_not_the_callback_never_ends_a_login() {
    let login = Login::start();
    let target = format!("/callback/acme?code=x&state={}", login.state);
    let misdirected = format!("GET {target} HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
    for (request, expected) in [
        (login.request("GET", "/favicon.ico", ""), 404),
        (login.request("GET", "/", ""), 404),
        (login.request("HEAD", &target, ""), 405),
        (login.request("POST", &target, "Content-Length: 3\r\n") + "a=b", 405),
        (login.request("PUT", &target, "Content-Length: 3\r\n") + "a=b", 405),
        (login.request("GET", &format!("{target}/").replace("acme?", "acme/?"), ""), 404),
        (login.request("OPTIONS", &target, ""), 405),
        (login.request("GET", &target, "Sec-Purpose: prefetch;prerender\r\n"), 204),
        (login.request("GET", &target, "Purpose: prefetch\r\n"), 204),
        (misdirected, 421),
        ("\x16\x03\x01".into(), 400),
    ] {
        assert_eq!(login.status_of(&request), expected, "{request}");
    }
    login.completes();
}

#[test]
fn what_is_no_answer_to_this_login_is_answered_late_and_never_ends_it() {
    let login = Login::start();
    let start = Instant::now();
    let connections: Vec<_> = [
        "code=x".to_owned(),
        "code=x&state=".into(),
        "code=x&state=00000000000000000000000000000000".into(),
        "error=access_denied".into(),
        "code=x&iss=https://evil.example&state=0".into(),
        format!("code=x&code=y&state={}", login.state),
        format!("code=x&state=0&state={}", login.state),
        format!("state={}", login.state),
        format!("code=x&error=y&state={}", login.state),
    ]
    .into_iter()
    .map(|query| {
        let mut stream = login.connect();
        stream.write_all(login.callback(&query).as_bytes()).unwrap();
        (query, stream)
    })
    .collect();
    for (query, stream) in connections {
        let response = response(stream);
        assert_eq!(status(&response), 400, "{query}");
        assert!(!response.contains("evil"), "a page repeats what was sent");
    }
    assert!(start.elapsed() >= Duration::from_secs(1), "too fast for one who guesses");
    login.completes();
}

#[test]
fn ten_megabytes_of_headers_are_refused() {
    let login = Login::start();
    let mut stream = login.connect();
    let reader = stream.try_clone().unwrap();
    let request = login.request("GET", "/", &"Header: x\r\n".repeat(1024 * 1024));
    let writing = std::thread::spawn(move || {
        // The listener may have had enough before all is written.
        let _ = stream.write_all(request.as_bytes());
    });
    assert_eq!(status(&response(reader)), 431);
    writing.join().unwrap();
    login.completes();
}

#[test]
fn idle_connections_keep_nobody_out() {
    let login = Login::start();
    let idle: Vec<_> = (0..500).map(|_| login.connect()).collect();
    assert_eq!(login.status_of(&login.request("GET", "/", "")), 404);
    login.completes();
    drop(idle);
}

#[test]
fn the_connection_that_was_silent_for_longest_makes_room() {
    let login = Login::start();
    let mut silent = login.connect();
    let mut half = login.connect();
    let good = login.good();
    let (first, second) = good.split_at(20);
    for _ in 0..3 * server::MAX_CONNECTIONS {
        // The 404 shows that the listener has seen everything before it.
        assert_eq!(login.status_of(&login.request("GET", "/", "")), 404);
    }
    half.write_all(first.as_bytes()).unwrap();
    let crowd: Vec<_> = (0..server::MAX_CONNECTIONS - 1).map(|_| login.connect()).collect();
    assert!(silent.read(&mut [0]).is_err(), "the oldest is reset");
    half.write_all(second.as_bytes()).unwrap();
    let arrived = login.waiting.join().unwrap().unwrap();
    drop(crowd);
    arrived.finish_into(half, |arrived| arrived.show_logged_in("acme as x"), "Logged in");
}

#[test]
fn a_slow_request_holds_nobody_up_and_may_be_the_good_one() {
    let login = Login::start();
    let (request, mut slow) = (login.good(), login.connect());
    slow.set_nodelay(true).unwrap();
    for byte in request.as_bytes() {
        slow.write_all(&[*byte]).unwrap();
        if byte.is_ascii_whitespace() {
            assert_eq!(login.status_of(&login.request("GET", "/", "")), 404);
        }
    }
    let arrived = login.waiting.join().unwrap().unwrap();
    arrived.finish_into(slow, |arrived| arrived.show_logged_in("acme as x"), "Logged in");
}

#[test]
fn a_connection_ends_ten_seconds_after_it_began() {
    let (_client, mut connection, redirect_uri, now) = accepted();
    let late = now + Duration::from_secs(10);
    assert_eq!(connection.advance_at(), late);
    assert!(matches!(
        connection.advance(now + Duration::from_secs(9), &redirect_uri),
        connection::Step::Open
    ));
    assert!(matches!(connection.advance(late, &redirect_uri), connection::Step::Closed));
}

#[test]
fn a_byte_now_and_then_buys_no_more_time() {
    let (mut client, mut connection, redirect_uri, now) = accepted();
    for second in 1..10 {
        client.write_all(b"G").unwrap();
        let now = now + Duration::from_secs(second);
        connection.advance(now, &redirect_uri);
    }
    assert_eq!(connection.advance_at(), now + Duration::from_secs(10));
}

fn accepted() -> (TcpStream, connection::Connection, RedirectUri, Instant) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let now = Instant::now();
    let connection = connection::Connection::new(stream, now).unwrap();
    (client, connection, "http://127.0.0.1:1/cb".parse().unwrap(), now)
}

#[test]
fn a_refusal_with_the_right_state_ends_the_login() {
    let login = Login::start();
    let mut tab = login.connect();
    let query = format!("error=access_denied&state={}", login.state);
    tab.write_all(login.callback(&query).as_bytes()).unwrap();
    let arrived = login.waiting.join().unwrap().unwrap();
    assert!(matches!(
        &arrived.response,
        AuthorizationResponse::Refused { error, .. } if error == "access_denied"
    ));
    arrived.finish_into(tab, drop, "Not logged in");
}

#[test]
fn the_right_state_from_the_wrong_server_ends_the_login() {
    let login = Login::start();
    let query = format!("code=x&iss=https://evil.example&state={}", login.state);
    let page = exchange(login.connect(), &login.callback(&query));
    assert_eq!(status(&page), 400);
    assert!(page.contains("<h1>Not logged in</h1>"));
    assert!(!page.contains("evil"), "a page repeats what was sent");
    assert!(matches!(
        login.waiting.join().unwrap(),
        Err(Error::Rejected(Rejection::WrongIssuer { .. }))
    ));
}

#[test]
fn a_state_counts_once() {
    let login = Login::start();
    let mut tab = login.connect();
    tab.write_all(login.good().as_bytes()).unwrap();
    while !login.waiting.is_finished() {
        std::thread::yield_now();
    }
    assert_eq!(login.status_of(&login.good()), 410);
    assert_eq!(login.status_of(&login.callback("code=x&state=0")), 410);
    assert_eq!(login.status_of(&login.request("GET", "/favicon.ico", "")), 404);
    let arrived = login.waiting.join().unwrap().unwrap();
    arrived.finish_into(tab, |arrived| arrived.show_logged_in("acme as x"), "Logged in");
}

#[test]
fn an_answer_that_nobody_finishes_shows_failure() {
    let login = Login::start();
    let mut tab = login.connect();
    tab.write_all(login.good().as_bytes()).unwrap();
    drop(login.waiting.join().unwrap().unwrap());
    // The page is still there to be read after everything is closed.
    assert!(response(tab).contains("<h1>Not logged in</h1>"));
}

#[test]
fn a_browser_that_has_gone_stops_nothing() {
    let login = Login::start();
    let mut tab = login.connect();
    let request = login.good();
    let (first, rest) = request.split_at(10);
    tab.write_all(first.as_bytes()).unwrap();
    // By this answer, the tab was accepted and is known to be one of this user's.
    assert_eq!(login.status_of(&login.request("GET", "/favicon.ico", "")), 404);
    tab.write_all(rest.as_bytes()).unwrap();
    drop(tab);
    let arrived = login.waiting.join().unwrap().unwrap();
    assert_eq!(code(&arrived), "made-up-code");
    arrived.show_logged_in("acme as x");
}

#[test]
fn nothing_in_time_is_an_error() {
    let listener = Listener::bind(&"http://127.0.0.1:0/cb".parse().unwrap()).unwrap();
    let expected = ExpectedResponse {
        state: Unguessable::random().unwrap(),
        issuer: None,
        issuer_required: false,
        check: None,
    };
    let _idle = connect(listener.redirect_uri());
    let deadline = Instant::now() + Duration::from_millis(50);
    assert!(matches!(listener.wait(&expected, deadline, None, &mut |_| {}), Err(Error::TimedOut)));
    assert!(Instant::now() >= deadline);
}

#[test]
fn a_fixed_port_that_is_taken_is_an_error() {
    let first = Listener::bind(&"http://127.0.0.1:0/cb".parse().unwrap()).unwrap();
    let port = first.redirect_uri().port();
    for host in ["127.0.0.1", "localhost"] {
        let uri = format!("http://{host}:{port}/cb").parse().unwrap();
        assert!(matches!(
            Listener::bind(&uri),
            Err(Error::PortTaken { port: taken, .. }) if taken == port
        ));
    }
}

#[test]
fn a_fixed_port_is_free_again_at_once() {
    let mut redirect_uri = "http://127.0.0.1:0/callback/acme".to_owned();
    for _ in 0..3 {
        let login = Login::start_at(&redirect_uri);
        redirect_uri = login.redirect_uri.to_string();
        let _idle: Vec<_> = (0..2).map(|_| login.connect()).collect();
        assert_eq!(login.status_of(&login.request("GET", "/", "")), 404);
        login.completes();
    }
}

#[test]
fn localhost_is_heard_on_both_families() {
    let login = Login::start_at("http://localhost:0/callback/acme");
    let port = login.redirect_uri.port();
    for address in ["127.0.0.1", "::1"] {
        let address = SocketAddr::new(address.parse().unwrap(), port);
        if let Ok(stream) = TcpStream::connect(address) {
            let response = exchange(stream, &login.request("GET", "/", ""));
            assert_eq!(status(&response), 404, "{address}");
        }
    }
    login.completes();
}
