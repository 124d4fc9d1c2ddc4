//! ID tokens (OpenID Connect Core 1.0): the nonce, the checks, and where the token is handed out.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use snapbox::cmd::OutputAssert;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, another_key, json, stderr, stdout};
use crate::export::{export, hand_over, import, with_bundle_key};

const LOGIN: [&str; 4] = ["login", "acme", "--user", "x"];

/// A world in which logins with `server` ask for an ID token.
fn world(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new();
    let definition = server.definition().replace("\"read\"", "\"openid\", \"read\"");
    env.config(&format!("{definition}issuer = \"{}\"\n", server.url("")));
    env
}

fn log_in(env: &TestEnv, server: &AuthorizationServer, claims: Value) -> OutputAssert {
    server.will_log_in(issue().with_id_token(claims));
    let login = env.begin_login(LOGIN);
    login.visit();
    login.finish()
}

/// The claims of the stored ID token.
fn stored(env: &TestEnv) -> Value {
    let token = json(&env.tokctl(["get", "acme/x", "--format", "json"]).assert().success());
    token["id_token"].as_str().map_or(Value::Null, claims)
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap()
}

#[test]
fn an_id_token_is_kept_and_handed_out_by_name() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    let done = log_in(&env, &server, json!({ "email": "alice@example.com", "name": "Alice" }));
    let said = stderr(&done.success());
    assert!(said.contains("logged in to acme as Alice (alice@example.com)"), "{said}");
    assert!(!said.contains("ID token"), "{said}");
    let nonce = server.authorizations()[0].param("nonce").unwrap().to_owned();
    assert_eq!(stored(&env)["nonce"], json!(nonce));

    let printed = stdout(
        &env.tokctl(["run", "--env", "ID=acme/x/id_token", "--no-masking", "--", "printenv", "ID"])
            .assert()
            .success(),
    );
    assert_eq!(claims(printed.trim())["sub"], json!("made-up-1"));
    let masked = env.tokctl(["run", "--env", "ID=acme/x/id_token", "--", "printenv", "ID"]);
    masked.assert().success().stdout_eq("***\n");
    let masking = env.tokctl(["get", "acme/x", "--format", "json", "--ci-mask", "github"]).assert();
    assert!(stderr(&masking.success()).contains(printed.trim()));
    env.tokctl(["env", "ID=tokctl://acme/x/id_token"]).assert().success();
    let bytes = env.vault_bytes();
    let whole = printed.trim().as_bytes();
    assert!(!bytes.windows(whole.len()).any(|window| window == whole), "not sealed");
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn each_login_has_another_nonce_and_only_where_an_id_token_is_asked_for() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    log_in(&env, &server, json!({})).success();
    server.will_revoke(200);
    server.will_revoke(200);
    log_in(&env, &server, json!({})).success();
    let asked = server.authorizations();
    assert_ne!(asked[0].param("nonce"), asked[1].param("nonce"));
    // The strict server complains about one that nothing asks for.
    let plain = AuthorizationServer::start();
    TestEnv::new().with_login("x", &plain, issue());
}

#[test]
fn an_id_token_of_another_login_server_or_client_refuses_the_login() {
    for wrong in [
        json!({ "nonce": "0123456789abcdef0123456789abcdef" }),
        json!({ "nonce": null }),
        json!({ "iss": "https://other.example" }),
        json!({ "iss": null }),
        json!({ "aud": "another-client" }),
        json!({ "aud": ["tokctl-made-up", "another-client"], "azp": "another-client" }),
        json!({ "aud": null }),
    ] {
        let server = AuthorizationServer::start();
        let env = world(&server);
        // What such an answer granted is given back.
        server.will_revoke(200);
        server.will_revoke(200);
        let refused = log_in(&env, &server, wrong.clone()).code(8).stdout_eq("");
        let said = stderr(&refused);
        assert!(said.contains("the ID token is not one for this login"), "{wrong}: {said}");
        assert!(said.contains("caused by: ") && !said.contains("made-up-1"), "{wrong}: {said}");
        env.tokctl(["get", "acme/x"]).assert().code(3);
    }
}

