//! When a person has to log in again: `login_by`, and `tokctl list --expiring-within`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::authorization_server::{Answer, AuthorizationServer, issue, refuse};
use crate::env::{TestEnv, json, stderr, stdout};
use crate::http::Response;

/// A login of `x` at `acme`, which renews a grant by these rules.
fn ruled(server: &AuthorizationServer, life: &str, answer: Answer) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    env.add_config(&format!("grant_life = {{ {life} }}\n"));
    env.log_in("x", server, answer);
    env
}

fn listed(env: &TestEnv) -> Value {
    json(&env.tokctl(["list", "--json"]).assert().success())["credentials"][0].clone()
}

fn time(listed: &Value, field: &str) -> Timestamp {
    listed[field].as_str().unwrap_or_else(|| panic!("{field}: {listed}")).parse().unwrap()
}

/// From one time of the list to another, in seconds, to the minute: the clock goes on between the
/// two.
fn between(listed: &Value, from: &str, to: &str) -> i64 {
    (time(listed, to).duration_since(time(listed, from)).as_secs() + 30) / 60 * 60
}

const DAY: i64 = 86_400;

#[test]
fn an_idle_grant_ends_by_the_providers_rule() {
    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"90d\", absolute = \"365d\"", issue());
    assert_eq!(between(&listed(&env), "created_at", "login_by"), 90 * DAY);
}

#[test]
fn a_refresh_begins_the_idle_time_anew_and_not_the_absolute_one() {
    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"90d\"", issue());
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(between(&listed(&env), "last_refreshed_at", "login_by"), 90 * DAY);

    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"90d\", absolute = \"30d\"", issue());
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(between(&listed(&env), "created_at", "login_by"), 30 * DAY);
}

#[test]
fn without_a_rule_nothing_is_guessed() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    assert!(listed(&env)["login_by"].is_null());
}

#[test]
fn what_the_server_says_of_the_refresh_token_is_honoured() {
    for field in ["refresh_token_expires_in", "refresh_expires_in"] {
        let server = AuthorizationServer::start();
        let week = issue().with(field, json!(7 * DAY));
        let env = ruled(&server, "idle = \"180d\"", week);
        assert_eq!(between(&listed(&env), "created_at", "login_by"), 7 * DAY, "{field}");
        // It is kept with its refresh token, and goes with it.
        server.will(issue().without_refresh_token());
        env.tokctl(["refresh"]).assert().success();
        assert_eq!(between(&listed(&env), "created_at", "login_by"), 7 * DAY, "{field}");
        server.will(issue().with(field, json!(8 * DAY)));
        env.tokctl(["refresh"]).assert().success();
        assert_eq!(between(&listed(&env), "last_refreshed_at", "login_by"), 8 * DAY, "{field}");
        server.will(issue());
        env.tokctl(["refresh"]).assert().success();
        assert_eq!(between(&listed(&env), "last_refreshed_at", "login_by"), 180 * DAY, "{field}");
    }
}

#[test]
fn an_offline_token_of_which_the_server_says_0_has_no_end_of_its_own() {
    let server = AuthorizationServer::start();
    let endless = issue().with("refresh_expires_in", json!(0));
    let env = TestEnv::new().with_login("x", &server, endless);
    assert!(listed(&env)["login_by"].is_null());
}

#[test]
fn a_rule_that_was_learnt_later_is_kept_at_the_next_refresh() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    env.add_config("grant_life = { idle = \"90d\" }\n");
    assert!(listed(&env)["login_by"].is_null());
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(between(&listed(&env), "last_refreshed_at", "login_by"), 90 * DAY);
    // And it stays, whatever becomes of the configuration.
    env.config("");
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert_eq!(between(&listed(&env), "last_refreshed_at", "login_by"), 90 * DAY);
}

#[test]
fn what_nothing_renews_needs_a_login_at_its_end() {
    let env = TestEnv::new();
    store(&env, "x", "2099-01-01");
    assert_eq!(listed(&env)["login_by"], listed(&env)["expires_at"]);

    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"90d\"", issue().without("refresh_token"));
    assert_eq!(between(&listed(&env), "created_at", "login_by"), 3600);
}

