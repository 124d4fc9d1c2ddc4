//! Clients that prove themselves with what their key signs (`private_key_jwt`, RFC 7523 §2.2).

use serde_json::json;

use crate::authorization_server::{
    Audience, AuthorizationServer, Client, SigningClient, TokenRequest, issue, refuse,
};
use crate::env::{TestEnv, another_key, stderr, stdout};
use crate::export;

const CLIENT_LOGIN: [&str; 4] = ["login", "acme", "--method", "client-credentials"];
const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];

/// A server that knows `key`, and a world in which the key lies in a private file.
fn world(key: &SigningClient) -> (AuthorizationServer, TestEnv) {
    let server = AuthorizationServer::start_for(Client::public().with_key(key));
    let env = TestEnv::new().with_provider(&server);
    let file = env.file("client.pem", key.pem());
    env.add_config(&format!("client_key_file = \"{}\"\n", file.display()));
    (server, env)
}

fn as_client() -> TokenRequest {
    TokenRequest::ClientCredentials { scope: Some("read offline_access".to_owned()) }
}

#[test]
fn each_kind_of_key_proves_the_client_and_is_sealed_with_the_login() {
    for (key, settings) in [
        (SigningClient::rsa("RS256"), ""),
        (SigningClient::rsa("PS256"), "client_key_alg = \"PS256\"\n"),
        (SigningClient::p256(), ""),
        (SigningClient::ed25519().named("made-up-1"), "client_key_id = \"made-up-1\"\n"),
    ] {
        let (server, env) = world(&key);
        env.add_config(settings);
        server.will(issue().without_refresh_token().expires_in(0));
        env.tokctl(CLIENT_LOGIN).assert().success();
        std::fs::remove_file(env.path("client.pem")).unwrap();
        server.will(issue().without_refresh_token());
        env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
        assert_eq!(server.token_requests(), [as_client(), as_client()]);
    }
}

#[test]
fn a_login_in_the_browser_proves_itself_at_every_endpoint_to_the_issuer() {
    let key = SigningClient::p256().for_audience(Audience::Issuer);
    let server = AuthorizationServer::start_for(Client::public().with_key(&key));
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_KEY", key.pem());
    env.config(&server.definition_by_issuer());
    server.will_describe_itself();
    env.log_in("x", &server, issue().expires_in(0));
    let env = env.unset("TOKCTL_ACME_CLIENT_KEY");
    server.will(issue());
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    server.will_revoke(200);
    server.will_revoke(200);
    env.tokctl(["delete", "acme/x", "--yes"]).assert().success();
}

#[test]
fn a_device_proves_itself_at_the_address_of_each_request() {
    let key = SigningClient::p256().for_audience(Audience::EachEndpoint);
    let (server, env) = world(&key);
    env.add_config(&server.device_endpoint());
    env.add_config("client_assertion_audience = \"{endpoint}\"\n");
    let page = json!({ "verification_uri": "https://as.example/device", "interval": 1 });
    server.will_give_a_code(page);
    server.will(refuse(400, "authorization_pending"));
    server.will(issue());
    env.tokctl(LOGIN.into_iter().chain(["--method", "device"])).assert().success();
}

#[test]
fn the_key_may_come_from_a_flag_a_variable_or_a_program() {
    let key = SigningClient::p256();
    let server = AuthorizationServer::start_for(Client::public().with_key(&key));
    let env = TestEnv::new().with_provider(&server).set("MADE_UP_KEY", key.pem());
    let file = env.file("client.pem", key.pem());
    let own = server.definition().replace("token_endpoint_auth_method = \"private_key_jwt\"\n", "");
    for settings in [
        String::new(),
        "client_key_env = \"MADE_UP_KEY\"\n".to_owned(),
        format!("client_key_command = [\"cat\", \"{}\"]\n", file.display()),
    ] {
        env.config(&format!("{own}{settings}"));
        server.will(issue().without_refresh_token());
        let flag = ["--client-key-file", "client.pem"];
        let flag = if settings.is_empty() { &flag[..] } else { &[] };
        env.tokctl(CLIENT_LOGIN.iter().chain(flag)).assert().success();
        env.tokctl(["delete", "acme/tokctl-made-up", "--yes", "--no-revoke"]).assert().success();
    }
}

#[test]
fn a_login_again_signs_with_the_key_in_the_vault_and_for_no_other_server() {
    let key = SigningClient::p256();
    let (server, env) = world(&key);
    server.will(issue().without_refresh_token());
    env.tokctl(CLIENT_LOGIN).assert().success();
    env.config(&server.definition());
    server.will(issue().without_refresh_token());
    server.will_revoke(200);
    env.tokctl(["login", "acme/tokctl-made-up"]).assert().success();
    let elsewhere = server.definition().replace("/token\"", "/elsewhere\"");
    env.config(&elsewhere);
    let refused = env.tokctl(["login", "acme/tokctl-made-up"]).assert().code(2);
    assert!(stderr(&refused).contains("--client-key-file"), "{}", stderr(&refused));
}

