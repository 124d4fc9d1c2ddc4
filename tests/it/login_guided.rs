//! `tokctl login` alone, at a terminal: questions, and the command that needs none.

use rexpect::session::PtySession;
use serde_json::json;

use crate::authorization_server::{
    Audience, AuthorizationServer, Client, SigningClient, TokenRequest, issue,
};
use crate::browser::visit;
use crate::env::{TestEnv, json as read_json};
use crate::terminal::{at_a_terminal, ending};

const DOWN: &str = "\u{1b}[B";

/// Answers a question with what is typed.
fn answer(session: &mut PtySession, question: &str, typed: &str) {
    session.exp_string(question).unwrap();
    session.send_line(typed).unwrap();
}

/// Takes the item that stands so far down in a menu.
fn take(session: &mut PtySession, question: &str, position: usize) {
    session.exp_string(question).unwrap();
    session.send(&DOWN.repeat(position)).unwrap();
    session.send_line("").unwrap();
}

/// `acme` as the first of all providers, with the server's endpoints and no client.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new();
    let definition = server.definition().replace("client_id = \"tokctl-made-up\"\n", "");
    env.add_config(&definition);
    env
}

/// `acme` by its issuer alone, with neither a client nor its method.
fn by_issuer(server: &AuthorizationServer) -> String {
    let definition = server.definition_by_issuer();
    let is_of_client =
        |line: &&str| line.starts_with("client_id") || line.starts_with("token_endpoint_auth");
    let lines: Vec<&str> = definition.lines().filter(|line| !is_of_client(line)).collect();
    format!("{}\n", lines.join("\n"))
}

#[test]
fn a_first_login_asks_for_what_it_needs_and_says_how_to_spare_that() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &["login"]);
    take(&mut session, "log in to", 0);
    take(&mut session, "how", 1);
    answer(&mut session, "client id", "tokctl-made-up");
    answer(&mut session, "name to keep", "alice smith");
    let (_, address) = session.exp_regex(r"http://127\.0\.0\.1:\d+/authorize\S+").unwrap();
    session.exp_string("it does not show").unwrap();
    visit(&address);
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    let command =
        "tokctl login acme --method browser --client-id tokctl-made-up --user 'alice smith'";
    assert!(said.contains(command), "{said}");
    env.tokctl(["get", "--user", "alice smith"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_secret_is_typed_unseen_and_not_part_of_the_command() {
    let server =
        AuthorizationServer::start_for(Client::public().with_post_secret("made-up-secret"));
    let env = world(&server);
    env.add_config("refresh = { kind = \"client_credentials\" }\n");
    server.will(issue().without_refresh_token());
    let mut session = at_a_terminal(&env, &["login"]);
    take(&mut session, "log in to", 0);
    take(&mut session, "how", 0);
    answer(&mut session, "client id", "tokctl-made-up");
    answer(&mut session, "secret", "made-up-secret");
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("made-up-secret"), "{said}");
    assert!(said.contains("--client-secret-file FILE"), "{said}");
    assert!(matches!(server.token_requests()[..], [TokenRequest::ClientCredentials { .. }]));
}

#[test]
fn a_token_needs_its_server_and_its_user() {
    let env = TestEnv::new();
    env.add_config("[providers.a-jira]\nextends = \"jira\"\n");
    let mut session = at_a_terminal(&env, &["login"]);
    take(&mut session, "log in to", 0);
    take(&mut session, "how", 0);
    answer(&mut session, "address", "https://jira.example.com");
    answer(&mut session, "personal access token", "");
    answer(&mut session, "name to keep", "alice");
    answer(&mut session, "token", "made-up-token");
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    let command =
        "tokctl login a-jira --server https://jira.example.com --user alice --token-stdin";
    assert!(said.contains(command), "{said}");
    let got = read_json(&env.tokctl(["get", "--format", "json"]).assert().success());
    assert_eq!(got["server_url"], "https://jira.example.com");
    assert_eq!(got["access_token"], "made-up-token");
}

#[test]
fn flags_that_say_how_are_not_asked_about() {
    let env = TestEnv::new();
    env.add_config("[providers.a-vendor]\napi_auth = \"bearer\"\n");
    let mut session = at_a_terminal(&env, &["login", "--user", "x", "--method", "token"]);
    take(&mut session, "log in to", 0);
    answer(&mut session, "token", "made-up-token");
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    let command = "tokctl login a-vendor --user x --method token --token-stdin";
    assert!(said.contains(command), "{said}");
}

#[test]
fn a_key_is_asked_for_where_the_server_takes_nothing_else() {
    let key = SigningClient::p256().for_audience(Audience::Issuer);
    for (method, methods) in [
        ("browser", json!(["private_key_jwt", "tls_client_auth"])),
        ("client-credentials", json!(["private_key_jwt", "none"])),
    ] {
        let server = AuthorizationServer::start_for(Client::public().with_key(&key));
        server.describes_itself_with("token_endpoint_auth_methods_supported", methods);
        let env = TestEnv::new();
        env.add_config(&by_issuer(&server));
        let file = env.file("made-up.pem", key.pem());
        server.will_describe_itself();
        server.will_describe_itself();
        let mut session =
            at_a_terminal(&env, &["login", "acme", "--user", "x", "--method", method]);
        answer(&mut session, "client id", "tokctl-made-up");
        answer(&mut session, "private key", "/nowhere/made-up.pem");
        answer(&mut session, "private key", &file.display().to_string());
        if method == "browser" {
            server.will_log_in(issue());
            let (_, address) = session.exp_regex(r"http://127\.0\.0\.1:\d+/authorize\S+").unwrap();
            session.exp_string("it does not show").unwrap();
            visit(&address);
        } else {
            server.will(issue().without_refresh_token());
        }
        let (said, code) = ending(session);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(&format!("--client-key-file {}", file.display())), "{said}");
        env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
    }
}

#[test]
fn no_key_is_asked_for_where_a_client_needs_none() {
    let server = AuthorizationServer::start();
    let methods = json!(["private_key_jwt", "none"]);
    server.describes_itself_with("token_endpoint_auth_methods_supported", methods);
    let env = TestEnv::new();
    env.add_config(&by_issuer(&server));
    server.will_describe_itself();
    server.will_describe_itself();
    server.will_log_in(issue());
    let mut session = at_a_terminal(&env, &["login", "acme", "--user", "x", "--method", "browser"]);
    answer(&mut session, "client id", "tokctl-made-up");
    let (_, address) = session.exp_regex(r"http://127\.0\.0\.1:\d+/authorize\S+").unwrap();
    session.exp_string("it does not show").unwrap();
    visit(&address);
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
}
