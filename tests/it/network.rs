//! What stands between tokctl and a server: proxies, authorities that nobody trusts, and servers that
//! demand a client certificate.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use data_encoding::BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::env::{TestEnv, stderr};

/// The host that only the stand-in proxies know.
const HOST: &str = "id.made-up.example";

const AUTHORITY: &str = include_str!("made_up_tls/authority.pem");

const LOGIN: [&str; 6] = ["login", "acme", "--user", "x", "--method", "client-credentials"];

/// A client of a server that is reached through the proxy at `proxy`, as the variable `name` says.
fn behind(name: &str, proxy: &str) -> TestEnv {
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret").set(name, proxy);
    env.config(&format!(
        "[providers.acme]\ntoken_endpoint = \"https://{HOST}/token\"\nclient_id = \"made-up\"\n\
         token_endpoint_auth_method = \"client_secret_post\"\n"
    ));
    env
}

fn failed(env: &TestEnv) -> String {
    stderr(&env.tokctl(LOGIN).assert().code(6).stdout_eq(""))
}

/// Serves one connection with `serve`, and returns the port.
fn once<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Reads to the end of an HTTP head.
fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// The server behind a proxy that tunnels. With `demands_certificate`, it takes no client without
/// one.
fn tls_server(demands_certificate: bool) -> (u16, JoinHandle<()>) {
    let decode = |text: &str| BASE64.decode(text.replace('\n', "").as_bytes()).unwrap();
    let certificate = CertificateDer::from(decode(include_str!("made_up_tls/server.base64")));
    let key = decode(include_str!("made_up_tls/server_key.base64"));
    let key = PrivateKeyDer::try_from(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).unwrap()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = if demands_certificate {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    once(move |mut stream| {
        assert!(read_head(&mut stream).starts_with(&format!("CONNECT {HOST}:443 ")));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        // A client that does not like the certificate, or has none, ends it here.
        let mut byte = [0];
        if tls.read(&mut byte).is_ok_and(|read| read == 1) {
            read_head(&mut tls);
            let body = r#"{"access_token":"access-1","expires_in":3600}"#;
            let length = body.len();
            let _ = write!(
                tls,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            );
        }
        tls.conn.send_close_notify();
        let _ = tls.flush();
    })
}

#[test]
fn a_certificate_of_an_unknown_authority_names_both_ways_to_trust_it() {
    let (port, server) = tls_server(false);
    let env = behind("HTTPS_PROXY", &format!("http://127.0.0.1:{port}"));
    let said = failed(&env);
    assert!(said.contains("was issued by nobody who is trusted here"), "{said}");
    let hint = said.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
    assert!(hint.contains("`ca_file`") && hint.contains("SSL_CERT_FILE"), "{said}");
    server.join().unwrap();

    // Each of them does.
    let file = env.file("authority.pem", AUTHORITY);
    for by_setting in [true, false] {
        let (port, server) = tls_server(false);
        let env = behind("HTTPS_PROXY", &format!("http://127.0.0.1:{port}"));
        let env = if by_setting {
            env.add_config(&format!("ca_file = \"{}\"\n", file.display()));
            env
        } else {
            env.set("SSL_CERT_FILE", file.to_str().unwrap())
        };
        env.tokctl(LOGIN).assert().success();
        env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_demands_a_client_certificate_is_said_to() {
    let (port, server) = tls_server(true);
    let env = behind("HTTPS_PROXY", &format!("http://127.0.0.1:{port}"));
    let file = env.file("authority.pem", AUTHORITY);
    env.add_config(&format!("ca_file = \"{}\"\n", file.display()));
    // Exit 2: no later try helps.
    let said = stderr(&env.tokctl(LOGIN).assert().code(2).stdout_eq(""));
    assert!(said.contains("could not connect to"), "{said}");
    assert!(said.contains("the server demands a client certificate"), "{said}");
    assert!(said.contains("hint: name one that the server takes"), "{said}");
    server.join().unwrap();
}

#[test]
fn a_proxy_that_wants_a_password_is_told_from_the_server() {
    let (port, proxy) = once(|mut stream| {
        let head = read_head(&mut stream);
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        head
    });
    let said = failed(&behind("HTTPS_PROXY", &format!("http://127.0.0.1:{port}")));
    assert!(
        said.contains("wants a name and a password, as in http://USER:PASSWORD@HOST"),
        "{said}"
    );
    assert!(said.contains("HTTPS_PROXY"), "{said}");
    assert!(proxy.join().unwrap().starts_with("CONNECT "));
}

#[test]
fn a_proxy_that_is_not_there_is_named_in_place_of_the_server() {
    for scheme in ["http", "socks5h"] {
        let port = crate::login_browser::free_port();
        let said = failed(&behind("ALL_PROXY", &format!("{scheme}://127.0.0.1:{port}")));
        assert!(said.contains("the proxy of HTTPS_PROXY or ALL_PROXY can't be reached"), "{said}");
    }
}

#[test]
fn a_socks_proxy_is_asked_for_the_server_by_its_name() {
    let (port, proxy) = once(|mut stream| {
        // RFC 1928: a greeting with methods, then a request with a name (type 3).
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).unwrap();
        let mut methods = vec![0; greeting[1].into()];
        stream.read_exact(&mut methods).unwrap();
        stream.write_all(&[5, 0]).unwrap();
        let mut request = [0; 5];
        stream.read_exact(&mut request).unwrap();
        let mut name = vec![0; request[4].into()];
        stream.read_exact(&mut name).unwrap();
        stream.read_exact(&mut [0; 2]).unwrap();
        // 2: not allowed by the rules.
        stream.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        (request[..4].to_vec(), String::from_utf8(name).unwrap())
    });
    let said = failed(&behind("ALL_PROXY", &format!("socks5h://127.0.0.1:{port}")));
    assert!(said.contains("the proxy of HTTPS_PROXY or ALL_PROXY failed"), "{said}");
    assert_eq!(proxy.join().unwrap(), (vec![5, 1, 0, 3], HOST.to_owned()));
}
