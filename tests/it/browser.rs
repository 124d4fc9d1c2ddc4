//! A browser without a window: it opens addresses on the loopback and follows redirections.
//!
//! It knows nothing of OAuth beyond the names of the parameters that an authorization request
//! carries, which the hostile tests need to make up answers of their own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

use crate::http::Response;

/// How long a page may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most redirections that are followed.
const MOST_HOPS: usize = 5;

/// Opens `address` and follows its redirections to the last page.
pub(crate) fn visit(address: &str) -> Response {
    let mut url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    for _ in 0..MOST_HOPS {
        let page = fetch(&url, "GET", &[]);
        let location = match page.header("location") {
            Some(location) if (300..400).contains(&page.status) => location,
            _ => return page,
        };
        url = url.join(location).unwrap();
    }
    panic!("{address} leads in circles");
}

/// Sends one request to `url` and reads the answer. A `Host` among `headers` takes the place of
/// the right one.
pub(crate) fn fetch(url: &Url, method: &str, headers: &[(&str, &str)]) -> Response {
    send(url, method, headers, "")
}

/// Posts the query of `url` as a form to the rest of it, as a page of the server does where it was
/// asked for the response mode `form_post`.
pub(crate) fn post_query(url: &Url) -> Response {
    let (mut place, form) = (url.clone(), url.query().unwrap_or_default());
    place.set_query(None);
    let length = form.len().to_string();
    let headers = [
        ("Origin", "https://as.example"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", length.as_str()),
    ];
    send(&place, "POST", &headers, form)
}

fn send(url: &Url, method: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let host = url.host_str().expect("an address with a host");
    let port = url.port_or_known_default().expect("an address with a port");
    let mut request = format!("{method} {} HTTP/1.1\r\n", target(url));
    if !headers.iter().any(|(name, _)| *name == "Host") {
        let _ = write!(request, "Host: {host}:{port}\r\n");
    }
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    request += "Connection: close\r\n\r\n";
    request += body;

    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
        .unwrap_or_else(|error| panic!("nobody listens at {host}:{port}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    Response::read(&mut stream).unwrap_or_else(|error| panic!("no answer to {method}: {error}"))
}

fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// What an authorization request asks for, read from the address that the browser was given.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationRequest {
    url: Url,
}

impl AuthorizationRequest {
    /// Reads `address`.
    pub(crate) fn read(address: &str) -> Self {
        let url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { url }
    }

    /// A parameter of the request.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The `state`.
    pub(crate) fn state(&self) -> String {
        self.param("state").expect("a state")
    }

    /// Where the answer is to be sent.
    pub(crate) fn redirect_uri(&self) -> Url {
        Url::parse(&self.param("redirect_uri").expect("a redirect URI")).unwrap()
    }

    /// The redirect URI with these parameters.
    pub(crate) fn answer(&self, params: &[(&str, &str)]) -> Url {
        let mut url = self.redirect_uri();
        url.query_pairs_mut().extend_pairs(params);
        url
    }
}
