//! What `tokctl import` reads: the stores of other tools, in the shapes that these document.
//!
//! What is encrypted here was encrypted by Python's `cryptography`, under a key of the bytes 0 to
//! 31 and under PBKDF2 of a secret, at the time 1760000000.

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Client, Revocation, TokenRequest, issue};
use crate::env::{TestEnv, json, stderr};
use crate::import::{BEFORE, LATER, database, file, import, outcomes, place};

/// `base64.urlsafe_b64encode(bytes(range(32)))`
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// `made-up-pat`, `made-up-access`, `made-up-refresh` and `made-up-secret`.
pub(crate) const PAT: &str = "gAAAAABo53gAu7IYn5gxuGEkBW_AMQ1T3GNT-Sgq4hPgp2IcseeU1QTo72JmaVdtzMhyYx2CVFcTP6TlI7hdupn-RL3LE2HzQQ==";
const ACCESS: &str = "gAAAAABo53gAwHMBifq6_43Ptr9dUH02p93fiOB64_s9MPLw-gGW_j_SfdIZTCVXSTaARMUH_EbOtaEBEZ3DDFvJ3F4uJwjsww==";
const REFRESH: &str = "gAAAAABo53gADjJvllUbOjF4DqnvxjshD9m9ahfE1KV_WTAcDGvk4k8oAHS1ByTTHshI-H4fW7acbLh3VsglbLEa3m57KVCToQ==";
const CLIENT_SECRET: &str = "gAAAAABo53gAN_qzkm8N0DY3EOvdlojCjQTogaD0BTXQdx7aNjuAQ-J7CsTcwbyuGb4StZD-n34HD93SDFGIZaqFdYEXngFo6w==";

/// `{"access_token": "made-up-access", "refresh_token": "made-up-refresh", "expires_in": 3600,
/// "token_type": "bearer", "scope": "read"}`, encrypted in the year 2025.
const SPENT_TOKENS: &str = "gAAAAABo53gApW-cdtdkrD8oCTMwwB-VApisuuu7s85sjqx-xr1-1kQw7D5CDDr_6XX3isRWAG-4ElieTGJvVoCHt6B3mjYbYpIDmIgB0BCIMXyhuxTQdZfvtl_gM4Qez_w7_otXsEtfKeCKGhcQdZxilrAfTY-GVaaBVE3Rh1Mt5daDFfcIXO0ZkfdHKzhrWiWcb4qeNRMrSu7LmXOVBDWfZ5pYiM0IazcF8DdOPnJsON9Ksv2DNOsOegL677d7oh-jeWlHRDob";

/// The same, encrypted at the time 4000000000.
pub(crate) const ENCRYPTED_TOKENS: &str = "gAAAAADuaygAlhCQpp7sr-qkMFMLisoSOXya1TIux__hAto_OFidN7oc-myNJ8Ynhj0Q44FWMLbRXR7wDaQdVNVDq2r9ajkHpIORhxeasDPym0MpNneM8uE_Ar8wIYcwlZSGYuYux8fNGXEqS9KNjVippr3qGSdsD3ZpIq0yAcwI9yoVoQfYoZK8w9z99MHiwgJm1pjH2-7pqkhnxiNnoev1gQvYfzHYlLDHdqkhxaZ2cpBrS5czXQ4yVoau2so7lkcxY3nfL5zk";

/// `made-up-person`, `made-up-page` and `made-up-shop` under this secret.
const STATE_SECRET: &str = "made-up-state-secret";
pub(crate) const PERSON: &str = "gAAAAABo53gAx5pJ9sllOskUICD3XuysJIIXGtg2Ag7yPac4FuKWbqioUtQtXvIGSg9unwjR7As3EJZY8bDztqzRmzgJEA5bWA==";
const PAGE: &str = "gAAAAABo53gAKcCcky9PLdylh5nQ0ziqWk_iuo4xPCGv5pKIBqPDrW0Itk1lin51XAuXBwSPCqo5Qh7TzD1pVpwV6GTkHxIoow==";
const SHOP: &str = "gAAAAABo53gA5k2lH8E-YMYF3PAIl9qxNOzIOfYid5mhGd-uHmqvevN5Z7x6cckP9jB3M8ongEGJprVKWG3irp6qCXotbhy88Q==";

