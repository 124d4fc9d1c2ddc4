//! `tokctl login URL` at a public server that names addresses of this machine and of private networks.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use data_encoding::BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::env::{TestEnv, stderr};

/// The host that only the stand-in proxy knows, so that it counts as one of the internet.
const HOST: &str = "id.made-up.example";

const AUTHORITY: &str = include_str!("made_up_tls/authority.pem");

fn tls() -> Arc<ServerConfig> {
    let decode = |text: &str| BASE64.decode(text.replace('\n', "").as_bytes()).unwrap();
    let certificate = CertificateDer::from(decode(include_str!("made_up_tls/server.base64")));
    let key = decode(include_str!("made_up_tls/server_key.base64"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let key = PrivateKeyDer::try_from(key).unwrap();
    Arc::new(config.with_single_cert(vec![certificate], key).unwrap())
}

/// Reads to the end of an HTTP head.
fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Starts a proxy that leads to the public server, which answers a path with what `says` returns; a
/// challenge for a text, a document for an object, 404 for null. Returns the proxy's port.
fn public_server(says: impl Fn(&str) -> Value + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (says, config) = (Arc::new(says), tls());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (says, config) = (Arc::clone(&says), Arc::clone(&config));
            thread::spawn(move || {
                let head = read_head(&mut stream);
                if !head.starts_with(&format!("CONNECT {HOST}:443 ")) {
                    return;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                let head = read_head(&mut tls);
                let path = head.split(' ').nth(1).unwrap_or_default();
                let answer = match says(path) {
                    Value::String(challenge) => format!(
                        "HTTP/1.1 401 -\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
                    ),
                    Value::Null => "HTTP/1.1 404 -\r\nContent-Length: 0\r\n\r\n".to_owned(),
                    document => {
                        let body = document.to_string();
                        let length = body.len();
                        format!("HTTP/1.1 200 -\r\nContent-Length: {length}\r\n\r\n{body}")
                    }
                };
                let _ = tls.write_all(answer.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            });
        }
    });
    port
}

/// A port of this machine that counts who comes.
fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _: Result<TcpStream, _> = stream;
        }
    });
    (port, visits)
}

/// Fails to log in to the public server, and returns what is said.
fn log_in(proxy: u16) -> String {
    let env = TestEnv::new().set("HTTPS_PROXY", format!("http://127.0.0.1:{proxy}"));
    let authority = env.file("authority.pem", AUTHORITY);
    env.config(&format!("[providers.id-made-up-example]\nca_file = \"{}\"\n", authority.display()));
    let login = env.tokctl(["login", &format!("https://{HOST}/mcp"), "--timeout", "1s"]);
    stderr(&login.assert().code(8).stdout_eq(""))
}

/// The metadata of the public resource, whose authorization server is `server`.
fn resource(server: &str) -> Value {
    json!({ "resource": format!("https://{HOST}/mcp"), "authorization_servers": [server] })
}

#[test]
fn a_public_server_leads_to_no_address_of_this_machine_or_of_a_private_network() {
    let (port, visits) = trap();
    for inside in [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
        "https://10.0.0.1".to_owned(),
        "https://169.254.169.254".to_owned(),
    ] {
        // Where its own metadata are, and who protects it.
        let metadata = format!("Bearer resource_metadata=\"{inside}/metadata\"");
        let proxy = public_server(move |path| match path {
            "/mcp" => metadata.clone().into(),
            _ => Value::Null,
        });
        let said = log_in(proxy);
        assert!(said.contains("is not asked"), "{said}");
        let server = inside.clone();
        let proxy = public_server(move |path| match path {
            "/mcp" => "Bearer".into(),
            "/.well-known/oauth-protected-resource/mcp" => resource(&server),
            _ => Value::Null,
        });
        let said = log_in(proxy);
        assert!(said.contains("is not asked"), "{said}");
        // And the endpoints of a server that is a public one itself.
        for field in [
            "authorization_endpoint",
            "token_endpoint",
            "registration_endpoint",
            "revocation_endpoint",
        ] {
            let inside = inside.clone();
            let proxy = public_server(move |path| match path {
                "/mcp" => "Bearer".into(),
                "/.well-known/oauth-protected-resource/mcp" => resource(&format!("https://{HOST}")),
                "/.well-known/oauth-authorization-server" => {
                    let mut metadata = json!({
                        "issuer": format!("https://{HOST}"),
                        "code_challenge_methods_supported": ["S256"],
                        "authorization_endpoint": format!("https://{HOST}/authorize"),
                        "token_endpoint": format!("https://{HOST}/token"),
                        "registration_endpoint": format!("https://{HOST}/register"),
                    });
                    metadata[field] = format!("{inside}/x").into();
                    metadata
                }
                "/register" => {
                    json!({ "client_id": "made-up", "token_endpoint_auth_method": "none" })
                }
                _ => Value::Null,
            });
            let said = log_in(proxy);
            assert!(said.contains("is not asked"), "{field}: {said}");
        }
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0, "somebody came");
}
