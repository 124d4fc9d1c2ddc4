//! `tokctl check`: asks the service whether a token works, and writes down what it says.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, issue, refuse, reply};
use crate::env::{TestEnv, json, stderr, stdout};
use crate::http::Response;

const ME: &str = "/api/me";

fn somebody() -> Response {
    Response::json(200, &json!({ "id": 7 }))
}

fn status(code: u16) -> Response {
    Response::new(code, "text/html", "<h1>made up</h1>")
}

/// `acme` with a way to ask it about a token.
fn checkable(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    env.add_config(&format!(
        "check_url = \"{}\"\ncheck_fields = [\"/uid\", \"/id\"]\n",
        server.url(ME)
    ));
    env
}

/// The same with a login of `x`.
fn logged_in(server: &AuthorizationServer) -> TestEnv {
    let env = checkable(server);
    env.log_in("x", server, issue());
    env
}

/// A Jira Data Center below a path of the server, with a personal access token of `x`.
fn with_pat(server: &AuthorizationServer) -> TestEnv {
    let env = TestEnv::new();
    env.config("[providers.work]\nextends = \"jira-dc\"\n");
    store_pat(&env, server, "x", "made-up-pat");
    env
}

fn store_pat(env: &TestEnv, server: &AuthorizationServer, user: &str, token: &str) {
    let jira = server.url("/jira");
    env.tokctl(["login", "work", "--user", user, "--server", &jira, "--token-stdin"])
        .stdin(token.to_owned())
        .assert()
        .success();
}

const MYSELF: &str = "/jira/rest/api/2/myself";

/// What `list` says of the first credential.
fn listed(env: &TestEnv) -> Value {
    json(&env.tokctl(["list", "--json"]).assert().success())["credentials"][0].clone()
}

#[test]
fn a_token_that_works_is_active() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    server.will_serve(ME, "Bearer access-1", somebody());
    let done = env.tokctl(["check"]).assert().success().stdout_eq("");
    assert!(stderr(&done).contains("acme/x works"), "{}", stderr(&done));
    let listed = listed(&env);
    assert_eq!(listed["status"], "active");
    assert_eq!(listed["last_attempt_outcome"], "done");
    assert!(listed["last_attempt_at"].as_str().unwrap().ends_with('Z'));
    assert!(listed["last_error"].is_null());
}

#[test]
fn a_revoked_personal_access_token_is_noticed_and_a_new_answer_clears_it() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    server.will_serve(MYSELF, "Bearer made-up-pat", status(401));
    let failed = env.tokctl(["check"]).assert().code(4).stdout_eq("");
    assert!(
        stderr(&failed).contains("hint: tokctl login work/x --token-stdin"),
        "{}",
        stderr(&failed)
    );
    assert_eq!(listed(&env)["status"], "inactive");
    assert!(listed(&env)["last_error"].as_str().unwrap().contains("401"));
    let got = env.tokctl(["get"]).assert().success().stdout_eq("made-up-pat\n");
    assert!(stderr(&got).contains("refused by the service"), "{}", stderr(&got));

    server.will_serve(MYSELF, "Bearer made-up-pat", Response::json(200, &json!({ "name": "x" })));
    env.tokctl(["check"]).assert().success();
    assert_eq!(listed(&env)["status"], "active");
    env.tokctl(["get"]).assert().success().stderr_eq("");
}

#[test]
fn an_answer_to_nobody_in_particular_refuses_the_token() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    let anonymous = Response::json(200, &json!({ "displayName": "Anonymous", "name": null }));
    server.will_serve(MYSELF, "Bearer made-up-pat", anonymous);
    env.tokctl(["check"]).assert().code(4);
    assert_eq!(listed(&env)["status"], "inactive");
}