pub(crate) const AGENTLLM: &str = "
    CREATE TABLE jira_tokens (id INTEGER PRIMARY KEY, user_id VARCHAR NOT NULL UNIQUE,
        token VARCHAR NOT NULL, server_url VARCHAR NOT NULL, username VARCHAR,
        created_at DATETIME, updated_at DATETIME);
    CREATE TABLE gdrive_tokens (id INTEGER PRIMARY KEY, user_id VARCHAR NOT NULL UNIQUE,
        token VARCHAR NOT NULL, refresh_token VARCHAR, token_uri VARCHAR, client_id VARCHAR,
        client_secret VARCHAR, scopes TEXT, expiry DATETIME, created_at DATETIME,
        updated_at DATETIME);
    CREATE TABLE github_tokens (id INTEGER PRIMARY KEY, user_id VARCHAR NOT NULL UNIQUE,
        token VARCHAR NOT NULL, server_url VARCHAR NOT NULL, username VARCHAR,
        created_at DATETIME, updated_at DATETIME);";

const ALICE: &str = "alice@example.com";

fn agentllm(env: &TestEnv, [pat, access, refresh, secret]: [&str; 4]) -> std::path::PathBuf {
    database(
        env,
        &format!(
            "{AGENTLLM}
             INSERT INTO jira_tokens (user_id, token, server_url, username) VALUES
                 ('{ALICE}', '{pat}', 'https://issues.example.com/jira', NULL),
                 ('bob', '{pat}', 'https://made-up.atlassian.net', 'bob@example.com');
             INSERT INTO gdrive_tokens VALUES (1, '{ALICE}', '{access}', '{refresh}',
                 'https://evil.example/token', 'tokctl-made-up', '{secret}',
                 '[\"https://www.googleapis.com/auth/drive\"]', '{BEFORE}.000000',
                 '{BEFORE}.000000', '{BEFORE}.000000');
             INSERT INTO github_tokens (user_id, token, server_url, username) VALUES
                 ('{ALICE}', '{pat}', 'https://api.github.com', 'alice');"
        ),
    )
}

/// A server that is Google's at home, and has issued `made-up-refresh`.
fn google(name: &str) -> (AuthorizationServer, TestEnv) {
    let client = Client::public().of(name).with_post_secret("made-up-secret");
    let server = AuthorizationServer::start_for(client);
    server.has_issued("made-up-refresh");
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.{name}]\nextends = \"{name}\"\ntoken_endpoint = \"{}\"\n",
        server.url("/token")
    ));
    (server, env)
}

fn got(env: &TestEnv, provider: &str, user: &str) -> Value {
    json(&env.tokctl(["get", provider, "--user", user, "--format", "json"]).assert().success())
}

fn check_agentllm(server: &AuthorizationServer, env: &TestEnv) {
    let alice = got(env, "jira-dc", ALICE);
    assert_eq!(alice["access_token"], "made-up-pat");
    assert_eq!(alice["server_url"], "https://issues.example.com/jira");
    let bob = got(env, "jira", "bob");
    assert_eq!(bob["username"], "bob@example.com");
    assert_eq!(bob["token_type"], "Basic");
    assert_eq!(got(env, "github", ALICE)["token_type"], "Bearer");
    server.will(issue().without_refresh_token());
    let drive = got(env, "gdrive", ALICE);
    assert_eq!(drive["access_token"], "access-1");
    assert_eq!(drive["scopes"], json!(["https://www.googleapis.com/auth/drive"]));
    assert_eq!(server.token_requests(), [TokenRequest::refresh("made-up-refresh")]);
}

