//! Clients that prove themselves with a certificate in the handshake of TLS (RFC 8705).

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use data_encoding::BASE64;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::env::{TestEnv, json as read_json, stderr, stdout};
use crate::export;

/// The host that only the stand-in proxy knows.
const HOST: &str = "id.made-up.example";

const AUTHORITY: &str = include_str!("made_up_tls/authority.pem");
const CERTIFICATE: &str = include_str!("../../src/oauth/made_up_tls/client.pem");
const LOGIN: [&str; 4] = ["login", "acme", "--method", "client-credentials"];

/// The certificate that takes the place of the other one, of another authority and with a new key.
const RENEWED: &str = include_str!("../../src/oauth/made_up_tls/renewed.pem");

const FIRST_AUTHORITY: &str = include_str!("made_up_tls/client_authority.pem");
const LATER_AUTHORITY: &str = include_str!("made_up_tls/later_authority.pem");

/// The key of the made-up certificate.
fn key() -> String {
    in_pem(include_str!("../../src/oauth/made_up_tls/client_key.base64"))
}

fn renewed_key() -> String {
    in_pem(include_str!("../../src/oauth/made_up_tls/renewed_key.base64"))
}

fn in_pem(body: &str) -> String {
    let marker = |word: &str| format!("-----{word} {} KEY-----", "PRIVATE");
    format!("{}\n{body}{}\n", marker("BEGIN"), marker("END"))
}

/// A request that came: whether with a certificate, where to, and with which body.
type Came = (bool, String, String);