#[test]
fn an_id_token_that_is_missing_or_useless_costs_a_warning_and_nothing_else() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    server.will_log_in(issue());
    let login = env.begin_login(LOGIN);
    login.visit();
    let said = stderr(&login.finish().success());
    assert!(said.contains("warning: the provider gave no ID token"), "{said}");
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
    assert_eq!(stored(&env), Value::Null);
    let lacking = env.tokctl(["run", "--env", "ID=acme/x/id_token", "--", "true"]).assert().code(1);
    assert!(stderr(&lacking).contains("`acme/x` has no id_token"));

    for useless in [json!("made.up"), json!("a.b.c.d.e"), json!("no token")] {
        let server = AuthorizationServer::start();
        let env = world(&server);
        server.will_log_in(issue().with("id_token", useless));
        let login = env.begin_login(LOGIN);
        login.visit();
        assert!(stderr(&login.finish().success()).contains("warning: "));
        env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
    }
    let server = AuthorizationServer::start();
    let env = world(&server);
    let said = stderr(&log_in(&env, &server, json!({ "exp": 1_700_000_000 })).success());
    assert!(said.contains("the ID token of this login is not kept, it had ended"), "{said}");
    assert_eq!(stored(&env), Value::Null);
}

#[test]
fn a_refresh_brings_a_new_id_token_of_the_same_person_and_no_other() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    log_in(&env, &server, json!({ "exp": 4_000_000_000_i64 })).success();
    server.will(issue().with_id_token(json!({ "exp": 4_000_000_001_i64 })));
    env.tokctl(["refresh", "acme/x"]).assert().success();
    assert_eq!(stored(&env)["exp"], json!(4_000_000_001_i64));
    for (number, wrong) in [
        json!({ "sub": "made-up-2" }),
        json!({ "iss": "https://other.example" }),
        json!({ "aud": "another-client" }),
    ]
    .into_iter()
    .enumerate()
    {
        server.will(issue().with_id_token(wrong));
        let said = stderr(&env.tokctl(["refresh", "acme/x"]).assert().success());
        assert!(
            said.contains("ID token that came with the refresh of `acme/x` was dropped"),
            "{said}"
        );
        assert_eq!(stored(&env)["exp"], json!(4_000_000_001_i64));
        let token = format!("access-{}\n", number + 3);
        env.tokctl(["get", "acme/x"]).assert().success().stdout_eq(token);
    }
    server.will(issue().with_id_token(json!({ "sub": "made-up-2" })));
    let said = stderr(&env.tokctl(["refresh", "--all"]).assert().success());
    assert!(said.contains("was dropped"), "{said}");
    // Without a new one the old one stays.
    server.will(issue());
    env.tokctl(["refresh", "acme/x"]).assert().success().stderr_eq("acme/x refreshed[..]\n");
    assert_eq!(stored(&env)["exp"], json!(4_000_000_001_i64));
}

#[test]
fn a_device_can_send_no_nonce_and_its_id_token_is_checked_for_the_rest() {
    for (claims, code) in [(json!({}), 0), (json!({ "aud": "another-client" }), 8)] {
        let server = AuthorizationServer::start();
        let env = world(&server);
        env.add_config(&server.device_endpoint());
        server.will_give_a_code(json!({ "verification_uri": server.url("/enter"), "interval": 0 }));
        server.will(issue().with_id_token(claims));
        if code != 0 {
            server.will_revoke(200);
            server.will_revoke(200);
        }
        let args = ["login", "acme", "--user", "x", "--method", "device", "--no-browser"];
        env.tokctl(args).assert().code(code);
    }
}

#[test]
fn a_fixed_nonce_in_the_configuration_is_refused() {
    let server = AuthorizationServer::start();
    let env = world(&server);
    env.add_config("authorization_params = { nonce = \"made-up\" }\n");
    let refused = env.tokctl(LOGIN).assert().code(2);
    assert!(stderr(&refused).contains("`nonce` in `authorization_params` is not for it to set"));
}

#[test]
fn an_id_token_moves_with_its_login_and_stays_out_of_a_copy() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(world(&server));
    log_in(&env, &server, json!({})).success();
    let there = || TestEnv::new().set("TOKCTL_BUNDLE_KEY", another_key());
    let holder_of_copy = there();
    import(&holder_of_copy, &export(&env, &["acme/x"])).success();
    assert_eq!(stored(&holder_of_copy), Value::Null);
    let new_owner = there();
    import(&new_owner, &hand_over(&env)).success();
    assert_eq!(stored(&new_owner)["sub"], json!("made-up-1"));
}