#[test]
fn agentllms_tables() {
    let (server, env) = google("gdrive");
    let plain = ["made-up-pat", "made-up-access", "made-up-refresh", "made-up-secret"];
    let file = agentllm(&env, plain);
    let said = stderr(&import(&env, "agentllm", &file, &[]).success());
    assert!(said.contains("stored 4 of 4") && said.contains("shred -u"), "{said}");
    check_agentllm(&server, &env);
}

#[test]
fn agentllms_tables_with_encrypted_secrets() {
    let (server, env) = google("gdrive");
    let file = agentllm(&env, [PAT, ACCESS, REFRESH, CLIENT_SECRET]);
    let failed = import(&env, "agentllm", &file, &[]).code(2);
    assert!(stderr(&failed).contains("--key-file"), "{}", stderr(&failed));
    let env = env.set("AGENTLLM_TOKEN_ENCRYPTION_KEY", "made-up");
    import(&env, "agentllm", &file, &[]).code(2);
    let other = KEY.replace("AAEC", "BBBB");
    let env = env.set("AGENTLLM_TOKEN_ENCRYPTION_KEY", other);
    let failed = import(&env, "agentllm", &file, &[]).code(2);
    assert!(stderr(&failed).contains("row 1 of jira_tokens"), "{}", stderr(&failed));
    assert!(!env.vault_path().exists());
    let env = env.set("AGENTLLM_TOKEN_ENCRYPTION_KEY", KEY);
    import(&env, "agentllm", &file, &[]).success();
    check_agentllm(&server, &env);
}

#[test]
fn what_is_not_known_in_agentllms_tables_is_told() {
    let env = TestEnv::new();
    let file = database(
        &env,
        &format!(
            "{AGENTLLM} CREATE TABLE rhcp_tokens (user_id VARCHAR, offline_token VARCHAR);
             INSERT INTO rhcp_tokens VALUES ('a', 'made-up');
             INSERT INTO github_tokens (user_id, token, server_url) VALUES
                 ('a', 'made-up-pat', 'https://github.example.com/api/v3'),
                 ('b', 'made-up-pat', 'https://api.github.com/');"
        ),
    );
    let said = stderr(&import(&env, "agentllm", &file, &[]).code(1));
    assert!(said.contains("rhcp_tokens"), "{said}");
    assert!(said.contains("skipped row 1 of github_tokens, `github/a`: "), "{said}");
    assert!(said.contains("stored 1 of 2, and skipped 1") && !said.contains("shred"), "{said}");
}

#[test]
fn a_table_that_only_looks_like_one_is_not_read() {
    let env = TestEnv::new();
    let file = database(
        &env,
        "CREATE VIEW jira_tokens AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n)
             SELECT 'a' AS user_id, 'made-up' AS token, 'https://x' AS server_url FROM n;",
    );
    import(&env, "agentllm", &file, &[]).code(2);
}

#[test]
fn sallas_table_as_go_writes_it() {
    let env = TestEnv::new();
    let file = database(
        &env,
        "CREATE TABLE tokens (user_id TEXT PRIMARY KEY, access_token TEXT NOT NULL,
             refresh_token TEXT NOT NULL, token_type TEXT NOT NULL, expires_at DATETIME NOT NULL);
         INSERT INTO tokens VALUES
             ('user_123', 'made-up-1', 'made-up-2', 'Bearer', '2100-01-01 02:00:00.5+02:00'),
             ('user_456', 'made-up-3', 'made-up-4', 'bearer', '2100-01-01 00:00:00 +0000 UTC');",
    );
    import(&env, "salla", &file, &[]).success();
    for user in ["user_123", "user_456"] {
        let found = got(&env, "salla", user);
        assert_eq!(found["expires_at"], "2100-01-01T00:00:00Z");
        assert_eq!(found["token_type"], "Bearer");
    }
}