/// A proxy with a server behind it that takes clients with the made-up certificate and without.
struct Server {
    port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    closing: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (came, closing): (Arc<Mutex<Vec<Came>>>, Arc<AtomicBool>) = Default::default();
        let config = Arc::new(Mutex::new(config_for(FIRST_AUTHORITY)));
        let acceptor = thread::spawn({
            let (came, closing) = (Arc::clone(&came), Arc::clone(&closing));
            let config = Arc::clone(&config);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if closing.load(Ordering::SeqCst) {
                        break;
                    }
                    let now = Arc::clone(&config.lock().unwrap());
                    if let Some(one) = serve(stream, now) {
                        came.lock().unwrap().push(one);
                    }
                }
            }
        });
        Self { port, came, config, closing, acceptor: Some(acceptor) }
    }

    /// Takes certificates of this authority alone from here on.
    fn trusts(&self, authority: &str) {
        *self.config.lock().unwrap() = config_for(authority);
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn config_for(authority: &str) -> Arc<ServerConfig> {
    let decode = |text: &str| BASE64.decode(text.replace('\n', "").as_bytes()).unwrap();
    let certificate = CertificateDer::from(decode(include_str!("made_up_tls/server.base64")));
    let own_key = decode(include_str!("made_up_tls/server_key.base64"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(own_key).unwrap());
    Arc::new(config.unwrap())
}

/// Answers one request behind a tunnel; `None` if no request came.
fn serve(mut stream: TcpStream, config: Arc<ServerConfig>) -> Option<Came> {
    let mut byte = [0];
    let mut tunnel = Vec::new();
    while !tunnel.ends_with(b"\r\n\r\n") && stream.read(&mut byte).ok()? == 1 {
        tunnel.push(byte[0]);
    }
    assert!(tunnel.starts_with(format!("CONNECT {HOST}:443 ").as_bytes()));
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let mut reader = BufReader::new(&mut tls);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let has_certificate = tls.conn.peer_certificates().is_some();
    let answer = answer(&path).to_string();
    let _ = write!(
        tls,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{answer}",
        answer.len()
    );
    tls.conn.send_close_notify();
    let _ = tls.flush();
    Some((has_certificate, path, String::from_utf8(body).unwrap()))
}

fn answer(path: &str) -> serde_json::Value {
    let at = |path: &str| format!("https://{HOST}{path}");
    if path == "/.well-known/oauth-authorization-server" {
        return json!({
            "issuer": at(""),
            "token_endpoint": at("/token"),
            "token_endpoint_auth_methods_supported": ["tls_client_auth"],
            "tls_client_certificate_bound_access_tokens": true,
            "mtls_endpoint_aliases": { "token_endpoint": at("/mtls/token") },
        });
    }
    json!({ "access_token": "access-1", "expires_in": 3600 })
}

fn world(server: &Server, definition: &str) -> TestEnv {
    let env = TestEnv::new().set("HTTPS_PROXY", format!("http://127.0.0.1:{}", server.port));
    for (name, text) in
        [("authority.pem", AUTHORITY), ("client.pem", CERTIFICATE), ("client.key", &*key())]
    {
        env.file(name, text);
    }
    let file = |name: &str| env.path(name).display().to_string();
    env.config(&format!(
        "[providers.acme]\nclient_id = \"tokctl-made-up\"\nca_file = \"{}\"\n{definition}",
        file("authority.pem")
    ));
    env
}

fn with_certificate(env: &TestEnv) -> String {
    let file = |name: &str| env.path(name).display().to_string();
    format!(
        "client_certificate_file = \"{}\"\nclient_certificate_key_file = \"{}\"\n",
        file("client.pem"),
        file("client.key")
    )
}

#[test]
fn a_certificate_proves_the_client_at_the_endpoints_for_it_and_is_sealed() {
    let server = Server::start();
    let env = world(&server, &format!("issuer = \"https://{HOST}\"\n"));
    env.add_config(&with_certificate(&env));
    env.tokctl(LOGIN).assert().success();
    for name in ["client.pem", "client.key"] {
        fs::remove_file(env.path(name)).unwrap();
    }
    env.tokctl(["refresh"]).assert().success();
    let shown = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(shown["certificate_bound"], true, "{shown}");
    let asked: Vec<Came> =
        server.came().into_iter().filter(|(_, path, _)| path.contains("token")).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    for (has_certificate, path, body) in asked {
        assert!(has_certificate);
        assert_eq!(path, "/mtls/token");
        assert_eq!(body, "grant_type=client_credentials&client_id=tokctl-made-up");
    }
}

#[test]
fn certificate_and_key_may_stand_in_one_file_and_only_the_certificate_is_shown() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    let file = env.file("both.pem", format!("{}{CERTIFICATE}", key()));
    env.add_config(&format!("client_certificate_file = \"{}\"\n", file.display()));
    env.add_config("token_endpoint_auth_method = \"self_signed_tls_client_auth\"\n");
    env.tokctl(LOGIN).assert().success();
    let came = server.came();
    assert!(came.iter().all(|(has_certificate, ..)| *has_certificate), "{came:?}");
    let vault = String::from_utf8_lossy(&env.vault_bytes()).into_owned();
    assert!(!vault.contains(&key()[40..80]));
}

#[test]
fn a_certificate_that_can_not_be_shown_is_told_before_anything_is_asked() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    let own = with_certificate(&env);
    env.add_config(&own);
    for (name, text) in
        [("client.key", "made-up"), ("client.key", CERTIFICATE), ("client.pem", AUTHORITY)]
    {
        env.file("client.pem", CERTIFICATE);
        env.file("client.key", key());
        env.file(name, text);
        let refused = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
        assert!(stderr(&refused).contains("client_certificate"), "{}", stderr(&refused));
    }
    assert_eq!(server.came(), []);
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config("token_endpoint_auth_method = \"tls_client_auth\"\n");
    let refused = env.tokctl(LOGIN).assert().code(2);
    assert!(stderr(&refused).contains("`client_certificate_file`"), "{}", stderr(&refused));
}