#[test]
fn what_passes_changes_nothing() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    let page = Response::new(200, "text/html", "<html>log in to the network</html>");
    let elsewhere = Response::redirect(&server.url("/elsewhere"));
    let answers =
        [400, 402, 404, 423, 429, 500, 503].map(status).into_iter().chain([page, elsewhere]);
    for answer in answers {
        let code = answer.status;
        server.will_serve(MYSELF, "Bearer made-up-pat", answer);
        let failed = env.tokctl(["check"]).assert().code(6).stdout_eq("");
        let said = stderr(&failed);
        assert!(said.contains("hint: ") && !said.contains("<h"), "{code}: {said}");
        let listed = listed(&env);
        assert_eq!(listed["status"], "active", "{code}");
        assert_eq!(listed["last_attempt_outcome"], "passing", "{code}");
        assert!(listed["last_error"].is_string(), "{code}");
    }
}

#[test]
fn what_a_service_forbids_is_no_passing_fault() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    let scope = "Bearer realm=\"x\", error=\"insufficient_scope\", scope=\"read\"";
    for (answer, what) in [
        (
            status(403),
            "does not say whether that is about permissions and scopes or about the token",
        ),
        (status(403).with("WWW-Authenticate", scope), "lacks a scope"),
    ] {
        server.will_serve(MYSELF, "Bearer made-up-pat", answer);
        let failed = env.tokctl(["check"]).assert().code(1).stdout_eq("");
        let said = stderr(&failed);
        assert!(said.contains(what) && said.contains("hint: tokctl login work/x"), "{said}");
        let listed = listed(&env);
        assert_eq!(listed["status"], "active");
        assert_eq!(listed["last_attempt_outcome"], "configuration");
        let why = stdout(&env.tokctl(["why", "work/x"]).assert().success());
        assert!(why.contains(what) && !why.contains("in passing"), "{why}");
    }
}

#[test]
fn a_token_that_the_service_refused_and_nothing_renews_is_not_handed_out() {
    for refresh_first in [false, true] {
        let server = AuthorizationServer::start();
        let env = logged_in(&server);
        let ask = || {
            server.will_serve(ME, "Bearer access-1", status(401));
            env.tokctl(["check", "acme/x"]).assert().code(4);
        };
        let refuse_refresh = |args: &[&str]| {
            server.will(refuse(400, "invalid_grant"));
            env.tokctl(args).assert().code(4).stdout_eq("");
        };
        if refresh_first {
            // The token works until the service says otherwise.
            refuse_refresh(&["refresh", "acme/x"]);
            env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
            ask();
        } else {
            ask();
            refuse_refresh(&["get", "acme/x"]);
        }
        for args in [&["get", "acme/x"][..], &["run", "--env", "T=acme/x", "--", "true"]] {
            let failed = env.tokctl(args).assert().code(4).stdout_eq("");
            assert!(stderr(&failed).contains("hint: tokctl login acme/x"), "{}", stderr(&failed));
        }
    }
}

#[test]
fn a_passing_fault_does_not_make_a_refused_token_active_again() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    server.will_serve(MYSELF, "Bearer made-up-pat", status(401));
    env.tokctl(["check"]).assert().code(4);
    server.will_serve(MYSELF, "Bearer made-up-pat", status(503));
    env.tokctl(["check"]).assert().code(6);
    assert_eq!(listed(&env)["status"], "inactive");
}

#[test]
fn a_service_that_can_not_be_reached_changes_nothing() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    drop(server);
    env.tokctl(["check"]).assert().code(6);
    assert_eq!(listed(&env)["status"], "active");
    assert!(listed(&env)["last_error"].as_str().unwrap().contains("could not connect"));
}

#[test]
fn a_service_that_asks_for_a_pause_gets_it() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    server.will_serve(MYSELF, "Bearer made-up-pat", status(429).with("Retry-After", "99999999"));
    env.tokctl(["check"]).assert().code(6);
    let failed = env.tokctl(["check"]).assert().code(6);
    assert!(stderr(&failed).contains("no more requests until"), "{}", stderr(&failed));
    // It is about this credential alone, and a new login begins anew.
    store_pat(&env, &server, "x", "made-up-new");
    server.will_serve(MYSELF, "Bearer made-up-new", Response::json(200, &json!({ "name": "x" })));
    env.tokctl(["check"]).assert().success();
}