#[test]
fn tokens_by_name_under_a_derived_key() {
    let env = TestEnv::new();
    let file = database(
        &env,
        &format!(
            "CREATE TABLE tokens (key TEXT PRIMARY KEY, value TEXT NOT NULL, type TEXT NOT NULL);
             INSERT INTO tokens VALUES ('FACEBOOK_USER_ACCESS_TOKEN', '{PERSON}', 'token'),
                 ('FACEBOOK_ACCESS_TOKEN_1234', '{PAGE}', 'token'),
                 ('PAGE_UUID_1234', '{PAGE}', 'uuid'),
                 ('SHOPIFY_ACCESS_TOKEN_acme-7cu_myshopify_com', '{SHOP}', 'token'),
                 ('USER_UUID_acme-7cu_myshopify_com', '{SHOP}', 'uuid');"
        ),
    );
    import(&env, "state-tokens", &file, &["--user", "me"]).code(2);
    let wrong = env.file("secret.txt", "made-up-other\n");
    let failed = import(&env, "state-tokens", &file, &["--key-file", wrong.to_str().unwrap()]);
    assert!(stderr(&failed.code(2)).contains("row 1 of tokens"));
    let env = env.set("STATE_TOKEN_SECRET", STATE_SECRET);
    let skipped = stderr(&import(&env, "state-tokens", &file, &[]).code(1));
    assert!(skipped.contains("skipped row 1 of tokens: it does not say whose"), "{skipped}");
    assert!(skipped.contains("--user"), "{skipped}");
    import(&env, "state-tokens", &file, &["--user", "me"]).success();
    assert_eq!(got(&env, "facebook", "me")["access_token"], "made-up-person");
    assert_eq!(got(&env, "facebook", "1234")["access_token"], "made-up-page");
    let shop = got(&env, "shopify", "acme-7cu.myshopify.com");
    assert_eq!(shop["access_token"], "made-up-shop");
    assert_eq!(shop["server_url"], "https://acme-7cu.myshopify.com");
}

#[test]
fn a_facebook_token_is_exchanged_once_its_client_is_known() {
    let env = TestEnv::new()
        .set("STATE_TOKEN_SECRET", STATE_SECRET)
        .set("TOKCTL_FACEBOOK_CLIENT_ID", "1")
        .set("TOKCTL_FACEBOOK_CLIENT_SECRET", "made-up-secret");
    let file = database(
        &env,
        &format!(
            "CREATE TABLE tokens (key TEXT PRIMARY KEY, value TEXT NOT NULL, type TEXT NOT NULL);
             INSERT INTO tokens VALUES ('FACEBOOK_USER_ACCESS_TOKEN', '{PERSON}', 'token');"
        ),
    );
    let done = import(&env, "state-tokens", &file, &["--user", "me", "--json"]).success();
    assert_eq!(outcomes(&done)["facebook/me"]["refreshable"], true);
}

#[test]
fn pauths_files_tell_their_user_and_their_time() {
    let env = TestEnv::new().set("TOKCTL_IMPORT_KEY", KEY);
    let file_of = |name: &str, content: &str| file(&env, &format!("{name}.enc"), content);
    let alice = file_of("alice@example.com", ENCRYPTED_TOKENS);
    file_of("bob", SPENT_TOKENS);
    let failed = import(&env, "pauth", &alice, &[]).code(2);
    assert!(stderr(&failed).contains("--provider"), "{}", stderr(&failed));
    let done = import(&env, "pauth", &alice, &["--provider", "github", "--json"]).success();
    let one = &outcomes(&done)["github/alice@example.com"];
    assert_eq!(one["expires_at"], "2096-10-02T08:06:40Z", "an hour after it was stored");
    let folder = env.path("elsewhere");
    let done = import(&env, "pauth", &folder, &["--provider", "github", "--json"]).code(1);
    let found = outcomes(&done);
    assert_eq!(found["github/alice@example.com"]["outcome"], "same");
    assert_eq!(found["github/bob"]["outcome"], "left_out", "its end is long past");
    assert_eq!(got(&env, "github", ALICE)["access_token"], "made-up-access");
}