#[test]
fn a_grant_that_was_refused_has_needed_a_login_since() {
    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"90d\"", issue());
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
    let listed = listed(&env);
    assert_eq!(listed["login_by"], listed["updated_at"]);
    // What stands in the clear is what is under the seal.
    env.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_token_that_the_service_refused_has_needed_a_login_since() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!("[providers.vendor]\ncheck_url = \"{}\"\n", server.url("/me")));
    store(&env, "x", "2099-01-01");
    server.will_serve("/me", "Bearer made-up-x", Response::new(401, "text/plain", ""));
    env.tokctl(["check"]).assert().code(4);
    let listed = listed(&env);
    assert_eq!(listed["login_by"], listed["updated_at"]);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-x\n");
}

/// Stores a token of `user` that ends on a date.
fn store(env: &TestEnv, user: &str, expires: &str) {
    env.define_vendor();
    env.tokctl(["login", "vendor", "--user", user, "--token-stdin", "--expires", expires])
        .stdin(format!("made-up-{user}"))
        .assert()
        .success();
}

/// A time so far from now, in days.
fn in_days(days: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_string()
}

#[test]
fn what_needs_a_login_soon_is_listed_and_told_by_the_exit_code() {
    let env = TestEnv::new();
    store(&env, "later", &in_days(30));
    store(&env, "never", "never");
    let quiet = env.tokctl(["list", "--expiring-within", "14d"]).assert().success().stdout_eq("");
    let told =
        "nothing needs a login within 14d, as far as is known: 1 credential has no known end";
    assert!(stderr(&quiet).contains(told), "{}", stderr(&quiet));

    store(&env, "soon", &in_days(10));
    // Over in a moment, or by now.
    store(&env, "over", "1s");
    let told = env.tokctl(["list", "--expiring-within", "14d"]).assert().code(4);
    let table = stdout(&told);
    assert!(table.lines().all(|line| line.split('\t').count() == 5), "{table}");
    assert!(table.contains("soon") && table.contains("over"), "{table}");
    assert!(!table.contains("later") && !table.contains("never"), "{table}");
    let said = stderr(&told);
    assert!(said.contains("hint: tokctl login vendor/over --token-stdin"), "{said}");

    let told = env.tokctl(["list", "--json", "--expiring-within", "60d"]).assert().code(4);
    let users: Vec<Value> = json(&told)["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|credential| credential["user"].clone())
        .collect();
    assert_eq!(users, ["later", "over", "soon"]);
    env.tokctl(["list", "--expiring-within", "60d", "--user", "never"]).assert().success();
    env.tokctl(["list", "--expiring-within", "soon"]).assert().code(2);
}

#[test]
fn what_was_refused_counts_as_needing_a_login_whatever_its_dates() {
    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"90d\"", issue());
    env.tokctl(["list", "--expiring-within", "14d"]).assert().success();
    env.tokctl(["list", "--expiring-within", "90d"]).assert().code(4);
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["refresh"]).assert().code(4);
    env.tokctl(["list", "--expiring-within", "1s"]).assert().code(4);
}

#[test]
fn no_key_and_no_configuration_are_needed() {
    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"10d\"", issue()).unset("TOKCTL_KEY");
    env.config("[broken");
    let told = env.tokctl(["list", "--expiring-within", "14d"]).assert().code(4);
    assert!(stdout(&told).contains("acme"), "{}", stdout(&told));
}

#[test]
fn the_next_login_is_a_column_of_its_own() {
    let server = AuthorizationServer::start();
    let env = ruled(&server, "idle = \"10d\"", issue());
    let times = stdout(&env.tokctl(["list", "--columns", "expires,login-by"]).assert().success());
    let (expires, login_by) = times.trim().split_once('\t').unwrap();
    assert!(expires < login_by, "{times}");
}
