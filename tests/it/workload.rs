//! Logins of jobs and workloads: where the identity token comes from, how it is presented, and that
//! it stays nowhere.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::env::{TestEnv, stderr};
use crate::export::with_bundle_key;
use crate::http::Response;
use crate::platform::{Platform, good_token, identity_token, param};

const AUDIENCE: &str = "https://id.acme.example";
const LOGIN: [&str; 5] = ["login", "acme/ci", "--method", "workload-identity", "-vv"];

/// A world in which `acme` takes the identity that `assertion` describes.
fn world(platform: &Platform, kind: &str, assertion: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.acme]\n\
         token_endpoint = \"{}\"\n\
         scopes = [\"read\"]\n\
         refresh = {{ kind = \"{kind}\" }}\n\
         assertion = {{ {assertion}, audience = \"{AUDIENCE}\" }}\n",
        platform.url("/token")
    ));
    env
}

/// Whether a file below `folder` holds `text`.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let content = fs::read(&path).unwrap_or_default();
        content.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn github_is_asked_anew_for_each_token_and_for_the_audience() {
    let platform = Platform::start();
    let env = world(&platform, "token_exchange", "github = true")
        .set("ACTIONS_ID_TOKEN_REQUEST_URL", platform.url("/identity?api-version=2"))
        .set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "made-up-request-token");
    let (first, second) = (good_token(AUDIENCE, "1"), good_token(AUDIENCE, "2"));
    platform.will("/identity", Response::json(200, &json!({ "count": 1, "value": first })));
    platform.will_issue("access-1", 0);
    let done = env.tokctl(LOGIN).assert().success().stdout_eq("");
    let asked = &platform.seen()[0];
    assert_eq!(asked.target, "/identity?api-version=2&audience=https%3A%2F%2Fid.acme.example");
    assert_eq!(asked.header("authorization"), Some("Bearer made-up-request-token"));
    let form = platform.form("/token");
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token", first.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("scope", "read"),
    ] {
        assert_eq!(param(&form, name), Some(value), "{name}");
    }
    assert_eq!(form.len(), 5, "no client is named: {form:?}");
    platform.will("/identity", Response::json(200, &json!({ "value": second })));
    platform.will_issue("access-2", 3600);
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-2\n");
    assert_eq!(param(&platform.form("/token"), "subject_token"), Some(&*second));
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-2\n");
    let said = stderr(&done);
    for secret in [&first, &second, "made-up-request-token"] {
        assert!(!said.contains(secret), "{said}");
        assert!(!holds(&env.path("."), secret), "a file holds it");
    }
}

#[test]
fn a_variable_of_gitlabs_is_the_clients_proof_and_stays_out_of_every_child() {
    let platform = Platform::start();
    let token = good_token(AUDIENCE, "1");
    let assertion = "gitlab = \"ACME_ID_TOKEN\"";
    let env = world(&platform, "client_assertion", assertion).set("ACME_ID_TOKEN", &token);
    env.add_config("client_id = \"made-up-client\"\n");
    platform.will_issue("access-1", 0);
    // It is the provider's own way in.
    env.tokctl(["login", "acme", "--user", "ci"]).assert().success();
    let form = platform.form("/token");
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", token.as_str()),
        ("client_id", "made-up-client"),
        ("scope", "read"),
    ] {
        assert_eq!(param(&form, name), Some(value), "{name}");
    }
    assert_eq!(form.len(), 5, "{form:?}");
    platform.will_issue("access-2", 3600);
    let run = ["run", "--env", "TOKEN=acme/ci", "--no-masking", "--", "env"];
    let ran = env.tokctl(run).assert().success();
    let shown = String::from_utf8_lossy(&ran.get_output().stdout).into_owned();
    assert!(shown.contains("TOKEN=access-2"), "{shown}");
    assert!(!shown.contains("ACME_ID_TOKEN") && !shown.contains(&token), "{shown}");
    // Also where nothing had to be fetched.
    let ran = env.tokctl(run).assert().success();
    assert!(!String::from_utf8_lossy(&ran.get_output().stdout).contains("ACME_ID_TOKEN"));
    assert!(!holds(&env.path("."), &token), "a file holds it");
}