#[test]
fn pauths_tokens_as_json_and_in_a_table() {
    let env = TestEnv::new();
    let tokens =
        |number: i64| json!({ "access_token": format!("made-up-{number}"), "scope": "a b" });
    let one = file(&env, "one.json", tokens(1).to_string());
    let named = ["--provider", "github", "--user", "alice"];
    import(&env, "pauth", &one, &named).success();
    let several = json!({ "bob": tokens(2), "carol": tokens(3) });
    let several = file(&env, "several.json", several.to_string());
    import(&env, "pauth", &several, &named).code(2);
    import(&env, "pauth", &several, &["--provider", "github"]).success();
    let table = database(
        &env,
        &format!(
            "CREATE TABLE oauth_tokens (id INTEGER PRIMARY KEY, user_id VARCHAR, tokens VARCHAR);
             INSERT INTO oauth_tokens VALUES (1, 'dave', '{}');",
            tokens(4)
        ),
    );
    import(&env, "pauth", &table, &["--provider", "github"]).success();
    for (number, user) in (1..).zip(["alice", "bob", "carol", "dave"]) {
        assert_eq!(got(&env, "github", user)["access_token"], format!("made-up-{number}"));
    }
    let twice = format!("{{\"eve\": {}, \"eve\": {}}}", tokens(5), tokens(6));
    let twice = file(&env, "twice.json", twice);
    let failed = import(&env, "pauth", &twice, &["--provider", "github"]).code(2);
    assert!(stderr(&failed).contains("entry 2"), "{}", stderr(&failed));
    let broken = file(&env, "broken.json", json!({ "x": tokens(1), "y": 7 }).to_string());
    let skipped = stderr(&import(&env, "pauth", &broken, &["--provider", "github"]).code(1));
    assert!(skipped.contains("skipped entry 2, `github/y`: "), "{skipped}");
    assert_eq!(got(&env, "github", "x")["access_token"], "made-up-1");
}

