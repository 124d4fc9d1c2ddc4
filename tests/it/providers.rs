//! `tokctl providers`: what is known of each service, without a key and without a vault.

use crate::env::{TestEnv, json, stderr, stdout};

#[test]
fn the_login_of_a_client_for_itself_works_as_it_is_shown() {
    let env = TestEnv::new();
    let file = env.file("client.secret", "made-up-secret\n");
    for name in ["okta", "auth0", "keycloak", "microsoft"] {
        let shown = stdout(&env.tokctl(["providers", name]).assert().success());
        let joined = shown.replace("\\\n", " ");
        let line = joined.lines().find(|line| line.contains("--method client-credentials"));
        let words: Vec<String> = line
            .unwrap_or_else(|| panic!("{shown}"))
            .split_whitespace()
            .skip(1)
            .map(|word| match word {
                "FILE" => file.display().to_string(),
                // Nobody listens there.
                word if word.starts_with("https://") && word.contains("graph") => word.to_owned(),
                word if word.starts_with("https://") => "http://127.0.0.1:1".to_owned(),
                word => word.to_owned(),
            })
            .collect();
        let failed = env.command(&words).output().unwrap();
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(6), "{words:?}: {said}");
    }
}

#[test]
fn the_list_needs_no_key_and_makes_no_vault() {
    let env = TestEnv::without_key();
    env.config(
        "[providers.acme]\nissuer = \"https://id.example\"\n[providers.jira]\nextends = \"jira\"\n",
    );
    let listed = json(&env.tokctl(["providers", "--json"]).assert().success());
    let of = |name: &str| {
        let all = listed["providers"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap().clone()
    };
    assert_eq!(of("github")["kind"], "built_in");
    assert_eq!(of("github")["methods"], serde_json::json!(["browser", "device", "token"]));
    assert_eq!(of("acme")["kind"], "configured");
    assert_eq!(of("acme")["methods"][0], "browser");
    assert_eq!(
        (&of("jira")["kind"], &of("jira")["title"]),
        (&"configured".into(), &"Jira Cloud".into())
    );
    let shown = stdout(&env.tokctl(["providers"]).assert().success());
    assert!(shown.lines().count() >= 10, "{shown}");
    assert!(!env.vault_path().exists());
}

#[test]
fn one_is_shown_with_what_it_extends_and_how_to_register() {
    let env = TestEnv::without_key();
    env.config("[providers.eu]\nextends = \"jira\"\nserver = \"https://eu.example.net\"\n");
    let one = json(&env.tokctl(["providers", "eu", "--json"]).assert().success());
    assert_eq!(one["definition"]["server"], "https://eu.example.net");
    assert_eq!(one["definition"]["token_endpoint"], "https://auth.atlassian.com/oauth/token");
    assert_eq!(one["definition"]["refresh"]["reuse"], "10m");
    assert!(one["setup"].as_str().unwrap().contains("http://127.0.0.1:19876/callback/jira"));
    let shown = stdout(&env.tokctl(["providers", "eu"]).assert().success());
    for part in ["eu: Jira Cloud (configured)", "offline_access", "Before the first login:\n1. "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_definition_that_can_not_be_used_is_told_and_hides_no_other() {
    let env = TestEnv::without_key();
    env.config("[providers.odd]\nextends = \"nobody\"\n");
    let listed = env.tokctl(["providers"]).assert().success();
    assert!(stderr(&listed).contains("nobody"), "{}", stderr(&listed));
    assert!(stdout(&listed).contains("github"), "{}", stdout(&listed));
    env.tokctl(["providers", "odd"]).assert().code(3).stdout_eq("");
    env.tokctl(["providers", "nobody"]).assert().code(3).stdout_eq("");
}

#[test]
fn a_scope_that_breaks_a_login_is_refused_before_anything_else() {
    let env = TestEnv::new();
    let args = ["login", "jira", "--user", "x", "--client-id", "made-up", "--scope", "openid"];
    let failed = env.set("TOKCTL_JIRA_CLIENT_SECRET", "made-up").tokctl(args).assert().code(2);
    assert!(
        stderr(&failed).contains("must not be asked for the scope `openid`"),
        "{}",
        stderr(&failed)
    );
}