#[test]
fn a_copy_that_two_may_hold_has_the_certificate_with_it() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config(&with_certificate(&env));
    env.tokctl(LOGIN).assert().success();
    let env = export::with_bundle_key(env);
    let bundle = export::export(&env, &["acme"]);
    let there = TestEnv::new()
        .set("TOKCTL_BUNDLE_KEY", crate::env::another_key())
        .set("HTTPS_PROXY", format!("http://127.0.0.1:{}", server.port));
    export::import(&there, &bundle).success();
    there.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    there.tokctl(["refresh"]).assert().success();
    let came = server.came();
    assert_eq!(came.len(), 2, "{came:?}");
    assert!(came.iter().all(|(has_certificate, ..)| *has_certificate), "{came:?}");
}

/// Puts this certificate and key where the definition of `env` has them.
fn replace(env: &TestEnv, certificate: &str, key: &str) {
    env.file("client.pem", certificate);
    env.file("client.key", key);
}

#[test]
fn a_refresh_shows_the_certificate_that_the_definition_names_now() {
    let server = Server::start();
    for definition in [
        format!("token_endpoint = \"https://{HOST}/token\"\n"),
        format!("issuer = \"https://{HOST}\"\n"),
    ] {
        server.trusts(FIRST_AUTHORITY);
        let env = world(&server, &definition);
        env.add_config(&with_certificate(&env));
        env.tokctl(LOGIN).assert().success();
        // The server takes certificates of another authority by now.
        server.trusts(LATER_AUTHORITY);
        let refused = env.tokctl(["refresh"]).assert().code(2);
        assert!(
            stderr(&refused).contains("refuses the client's certificate"),
            "{}",
            stderr(&refused)
        );
        // Between two writes of whoever renews them, the files do not belong together.
        replace(&env, RENEWED, &key());
        env.tokctl(["refresh"]).assert().code(2);
        replace(&env, RENEWED, &renewed_key());
        env.tokctl(["refresh"]).assert().success();
        for name in ["client.pem", "client.key"] {
            fs::remove_file(env.path(name)).unwrap();
        }
        env.tokctl(["refresh"]).assert().success();
        // One that the server does not take is no reason to give up the sealed one.
        replace(&env, CERTIFICATE, &key());
        env.tokctl(["refresh"]).assert().success();
        let vault = String::from_utf8_lossy(&env.vault_bytes()).into_owned();
        assert!(!vault.contains(&renewed_key()[40..80]));
    }
}

#[test]
fn the_end_of_a_certificate_is_told() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config(&with_certificate(&env));
    env.tokctl(LOGIN).assert().success();
    let why = stdout(&env.tokctl(["why"]).assert().success());
    assert!(why.contains("certificate") && why.contains("good until"), "{why}");
    env.tokctl(["status"]).assert().success();

    env.file("client.pem", include_str!("made_up_tls/ended.pem"));
    let status = env.tokctl(["status"]).assert();
    let told = String::from_utf8_lossy(&status.get_output().stdout).into_owned();
    assert!(told.contains("the certificate of its client ended"), "{told}");
}

#[test]
fn a_certificate_of_another_client_is_not_shown() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config(&with_certificate(&env));
    env.tokctl(LOGIN).assert().success();
    server.trusts(LATER_AUTHORITY);
    replace(&env, RENEWED, &renewed_key());
    let file = env.path("client.pem").display().to_string();
    let other = format!(
        "[providers.acme]\nclient_id = \"another\"\ntoken_endpoint = \"https://{HOST}/token\"\n\
         ca_file = \"{}\"\nclient_certificate_file = \"{file}\"\n\
         client_certificate_key_file = \"{}\"\n",
        env.path("authority.pem").display(),
        env.path("client.key").display(),
    );
    env.config(&other);
    env.tokctl(["refresh"]).assert().code(2);
    // Nor at another address.
    env.config(&other.replace("another", "tokctl-made-up").replace("/token\"", "/other\""));
    env.tokctl(["refresh"]).assert().code(2);
}