#[test]
fn the_refresh_services_tables() {
    let env = TestEnv::new()
        .set("TOKCTL_ETSY_CLIENT_ID", "keystring")
        .set("TOKCTL_ETSY_CLIENT_SECRET", "made-up-secret");
    let file = database(
        &env,
        &format!(
            "CREATE TABLE etsy_users (user_id TEXT PRIMARY KEY, access_token TEXT,
                 refresh_token TEXT, token_expires_at TIMESTAMP, updated_at TIMESTAMP);
             CREATE TABLE shopify_stores (id TEXT PRIMARY KEY, shop_domain TEXT,
                 access_token TEXT, is_active BOOLEAN, updated_at TIMESTAMP);
             INSERT INTO etsy_users VALUES ('u-1', '1.made-up', '1.made-up', '{LATER}', '{BEFORE}');
             INSERT INTO shopify_stores VALUES
                 ('s-1', 'made-up.myshopify.com', 'made-up-1', 1, '{BEFORE}'),
                 ('s-2', 'gone.myshopify.com', 'made-up-2', 0, '{BEFORE}');"
        ),
    );
    let done = import(&env, "refresh-service", &file, &["--json", "--take-over"]).success();
    let found = outcomes(&done);
    assert_eq!(found["etsy/u-1"]["refreshable"], true);
    assert_eq!(found["etsy/u-1"]["expires_at"], "2100-01-01T00:00:00Z");
    let shop = &found["shopify/made-up.myshopify.com"];
    assert_eq!(shop["server_url"], "https://made-up.myshopify.com");
    let listed = json(&env.tokctl(["list", "shopify", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["status"], "inactive");
    assert_eq!(listed["credentials"][1]["status"], "active");
}

#[test]
fn the_refresh_services_tables_as_csv() {
    let env = TestEnv::new();
    let dump = "user_id,access_token,refresh_token,token_expires_at,updated_at\n\
        u-1,1.made-up-1,1.made-up-2,2100-01-01 00:00:00+00,\\N\n\
        \"u,2\",\"2.made-up-3\",\\N,2100-01-01T00:00:00.123,\n";
    let users = file(&env, "etsy_users.csv", dump);
    import(&env, "refresh-service", &users, &[]).success();
    assert_eq!(got(&env, "etsy", "u-1")["expires_at"], "2100-01-01T00:00:00Z");
    assert_eq!(got(&env, "etsy", "u,2")["access_token"], "2.made-up-3");
    let dump = "id,shop_domain,access_token,is_active\ns-1,made-up.myshopify.com,made-up-4,t\n";
    let stores = file(&env, "shopify_stores.csv", dump);
    import(&env, "refresh-service", &stores, &[]).success();
    assert_eq!(got(&env, "shopify", "made-up.myshopify.com")["access_token"], "made-up-4");
    let short = "user_id,access_token,refresh_token,token_expires_at\nu-3,made-up-5\n";
    let short = file(&env, "short.csv", short);
    let failed = import(&env, "refresh-service", &short, &[]).code(1);
    assert!(stderr(&failed).contains("line 2"), "{}", stderr(&failed));
}

#[test]
fn googles_authorized_user() {
    let (server, env) = google("google");
    let credentials = json!({
        "type": "authorized_user", "client_id": "tokctl-made-up", "client_secret": "made-up-secret",
        "refresh_token": "made-up-refresh", "account": "", "universe_domain": "googleapis.com",
    });
    let file = file(&env, "application_default_credentials.json", credentials.to_string());
    let failed = import(&env, "google", &file, &[]).code(2);
    assert!(stderr(&failed).contains("--user"), "{}", stderr(&failed));
    import(&env, "google", &file, &["--user", ALICE]).success();
    env.tokctl(["get", "--no-refresh"]).assert().code(1).stdout_eq("");
    server.will(issue().without_refresh_token());
    assert_eq!(got(&env, "google", ALICE)["access_token"], "access-1");
    let again = import(&env, "google", &file, &["--user", ALICE, "--json"]).success();
    assert_eq!(outcomes(&again)["google/alice@example.com"]["outcome"], "same");
}

#[test]
fn a_grant_without_an_access_token_is_revoked_by_its_refresh_token_alone() {
    let (server, env) = google("google");
    env.add_config(&format!("revocation_endpoint = \"{}\"\n", server.url("/revoke")));
    let credentials = json!({
        "type": "authorized_user", "client_id": "tokctl-made-up", "client_secret": "made-up-secret",
        "refresh_token": "made-up-refresh",
    });
    let file = file(&env, "adc.json", credentials.to_string());
    import(&env, "google", &file, &["--user", ALICE]).success();
    server.will_revoke(200);
    env.tokctl(["delete", "google", "--user", ALICE, "--yes"]).assert().success();
    assert_eq!(server.revocations(), [Revocation::of_refresh_token("made-up-refresh")]);
}

#[test]
fn googles_credentials_as_its_library_writes_them() {
    let env = TestEnv::new();
    let credentials = |scopes: Value| {
        json!({
            "token": "made-up-access", "refresh_token": "made-up-refresh",
            "token_uri": "https://oauth2.googleapis.com/token", "client_id": "c",
            "client_secret": "made-up-secret", "scopes": scopes,
            "universe_domain": "googleapis.com", "account": ALICE,
            "expiry": "2100-01-01T00:00:00.123456Z",
        })
        .to_string()
    };
    let drive = "https://www.googleapis.com/auth/drive.file";
    let one = file(&env, "token.json", credentials(json!([drive])));
    import(&env, "google", &one, &[]).success();
    assert_eq!(got(&env, "gdrive", ALICE)["expires_at"], "2100-01-01T00:00:00Z");
    let other = file(&env, "token.json", credentials(json!("openid email")));
    import(&env, "google", &other, &[]).success();
    assert_eq!(got(&env, "google", ALICE)["scopes"], json!(["openid", "email"]));
    import(&env, "google", &other, &["--provider", "gdrive"]).success();
}

#[test]
fn googles_files_without_a_login_are_told_apart() {
    let env = TestEnv::new();
    let client = json!({ "client_id": "c", "client_secret": "made-up" });
    let account = crate::authorization_server::service_account::key_file(&json!({}));
    for (content, hint) in [
        (json!({ "installed": client }), "--client-secrets"),
        (json!({ "web": client }), "--client-secrets"),
        (account.parse().unwrap(), "--service-account"),
        (json!({ "type": 7 }), "import"),
    ] {
        let file = file(&env, "google.json", content.to_string());
        let failed = import(&env, "google", &file, &["--user", "x"]).code(2);
        assert!(stderr(&failed).contains(hint), "{}", stderr(&failed));
    }
    for (content, what) in [
        (json!({ "type": "external_account" }), "it names no audience"),
        (json!({ "token": null }), ""),
    ] {
        let file = file(&env, "google.json", content.to_string());
        let failed = import(&env, "google", &file, &["--user", "x"]).code(1);
        assert!(stderr(&failed).contains(what), "{}", stderr(&failed));
    }
}

#[test]
fn rclones_drive_remotes() {
    let (server, env) = google("gdrive");
    let token = |end: &str| {
        json!({
            "access_token": "made-up-access", "token_type": "Bearer",
            "refresh_token": "made-up-refresh", "expiry": end,
        })
    };
    let own = token("2020-01-01T00:00:00.123456789+02:00");
    let rclones = token("2100-01-01T00:00:00+02:00");
    let config = format!(
        "# made up\n[work]\ntype = drive\nclient_id = tokctl-made-up\n\
         client_secret = made-up-secret\nscope = drive.readonly\ntoken = {own}\nteam_drive = \n\n\
         [home]\ntype = drive\nscope = drive\ntoken = {rclones}\n\n\
         [bucket]\ntype = s3\nsecret_access_key = made-up-s3\n"
    );
    let config = file(&env, "rclone.conf", config);
    let said = stderr(&import(&env, "rclone", &config, &[]).success());
    assert!(said.contains("the remote bucket") && !said.contains("shred"), "{said}");
    assert!(said.contains("log in with a client of yours"), "{said}");
    server.will(issue().without_refresh_token());
    let work = got(&env, "gdrive", "work");
    assert_eq!(work["access_token"], "access-1");
    assert_eq!(work["scopes"], json!(["https://www.googleapis.com/auth/drive.readonly"]));
    // Its grant is one of rclone's own client.
    let home = got(&env, "gdrive", "home");
    assert_eq!(home["access_token"], "made-up-access");
    assert_eq!(home["expires_at"], "2099-12-31T22:00:00Z");
    env.tokctl(["refresh", "gdrive", "--user", "home"]).assert().failure();
}

#[test]
fn an_rclone_configuration_that_is_encrypted_or_wrong_is_told() {
    let env = TestEnv::new();
    let sealed = "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nmade-up-\n";
    let failed = import(&env, "rclone", &file(&env, "a.conf", sealed), &[]).code(2);
    assert!(stderr(&failed).contains("rclone config show"), "{}", stderr(&failed));
    for (text, line, code) in [
        ("type = drive\n", "without remotes", 2),
        ("[a]\n\nmade-up-\n", "line 3", 1),
        ("[b]\ntype = s3\n[a]\ntype = drive\ntoken = made-up-\n", "line 3", 1),
    ] {
        let failed = import(&env, "rclone", &file(&env, "a.conf", text), &[]).code(code);
        assert!(stderr(&failed).contains(line), "{}", stderr(&failed));
    }
    assert!(!place(&env, "x").exists());
}

#[test]
fn a_database_or_its_log_that_is_a_pipe_is_refused_and_not_waited_for() {
    let env = TestEnv::new();
    let mkfifo = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    for suffix in ["", "-wal", "-journal"] {
        let path = database(&env, "CREATE TABLE IF NOT EXISTS t (x)");
        if suffix.is_empty() {
            std::fs::remove_file(&path).unwrap();
        }
        let pipe = std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        mkfifo(&pipe);
        let failed = env.tokctl(["import", "agentllm", path.to_str().unwrap()]).assert().failure();
        assert!(stderr(&failed).contains("is not a plain file"), "{}", stderr(&failed));
        std::fs::remove_file(&pipe).unwrap();
    }
}