#[test]
fn a_token_that_is_due_is_refreshed_first() {
    let server = AuthorizationServer::start();
    let env = checkable(&server);
    env.log_in("x", &server, issue().expires_in(0));
    server.will(issue());
    server.will_serve(ME, "Bearer access-2", somebody());
    env.tokctl(["check"]).assert().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn without_a_live_token_the_service_is_not_asked() {
    let server = AuthorizationServer::start();
    let env = checkable(&server);
    env.log_in("x", &server, issue().expires_in(0));
    server.will(refuse(400, "something_new"));
    env.tokctl(["check"]).assert().code(6);
    assert_eq!(listed(&env)["status"], "active");
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["check"]).assert().code(4);
    assert_eq!(listed(&env)["status"], "login_required");
}

#[test]
fn a_working_token_does_not_bring_a_refused_grant_back() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
    server.will_serve(ME, "Bearer access-1", somebody());
    let done = env.tokctl(["check"]).assert().success();
    assert!(stderr(&done).contains("can't be refreshed"), "{}", stderr(&done));
    assert_eq!(listed(&env)["status"], "login_required");
    assert!(listed(&env)["last_error"].as_str().unwrap().contains("invalid_grant"));
    server.will_serve(ME, "Bearer access-1", status(401));
    env.tokctl(["check"]).assert().code(4);
    assert_eq!(listed(&env)["status"], "login_required");
}

#[test]
fn a_refresh_makes_a_refused_token_active_again() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    server.will_serve(ME, "Bearer access-1", status(401));
    let failed = env.tokctl(["check"]).assert().code(4);
    assert!(stderr(&failed).contains("tokctl refresh acme/x"), "{}", stderr(&failed));
    assert_eq!(listed(&env)["status"], "inactive");
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(listed(&env)["status"], "active");
    assert!(listed(&env)["last_error"].is_null());
}

#[test]
fn an_interrupted_refresh_is_not_forgotten() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    server.will(issue().lost());
    env.tokctl(["refresh"]).assert().code(6);
    server.will_serve(ME, "Bearer access-1", status(401));
    let failed = env.tokctl(["check"]).assert().code(4);
    assert!(stderr(&failed).contains("was left as it is"), "{}", stderr(&failed));
    let listed = listed(&env);
    assert_eq!(listed["status"], "active");
    assert!(listed["last_error"].as_str().unwrap().contains("not known"), "{listed}");
    let got = env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert!(stderr(&got).contains("earlier refresh"), "{}", stderr(&got));
    assert_eq!(server.token_requests().len(), 2, "a second use would end the grant");
}

#[test]
fn an_answer_that_lies_beside_the_vault_is_still_taken_up() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    env.leave_answer_beside("refresh", &server, issue());
    server.will_serve(ME, "Bearer access-2", somebody());
    env.tokctl(["check"]).assert().success();
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n").stderr_eq("");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_pause_that_the_token_endpoint_asked_for_is_not_forgotten() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    server.will(reply(status(429).with("Retry-After", "60")));
    env.tokctl(["refresh"]).assert().code(6);
    // It binds refreshes, and nothing else.
    server.will_serve(ME, "Bearer access-1", somebody());
    env.tokctl(["check"]).assert().success();
    env.tokctl(["refresh"]).assert().code(6);
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_refusal_of_a_token_that_was_replaced_meanwhile_counts_for_nothing() {
    let server = AuthorizationServer::start();
    let env = logged_in(&server);
    server.will_serve_after(Duration::from_millis(600), ME, "Bearer access-1", status(401));
    let mut check = env.command(["check"]);
    let child = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.resources_left() > 0 {
        thread::sleep(Duration::from_millis(5));
    }
    server.will(issue());
    server.will_serve(ME, "Bearer access-2", somebody());
    env.tokctl(["refresh"]).assert().success();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(listed(&env)["status"], "active");
}

