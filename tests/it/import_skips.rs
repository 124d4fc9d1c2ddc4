//! One record that can't be imported keeps no other out: it is skipped, and named with the reason.

use std::fs;

use serde_json::{Value, json};

use crate::env::{TestEnv, json, stderr, stdout};
use crate::import::{LATER, database, file, import, place};
use crate::import_sources::{AGENTLLM, KEY, PAT, PERSON};

const SALLA: &str = "CREATE TABLE tokens (user_id, access_token, refresh_token, token_type,
    expires_at);";

fn salla_row(user: &str, token: &str, end: &str) -> String {
    format!("INSERT INTO tokens VALUES ('{user}', '{token}', 'made-up-2', 'bearer', '{end}');")
}

/// The users that are stored for a provider.
fn users(env: &TestEnv, provider: &str) -> Vec<String> {
    if !env.vault_path().exists() {
        return Vec::new();
    }
    let listed = json(&env.tokctl(["list", provider, "--json"]).assert());
    let credentials = listed["credentials"].as_array().cloned().unwrap_or_default();
    credentials.iter().map(|one| one["user"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_row_that_is_wrong_is_skipped_and_named_with_the_reason() {
    let good = salla_row("a", "made-up-1", LATER);
    let wrong = |token: &str| salla_row("b", token, LATER);
    for (bad, word) in [
        (salla_row("b", "made-up-3", "soon"), "time"),
        (salla_row("b", "made-up-3", "1760000000000000000"), "time"),
        (wrong("made-up-\u{7}"), "access token"),
        (wrong("made-up- 3"), "access token"),
        (wrong(""), "access token"),
        (wrong("made-up-3").replace("'made-up-3'", "NULL"), "access token"),
        (wrong("made-up-3").replace("made-up-2", "made-up-\n"), "refresh token"),
        (wrong(&"x".repeat(70_000)), "long"),
        (wrong("made-up-3").replace("'bearer'", "x'ff'"), "text"),
        (wrong("made-up-3").replace("'bearer'", "'b\u{1b}'"), "type"),
    ] {
        let env = TestEnv::new();
        let file = database(&env, &format!("{SALLA}{bad}{good}"));
        let dry = import(&env, "salla", &file, &["--dry-run"]).code(1);
        let done = import(&env, "salla", &file, &["--json"]).code(1);
        let named = |said: &str| {
            let line = said.lines().find(|line| line.starts_with("skipped ")).unwrap_or_default();
            assert!(line.starts_with("skipped row 1 of tokens, `salla/b`: "), "{said}");
            assert!(line.contains(word), "{bad}: {said}");
            line.to_owned()
        };
        let said = stderr(&done);
        assert_eq!(named(&stderr(&dry)), named(&said));
        assert!(stderr(&dry).contains("1 of 2 would be stored, and 1 skipped"), "{}", stderr(&dry));
        assert!(said.contains("stored 1 of 2, and skipped 1"), "{said}");
        assert!(!said.contains("shred"), "{said}");
        let told = json(&done);
        assert_eq!(told["stored"], 1);
        assert_eq!(told["skipped"][0]["user"], "b");
        assert_eq!(told["skipped"][0]["provider"], "salla");
        assert_eq!(told["skipped"][0]["origin"], "row 1 of tokens");
        assert!(told["skipped"][0]["reason"].as_str().unwrap().contains(word), "{told}");
        assert_eq!(users(&env, "salla"), ["a"]);
    }
}

#[test]
fn all_or_nothing_is_stored_if_that_is_asked() {
    let env = TestEnv::new();
    let rows = [salla_row("a", "made-up-1", LATER), salla_row("b", "made-up-3", "soon")].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let failed = import(&env, "salla", &file, &["--strict"]).code(1).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains("skipped row 2 of tokens, `salla/b`: "), "{said}");
    assert!(said.contains("nothing was stored, since 1 of 2 can't come in"), "{said}");
    assert!(!env.vault_path().exists());
    let seen = import(&env, "salla", &file, &["--strict", "--dry-run"]).code(1);
    assert!(stdout(&seen).contains("salla"), "{}", stdout(&seen));

    import(&env, "salla", &file, &["--strict", "--only", "salla/a"]).success();
    assert_eq!(users(&env, "salla"), ["a"]);
    import(&env, "salla", &file, &["--strict", "--only", "salla/a"]).success();
    // Another credential is in the way of one, and so keeps the other out.
    fs::remove_file(&file).unwrap();
    let rows = [salla_row("a", "made-up-4", LATER), salla_row("c", "made-up-5", LATER)].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let failed = import(&env, "salla", &file, &["--strict"]).code(1).stdout_eq("");
    assert!(stderr(&failed).contains("`salla/a` has another"), "{}", stderr(&failed));
    assert_eq!(users(&env, "salla"), ["a"]);
    import(&env, "salla", &file, &["--strict", "--replace"]).success();
    assert_eq!(users(&env, "salla"), ["a", "c"]);
}

#[test]
fn what_is_named_and_was_skipped_is_told_with_the_reason() {
    let env = TestEnv::new();
    let rows = [salla_row("a", "made-up-1", LATER), salla_row("b", "made-up-3", "soon")].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let failed = import(&env, "salla", &file, &["--only", "salla/b"]).code(1).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains("row 2 of tokens, `salla/b`, can't come in: a time"), "{said}");
    // And what was not named is not spoken of.
    let done = import(&env, "salla", &file, &["--only", "salla/a"]).success();
    assert!(!stderr(&done).contains("salla/b"), "{}", stderr(&done));
    import(&env, "salla", &file, &["--only", "salla/c"]).code(3);
}

#[test]
fn of_several_that_are_all_wrong_each_is_named() {
    let env = TestEnv::new();
    let rows = [salla_row("a", "made-up-1", "soon"), salla_row("b", "", LATER)].concat();
    let file = database(&env, &format!("{SALLA}{rows}"));
    let done = import(&env, "salla", &file, &["--json"]).code(1);
    let said = stderr(&done);
    assert!(said.contains("`salla/a`: ") && said.contains("`salla/b`: "), "{said}");
    assert!(said.contains("none of the 2 in it can come in"), "{said}");
    assert_eq!(json(&done)["skipped"].as_array().map(Vec::len), Some(2));
    assert!(!env.vault_path().exists());
}

#[test]
fn a_row_of_agentllm_under_an_older_key_or_without_a_secure_server_is_skipped() {
    let env = TestEnv::new().set("AGENTLLM_TOKEN_ENCRYPTION_KEY", KEY);
    let jira = |user: &str, token: &str, server: &str| {
        format!(
            "INSERT INTO jira_tokens (user_id, token, server_url) VALUES ({user}, {token}, {server});"
        )
    };
    let secure = "'https://jira.example.com'";
    let rows = [
        jira("'old'", &format!("'{PERSON}'"), secure),
        jira("'open'", "'made-up-1'", "'http://jira.example.com'"),
        jira("'none'", "NULL", secure),
        jira("'nowhere'", "'made-up-1'", "NULL"),
        jira("NULL", "'made-up-1'", secure),
        jira("'good'", &format!("'{PAT}'"), secure),
        "INSERT INTO gdrive_tokens (user_id, token, refresh_token) VALUES ('g', NULL, NULL);"
            .into(),
        "INSERT INTO github_tokens (user_id, token, server_url) VALUES ('h', 'made-up-2', '');"
            .into(),
    ];
    let tables = AGENTLLM.replace(" NOT NULL", "");
    let file = database(&env, &format!("{tables}{}", rows.concat()));
    let done = import(&env, "agentllm", &file, &["--json"]).code(1);
    let reasons: Vec<Value> = json(&done)["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["provider"], one["user"], one["reason"]]))
        .collect();
    let expected = [
        json!(["jira-dc", "old", "the key that was given does not open it"]),
        json!(["jira-dc", "open", "the server's address is neither https nor http on loopback"]),
        json!(["jira-dc", "none", "it has no token"]),
        json!(["jira-dc", "nowhere", "it has no server"]),
        json!(["gdrive", "g", "it holds no token"]),
        json!(["jira-dc", null, "it does not say whose it is"]),
    ];
    for reason in expected {
        assert!(reasons.contains(&reason), "{reason} is not in {reasons:?}");
    }
    assert_eq!(users(&env, "jira-dc"), ["good"]);
    assert_eq!(users(&env, "github"), ["h"]);
}

#[test]
fn one_file_of_a_folder_keeps_no_other_out() {
    let env = TestEnv::new().set("TOKCTL_IMPORT_KEY", KEY);
    file(&env, "a.enc", crate::import_sources::ENCRYPTED_TOKENS);
    file(&env, "b.enc", PERSON);
    file(&env, "c.enc", b"\x80\xff");
    file(&env, "d.enc", "");
    let folder = env.path("elsewhere");
    let said = stderr(&import(&env, "pauth", &folder, &["--provider", "github"]).code(1));
    for (user, word) in [("b", "does not open it"), ("c", "not text"), ("d", "is empty")] {
        let line = said.lines().find(|line| line.contains(&format!("`github/{user}`")));
        assert!(line.is_some_and(|line| line.contains(word)), "{said}");
    }
    assert_eq!(users(&env, "github"), ["a"]);
}

#[test]
fn two_for_one_user_are_skipped_unless_they_are_the_same() {
    let env = TestEnv::new();
    let tokens = |number: i64| json!({ "access_token": format!("made-up-{number}") });
    let (one, other) = (tokens(1), tokens(2));
    let twice = format!(r#"{{"a": {one}, "a": {other}, "b": {one}, "c": {one}, "c": {one}}}"#);
    let file = file(&env, "x.json", twice);
    let done = import(&env, "pauth", &file, &["--provider", "github"]).code(1);
    let said = stderr(&done);
    for (entry, other) in [(1, 2), (2, 1)] {
        let line = format!("skipped entry {entry}, `github/a`: entry {other} is for the same user");
        assert!(said.contains(&line), "{said}");
    }
    assert_eq!(users(&env, "github"), ["b", "c"]);
}

#[test]
fn a_service_whose_settings_can_not_be_used_keeps_no_other_out() {
    let env = TestEnv::new();
    let missing = place(&env, "missing.pem");
    env.config(&format!(
        "[providers.github]\nextends = \"github\"\nca_file = \"{}\"\n",
        missing.display()
    ));
    let file = database(
        &env,
        &format!(
            "{AGENTLLM} INSERT INTO jira_tokens (user_id, token, server_url)
                 VALUES ('a', 'made-up-1', 'https://jira.example.com');
             INSERT INTO github_tokens (user_id, token, server_url) VALUES ('b', 'made-up-2', '');"
        ),
    );
    let said = stderr(&import(&env, "agentllm", &file, &[]).code(1));
    let line = said.lines().find(|line| line.contains("`github/b`: ")).unwrap_or_default();
    assert!(line.contains("missing.pem"), "{said}");
    assert_eq!(users(&env, "jira-dc"), ["a"]);
}

#[test]
fn a_line_of_a_dump_with_too_few_fields_keeps_no_other_out() {
    let env = TestEnv::new();
    let dump = "id,shop_domain,access_token,is_active\ns-1,short.myshopify.com\n\
        s-2,odd.myshopify.com,made-up-1,maybe\ns-3,good.myshopify.com,made-up-2,t\n";
    let file = file(&env, "shops.csv", dump);
    let said = stderr(&import(&env, "refresh-service", &file, &[]).code(1));
    assert!(said.contains("skipped line 2: it has more or fewer fields"), "{said}");
    assert!(
        said.contains("skipped line 3, `shopify/odd.myshopify.com`: a value is neither"),
        "{said}"
    );
    assert_eq!(users(&env, "shopify"), ["good.myshopify.com"]);
}

#[test]
fn a_remote_of_rclone_keeps_no_other_out() {
    let env = TestEnv::new();
    let token = json!({ "access_token": "made-up-1", "expiry": "2100-01-01T00:00:00Z" });
    let config = format!(
        "stray = 1\n[a]\ntype = drive\nscope = drive\ntoken =\n[b]\ntype = drive\nmade-up-line\n\
         [c]\ntype = drive\ntoken = {{\"access_token\":\"\"}}\n[d]\ntype = drive\ntoken = {token}\n"
    );
    let file = file(&env, "rclone.conf", config);
    let said = stderr(&import(&env, "rclone", &file, &[]).code(1));
    for line in [
        "skipped line 2, of the remote a, `gdrive/a`: ",
        "skipped line 8, of the remote b, `gdrive/b`: it is no setting",
        "skipped line 9, of the remote c, `gdrive/c`: it has no access token",
        "not taken in: line 1, before the first remote",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    assert_eq!(users(&env, "gdrive"), ["d"]);
}