#[test]
fn the_key_of_a_certificate_is_shown_nowhere() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config(&with_certificate(&env));
    let env = export::with_bundle_key(env.set("TOKCTL_LOG", "debug"));
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let done = env.tokctl(["-vvv"].iter().chain(arguments)).assert();
        said += &stderr(&done);
        said += &String::from_utf8_lossy(&done.get_output().stdout);
    };
    run(&LOGIN);
    run(&["refresh"]);
    server.trusts(LATER_AUTHORITY);
    run(&["refresh"]);
    env.file("client.key", key().replace('h', "i"));
    run(&LOGIN);
    env.file("client.key", key());
    for command in [
        &["list"][..],
        &["list", "--json"],
        &["list", "--wide"],
        &["status"],
        &["get", "--format", "json"],
        &["why"],
        &["doctor"],
        &["providers", "acme"],
        &["audit"],
        &["check"],
    ] {
        run(command);
    }
    let bundle = export::export(&env, &["acme"]);
    let vault = String::from_utf8_lossy(&env.vault_bytes()).into_owned();
    let (own, spoilt) = (key(), key().replace('h', "i"));
    for line in own.lines().chain(spoilt.lines()) {
        let is_secret = !line.starts_with('-');
        for (place, text) in [("a message", &said), ("the bundle", &bundle), ("the vault", &vault)]
        {
            assert!(!is_secret || !text.contains(line), "the key is in {place}:\n{text}");
        }
    }
}

#[test]
fn tls_settings_that_can_not_work_are_told_with_their_fields_before_anything_is_asked() {
    let server = Server::start();
    let ended = include_str!("made_up_tls/ended.pem");
    let later = include_str!("made_up_tls/later.pem");
    for definition in [
        format!("token_endpoint = \"https://{HOST}/token\"\n"),
        format!("issuer = \"https://{HOST}\"\n"),
    ] {
        for (name, text, told) in [
            ("client.pem", ended, "ended on 2021-01-01T00:00:00Z"),
            ("client.pem", later, "begins on 2100-01-01T00:00:00Z"),
            ("client.pem", "made-up", "hold no certificate in PEM"),
            ("client.pem", &*key(), "hold no certificate in PEM"),
            ("client.key", CERTIFICATE, "with the key that belongs to it"),
            ("client.key", &*renewed_key(), "with the key that belongs to it"),
            ("authority.pem", "made-up", "`ca_file` of `acme`, holds no certificate in PEM"),
        ] {
            let env = world(&server, &definition);
            env.add_config(&with_certificate(&env));
            env.file(name, text);
            let refused = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
            let said = stderr(&refused);
            assert!(said.contains(told) && said.contains("hint: mend"), "{said}");
            let found = env.tokctl(["doctor"]).assert();
            let rows = String::from_utf8_lossy(&found.get_output().stdout).into_owned();
            assert!(rows.contains(told), "{rows}");
        }
    }
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    let key_file = env.path("client.key").display().to_string();
    env.add_config(&format!("client_certificate_key_file = \"{key_file}\"\n"));
    let said = stderr(&env.tokctl(LOGIN).assert().code(2));
    assert!(said.contains("and no `client_certificate_file`"), "{said}");
    assert_eq!(server.came(), []);
}

#[test]
fn who_is_known_by_the_certificate_itself_may_show_one_that_ended() {
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config(&with_certificate(&env));
    env.add_config("token_endpoint_auth_method = \"self_signed_tls_client_auth\"\n");
    env.file("client.pem", include_str!("made_up_tls/ended.pem"));
    // This server looks at the authority, which is another matter.
    let said = stderr(&env.tokctl(LOGIN).assert().code(2));
    assert!(said.contains("the server refuses the client's certificate"), "{said}");
}

#[test]
fn a_key_of_a_certificate_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start();
    let env = world(&server, &format!("token_endpoint = \"https://{HOST}/token\"\n"));
    env.add_config(&with_certificate(&env));
    fs::set_permissions(env.path("client.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = stderr(&env.tokctl(LOGIN).assert().success());
    assert!(said.contains("warning") && said.contains("client.key"), "{said}");
    let found = env.tokctl(["doctor"]).assert();
    let rows = String::from_utf8_lossy(&found.get_output().stdout).into_owned();
    assert!(rows.contains("client.key"), "{rows}");
}