#[test]
fn a_projected_file_is_read_again_at_each_use_and_is_the_grant() {
    let platform = Platform::start();
    let env = TestEnv::new();
    let file = env.file("token", good_token(AUDIENCE, "1"));
    env.config(&format!(
        "[providers.acme]\ntoken_endpoint = \"{}\"\nrefresh = {{ kind = \"jwt_bearer\" }}\n\
         assertion = {{ file = \"{}\", audience = \"{AUDIENCE}\" }}\n",
        platform.url("/token"),
        file.display()
    ));
    platform.will_issue("access-1", 0);
    env.tokctl(LOGIN).assert().success();
    let second = good_token(AUDIENCE, "2");
    fs::write(&file, format!("{second}\n")).unwrap();
    platform.will_issue("access-2", 3600);
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-2\n");
    let form = platform.form("/token");
    let expected = [
        ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
        ("assertion".to_owned(), second),
    ];
    assert_eq!(form, expected);
}

#[test]
fn a_command_prints_the_identity_token() {
    let platform = Platform::start();
    let token = good_token(AUDIENCE, "1");
    let assertion = format!("command = [\"printf\", \"%s\\\\n\", \"{token}\"]");
    let env = with_bundle_key(world(&platform, "token_exchange", &assertion));
    platform.will_issue("access-1", 3600);
    env.tokctl(LOGIN).assert().success();
    assert_eq!(param(&platform.form("/token"), "subject_token"), Some(&*token));
    // No bundle has a program run on another machine.
    for moving in [&[][..], &["--move", "--yes", "--output", "x.bundle"]] {
        let export = ["export", "acme/ci", "--to", "key:bundle.key"];
        let refused = env.tokctl(export.iter().chain(moving)).assert().code(2).stdout_eq("");
        assert!(stderr(&refused).contains("does not travel"), "{}", stderr(&refused));
    }
    let env = world(&platform, "token_exchange", "command = [\"false\"]");
    let failed = env.tokctl(LOGIN).assert().code(6).stdout_eq("");
    assert!(stderr(&failed).contains("`false` failed"), "{}", stderr(&failed));
}

#[test]
fn missing_expired_and_for_somebody_else_are_told_apart() {
    let platform = Platform::start();
    let assertion = "gitlab = \"ACME_ID_TOKEN\"";
    let now = jiff::Timestamp::now().as_second();
    let expired = identity_token(&json!({ "aud": AUDIENCE, "exp": now - 3600 }));
    let foreign = good_token("https://other.example", "1");
    for (value, code, word) in [
        ("", 3, "is not set, which a job of GitLab names under `id_tokens`"),
        (expired.as_str(), 4, "the identity token of the variable `ACME_ID_TOKEN` ended at"),
        (foreign.as_str(), 2, "is for `https://other.example`, not for `https://id.acme.example`"),
        ("no token", 2, "is no identity token"),
    ] {
        let env = world(&platform, "token_exchange", assertion).set("ACME_ID_TOKEN", value);
        let failed = env.tokctl(LOGIN).assert().code(code).stdout_eq("");
        assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
        assert!(value.is_empty() || !stderr(&failed).contains(value), "{}", stderr(&failed));
    }
    // The same holds for a refresh.
    let env = world(&platform, "token_exchange", assertion)
        .set("ACME_ID_TOKEN", good_token(AUDIENCE, "1"));
    platform.will_issue("access-1", 0);
    env.tokctl(LOGIN).assert().success();
    for (value, code, word) in [
        ("", 3, "is not set"),
        (expired.as_str(), 4, "ended at"),
        (foreign.as_str(), 2, "not for `https://id.acme.example`"),
    ] {
        let failed = env.command(["get", "acme/ci"]).env("ACME_ID_TOKEN", value).output().unwrap();
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(code), "{said}");
        assert!(said.contains("could not refresh `acme/ci`") && said.contains(word), "{said}");
    }
    platform.will_issue("access-2", 3600);
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn github_without_its_permission_and_in_trouble_are_told_apart() {
    let platform = Platform::start();
    let env = world(&platform, "token_exchange", "github = true");
    let failed = env.tokctl(LOGIN).assert().code(3);
    let word = "`permissions: id-token: write`";
    assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
    let env = env
        .set("ACTIONS_ID_TOKEN_REQUEST_URL", platform.url("/identity"))
        .set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "made-up-request-token");
    for (status, code) in [(401, 2), (503, 6)] {
        platform.will("/identity", Response::new(status, "text/plain", ""));
        let failed = env.tokctl(LOGIN).assert().code(code);
        assert!(stderr(&failed).contains(&format!("HTTP {status}")), "{}", stderr(&failed));
    }
}

#[test]
fn a_token_that_is_still_good_is_handed_out_where_there_is_no_identity() {
    let platform = Platform::start();
    let env = world(&platform, "token_exchange", "gitlab = \"ACME_ID_TOKEN\"")
        .set("ACME_ID_TOKEN", good_token(AUDIENCE, "1"));
    let config = fs::read_to_string(env.path("config/tokctl/config.toml")).unwrap();
    env.config(&config.replace("\"token_exchange\"", "\"token_exchange\", margin = \"2h\""));
    platform.will_issue("access-1", 3600);
    env.tokctl(LOGIN).assert().success();
    let env = env.unset("ACME_ID_TOKEN");
    let got = env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-1\n");
    assert!(stderr(&got).contains("its token still works"), "{}", stderr(&got));
}