#[test]
fn a_key_that_was_replaced_is_tried_once_and_sealed_in_its_place() {
    let (old, new) = (SigningClient::p256(), SigningClient::p256());
    let client = Client::public().with_key(&old).or_key(&new);
    let server = AuthorizationServer::start_for(client);
    let env = TestEnv::new().with_provider(&server);
    let file = env.file("client.pem", old.pem());
    env.add_config(&format!("client_key_file = \"{}\"\n", file.display()));
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(CLIENT_LOGIN).assert().success();
    let tried = |refusals: usize, expected: &str| {
        for _ in 0..refusals {
            server.will(refuse(401, "invalid_client"));
        }
        server.will(issue().without_refresh_token().expires_in(0));
        env.tokctl(["get"]).assert().success().stdout_eq(format!("{expected}\n"));
    };
    env.file("client.pem", new.pem());
    tried(1, "access-2");
    std::fs::remove_file(&file).unwrap();
    tried(0, "access-3");
    assert_eq!(new.uses(), 2, "the new key was sealed");
}

#[test]
fn a_key_that_signs_nothing_is_told_before_anything_is_asked() {
    let key = SigningClient::p256();
    let (server, env) = world(&key);
    let marker = |word: &str| format!("-----BEGIN {word} KEY-----\nbWFkZS11cA==\n");
    for (text, told) in [
        ("made-up-key", "neither a private key in PEM nor a JWK"),
        (&marker("ENCRYPTED PRIVATE"), "`openssl pkey` decrypts it"),
        (&marker("PUBLIC"), "it is a public key"),
        (r#"{"kty":"EC","crv":"P-521","d":"bWFkZS11cA"}"#, "no P-256 key"),
        (r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA"}]}"#, "it is a public key"),
    ] {
        env.file("client.pem", text);
        for login in [&CLIENT_LOGIN[..], &LOGIN[..]] {
            let refused = env.tokctl(login).assert().code(2).stdout_eq("");
            assert!(stderr(&refused).contains(told), "{}", stderr(&refused));
            assert!(!stderr(&refused).contains("bWFkZS11c"), "{}", stderr(&refused));
        }
    }
    env.add_config("client_key_alg = \"RS256\"\n");
    env.file("client.pem", key.pem());
    let refused = env.tokctl(LOGIN).assert().code(2);
    assert!(stderr(&refused).contains("can't sign with RS256"), "{}", stderr(&refused));
    drop(server);
}

#[test]
fn an_rsa_key_signs_as_the_server_publishes_it_and_a_key_for_nobody_is_told() {
    let algorithms = "token_endpoint_auth_signing_alg_values_supported";
    let key = SigningClient::rsa("PS256").for_audience(Audience::Issuer);
    let server = AuthorizationServer::start_for(Client::public().with_key(&key));
    let env = TestEnv::new().set("TOKCTL_ACME_CLIENT_KEY", key.pem());
    env.config(&server.definition_by_issuer());
    server.describes_itself_with(algorithms, json!(["PS256", "ES512"]));
    server.will_describe_itself();
    server.will(issue().without_refresh_token());
    env.tokctl(CLIENT_LOGIN).assert().success();
    let env = env.set("TOKCTL_ACME_CLIENT_KEY", SigningClient::p256().pem());
    server.will_describe_itself();
    let refused = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
    let told = "it signs with ES256, and the server takes PS256";
    assert!(stderr(&refused).contains(told), "{}", stderr(&refused));
}

#[test]
fn a_client_whose_key_is_nowhere_is_told_which_flag_gives_it() {
    let server = AuthorizationServer::start_for(Client::public().with_key(&SigningClient::p256()));
    let env = TestEnv::new().with_provider(&server);
    for login in [&CLIENT_LOGIN[..], &LOGIN[..]] {
        let refused = env.tokctl(login).assert().code(2);
        assert!(stderr(&refused).contains("--client-key-file"), "{}", stderr(&refused));
    }
}

#[test]
fn the_key_is_shown_nowhere_and_stays_where_a_copy_leaves() {
    let key = SigningClient::rsa("RS256");
    let (server, env) = world(&key);
    let env = export::with_bundle_key(env.set("TOKCTL_LOG", "debug"));
    env.log_in("x", &server, issue().expires_in(5));
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let done = env.tokctl(["-vvv"].iter().chain(arguments)).assert();
        said += &stderr(&done);
        said += &stdout(&done);
    };
    server.will(refuse(401, "invalid_client"));
    run(&["refresh", "acme"]);
    server.will(issue());
    run(&["refresh", "acme"]);
    for command in [
        &["list", "--json"][..],
        &["get", "--format", "json"],
        &["why", "acme"],
        &["doctor"],
        &["providers", "acme"],
        &["audit"],
    ] {
        run(command);
    }
    let bundle = export::export(&env, &["acme/x"]);
    let vault = String::from_utf8_lossy(&env.vault_bytes()).into_owned();
    // The beginning of the key itself, behind what is alike in all of its kind.
    let secret = &key.pem()[80..140];
    for (place, text) in [("a message", &said), ("the bundle", &bundle), ("the vault", &vault)] {
        assert!(!text.contains(secret), "the key is in {place}:\n{text}");
    }
    // What arrives has no key: it works until its end, and nothing renews it.
    let there = TestEnv::new().set("TOKCTL_BUNDLE_KEY", another_key());
    export::import(&there, &bundle).success();
    there.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
    there.tokctl(["refresh", "acme/x"]).assert().code(4);
}