#[test]
fn the_token_goes_where_the_login_said_and_nowhere_else() {
    let server = AuthorizationServer::start();
    let elsewhere = AuthorizationServer::start();
    let env = logged_in(&server);
    env.config(&format!("[providers.acme]\ncheck_url = \"{}\"\n", elsewhere.url(ME)));
    server.will_serve(ME, "Bearer access-1", somebody());
    env.tokctl(["check"]).assert().success();
    // Not even a configuration that is broken stands in the way.
    env.config("[providers.acme\n");
    server.will_serve(ME, "Bearer access-1", somebody());
    env.tokctl(["check", "acme", "--user", "x"]).assert().success();
}

#[test]
fn an_address_that_the_login_did_not_name_gets_no_token() {
    let server = AuthorizationServer::start();
    let elsewhere = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.add_config(&format!("check_url = \"{}\"\n", elsewhere.url(ME)));
    let failed = env.tokctl(["check"]).assert().code(2).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains(&elsewhere.url(ME)) && said.contains("tokctl login acme"), "{said}");
    assert_eq!(listed(&env)["last_attempt_at"], Value::Null);
}

#[test]
fn a_later_check_url_will_do_where_the_requests_go_anyway() {
    let server = AuthorizationServer::start();
    let elsewhere = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config(&format!("api_base_url = \"{}\"\n", server.url("/api")));
    env.log_in("x", &server, issue());
    env.add_config("check_url = \"{api_base_url}/me\"\n");
    server.will_serve(ME, "Bearer access-1", Response::new(204, "text/plain", ""));
    env.tokctl(["check"]).assert().success();
    // The base in the address is the sealed one, too.
    let moved = env.path("config/tokctl/config.toml");
    let text = std::fs::read_to_string(&moved).unwrap();
    env.config(&text.replace(&server.url("/api"), &elsewhere.url("/api")));
    server.will_serve(ME, "Bearer access-1", Response::new(204, "text/plain", ""));
    env.tokctl(["check"]).assert().success();
}

#[test]
fn without_a_way_to_ask_the_setting_is_named() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let failed = env.tokctl(["check"]).assert().code(2).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains("check_url") && said.contains("config.toml"), "{said}");
    env.tokctl(["check", "--user", "nobody"]).assert().code(3);
}

#[test]
fn an_api_token_is_sent_with_its_name_to_the_site_itself() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    let site = server.url("");
    let login = ["login", "jira", "--user", "x", "--server", &site, "--token-stdin"];
    env.tokctl(login.into_iter().chain(["--username", "alice@example.com"]))
        .stdin("made-up-token")
        .assert()
        .success();
    let basic =
        format!("Basic {}", data_encoding::BASE64.encode(b"alice@example.com:made-up-token"));
    let myself = Response::json(200, &json!({ "accountId": "5b1" }));
    server.will_serve("/rest/api/3/myself", &basic, myself);
    env.tokctl(["check"]).assert().success();
    // 200 without an account: nobody in particular.
    let anonymous = Response::json(200, &json!({ "name": "x" }));
    server.will_serve("/rest/api/3/myself", &basic, anonymous);
    env.tokctl(["check"]).assert().code(4);
}

#[test]
fn a_personal_access_token_under_jira_is_one_of_data_center() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    let site = server.url("");
    env.tokctl(["login", "jira", "--user", "x", "--server", &site, "--token-stdin"])
        .stdin("made-up-pat")
        .assert()
        .success();
    let myself = Response::json(200, &json!({ "name": "x", "key": "JIRAUSER1" }));
    server.will_serve("/rest/api/2/myself", "Bearer made-up-pat", myself);
    env.tokctl(["check"]).assert().success();
}

#[test]
fn a_service_with_a_header_of_its_own_gets_the_token_there() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.shop]\napi_auth = \"header:X-Shop-Token\"\ncheck_url = \"{}\"\n",
        server.url("/shop?limit=1")
    ));
    env.tokctl(["login", "shop", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .success();
    let shop = Response::json(200, &json!({}));
    server.will_serve_with("/shop?limit=1", ("x-shop-token", "made-up-token"), shop);
    env.tokctl(["check"]).assert().success();
}

#[test]
fn json_counts_what_was_found() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server);
    server.will_serve(MYSELF, "Bearer made-up-pat", status(401));
    let failed = env.tokctl(["check", "--json"]).assert().code(4);
    let report = json(&failed);
    assert_eq!((&report["v"], &report["inactive"]), (&json!(1), &json!(1)));
    for none in ["active", "skipped", "failed"] {
        assert_eq!(report[none], 0, "{none}");
    }
    let result = &report["results"][0];
    assert_eq!((&result["provider"], &result["user"]), (&json!("work"), &json!("x")));
    assert_eq!(result["outcome"], "inactive");
    assert!(result["error"].as_str().unwrap().contains("no longer takes"), "{result}");
    let error: Value = serde_json::from_str(&stderr(&failed)).expect("one object");
    assert_eq!(error["error"]["code"], "login_required");
}