#[test]
fn a_definition_that_names_no_place_or_two_is_a_mistake() {
    let platform = Platform::start();
    for (assertion, word) in [
        ("github = true, file = \"/x\"", "has one of"),
        ("command = []", "names no program"),
        ("gitlab = \"$TOKEN\"", "without `$`"),
    ] {
        let env = world(&platform, "token_exchange", assertion);
        let failed = env.tokctl(LOGIN).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
    }
    let env = TestEnv::new();
    let endpoint = platform.url("/token");
    env.config(&format!(
        "[providers.acme]\ntoken_endpoint = \"{endpoint}\"\nrefresh.kind = \"token_exchange\"\n"
    ));
    let failed = env.tokctl(LOGIN).assert().code(2);
    assert!(stderr(&failed).contains("nothing says where the identity token"));
}

#[test]
fn a_refused_identity_is_no_reason_for_a_person_to_log_in() {
    let platform = Platform::start();
    let env = world(&platform, "token_exchange", "gitlab = \"ACME_ID_TOKEN\"")
        .set("ACME_ID_TOKEN", good_token(AUDIENCE, "1"));
    platform.will_issue("access-1", 0);
    env.tokctl(LOGIN).assert().success();
    let refused = json!({ "error": "invalid_grant", "error_description": "no such pool" });
    platform.will("/token", Response::json(400, &refused));
    let failed = env.tokctl(["get", "acme/ci"]).assert().code(2);
    let said = stderr(&failed);
    assert!(said.contains("does not accept the identity token") && said.contains("no such pool"));
    assert!(said.contains("what the provider trusts"), "{said}");
    assert!(!stderr(&env.tokctl(["status"]).assert()).contains("tokctl login"));
    platform.will_issue("access-2", 3600);
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_refusal_by_the_server_has_one_code_wherever_it_comes() {
    let now = jiff::Timestamp::now().as_second();
    let good = good_token(AUDIENCE, "1");
    let ended = identity_token(&json!({ "aud": AUDIENCE, "exp": now - 30 }));
    for (kind, error, token, code, word) in [
        ("token_exchange", "invalid_grant", &good, 2, "does not accept the identity token"),
        ("jwt_bearer", "invalid_grant", &good, 2, "does not accept the identity token"),
        ("client_assertion", "invalid_client", &good, 2, "does not accept the identity token"),
        ("token_exchange", "invalid_target", &good, 2, "invalid_target"),
        ("token_exchange", "invalid_grant", &ended, 4, "ended at"),
        ("client_assertion", "invalid_client", &ended, 4, "ended at"),
    ] {
        let platform = Platform::start();
        let env = world(&platform, kind, "gitlab = \"ACME_ID_TOKEN\"").set("ACME_ID_TOKEN", token);
        env.add_config("client_id = \"made-up-client\"\n");
        let refused = || platform.will("/token", Response::json(400, &json!({ "error": error })));
        refused();
        let failed = env.tokctl(LOGIN).assert().code(code).stdout_eq("");
        assert!(stderr(&failed).contains(word), "{kind} {error}: {}", stderr(&failed));
        platform.will_issue("access-1", 0);
        env.tokctl(LOGIN).assert().success();
        refused();
        let failed = env.tokctl(["refresh", "acme/ci"]).assert().code(code);
        assert!(stderr(&failed).contains(word), "{kind} {error}: {}", stderr(&failed));
    }
}

#[test]
fn an_identity_that_is_missing_is_no_refusal_by_the_provider() {
    let platform = Platform::start();
    let env = world(&platform, "token_exchange", "gitlab = \"ACME_ID_TOKEN\"")
        .set("ACME_ID_TOKEN", good_token(AUDIENCE, "1"));
    platform.will_issue("access-1", 3600);
    env.tokctl(LOGIN).assert().success();
    let env = env.unset("ACME_ID_TOKEN");
    env.tokctl(["refresh", "acme/ci"]).assert().code(3);
    env.tokctl(["status"]).assert().success();
    let why = env.tokctl(["why", "acme/ci"]).assert().success();
    let why = crate::env::stdout(&why);
    assert!(why.contains("there is no identity token here") && !why.contains("settings"), "{why}");
    env.tokctl(["get", "acme/ci"]).assert().success().stdout_eq("access-1\n");
}