#[test]
fn of_all_the_gravest_outcome_is_told() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server).with_static_token("unknown", "made-up-token");
    store_pat(&env, &server, "y", "made-up-y");
    let somebody = || Response::json(200, &json!({ "key": "x" }));
    let all = |x: Response, y: Option<Response>, code: i32| {
        server.will_serve(MYSELF, "Bearer made-up-pat", x);
        if let Some(y) = y {
            server.will_serve(MYSELF, "Bearer made-up-y", y);
        }
        env.tokctl(["check", "--all", "--json"]).assert().code(code)
    };
    let report = json(&all(somebody(), Some(somebody()), 0));
    assert_eq!((&report["active"], &report["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(report["results"][0]["provider"], "vendor");
    assert_eq!(report["results"][0]["outcome"], "skipped");

    all(somebody(), Some(status(503)), 6);
    let both = all(status(401), Some(status(503)), 4);
    let error: Value = serde_json::from_str(&stderr(&both)).expect("one object");
    assert_eq!(error["error"]["exit"], 4);
    let report = json(&both);
    assert_eq!((&report["inactive"], &report["failed"]), (&json!(1), &json!(1)));
    env.flip_a_sealed_bit("y");
    let report = json(&all(status(401), None, 7));
    assert_eq!((&report["inactive"], &report["failed"]), (&json!(1), &json!(1)));
}

#[test]
fn all_can_be_those_of_one_provider_and_ends_with_a_summary() {
    let server = AuthorizationServer::start();
    let env = with_pat(&server).with_static_token("unknown", "made-up-token");
    server.will_serve(MYSELF, "Bearer made-up-pat", Response::json(200, &json!({ "key": "x" })));
    let done = env.tokctl(["check", "work", "--all"]).assert().success().stdout_eq("");
    let said = stderr(&done);
    assert!(said.contains("works    work/x"), "{said}");
    assert!(said.contains("1 active, 0 inactive, 0 skipped, 0 failed"), "{said}");
    server.will_serve(MYSELF, "Bearer made-up-pat", status(401));
    let said = stderr(&env.tokctl(["check", "--all"]).assert().code(4));
    assert!(said.contains("0 active, 1 inactive, 1 skipped, 0 failed"), "{said}");
    assert!(said.contains("warning: the service no longer takes the token of `work/x`"), "{said}");
    assert!(said.contains("hint: tokctl login work/x --token-stdin"), "{said}");
    // The results come first, and the warnings below.
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
    let order = ["skipped  vendor/unknown", "inactive work/x", "warning: ", "0 active"].map(at);
    assert!(order.is_sorted(), "{said}");
}

#[test]
fn a_field_that_is_no_pointer_is_found_before_it_refuses_good_tokens() {
    let env = TestEnv::new();
    env.config("[providers.vendor]\ncheck_url = \"https://a.example\"\ncheck_fields = [\"id\"]\n");
    let login = env.tokctl(["login", "vendor", "--user", "x", "--token-stdin"]);
    let said = stderr(&login.stdin("made-up-token").assert().code(2));
    assert!(said.contains("check_fields") && said.contains("line 3"), "{said}");
}

#[test]
fn without_a_vault_there_is_nothing_to_check() {
    let failed = TestEnv::new().tokctl(["check", "--all"]).assert().code(3).stdout_eq("");
    assert!(stderr(&failed).contains("tokctl providers"), "{}", stderr(&failed));
}
