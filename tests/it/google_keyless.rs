//! Google's files without a key: what is sent for them, and where nothing is.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::authorization_server::service_account::key_file;
use crate::env::{TestEnv, stderr, stdout};
use crate::http::Response;
use crate::platform::{Platform, good_token, param};

const AUDIENCE: &str =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/hub";
const ROBOT: &str = "robot@made-up.iam.gserviceaccount.com";
const DRIVE: &str = "https://www.googleapis.com/auth/drive";
const IMPERSONATION: &str =
    "/v1/projects/-/serviceAccounts/robot@made-up.iam.gserviceaccount.com:generateAccessToken";

/// A world in which Google's endpoints are at `platform`.
fn world(platform: &Platform) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.gdrive]\n\
         extends = \"gdrive\"\n\
         token_endpoint = \"{}\"\n\
         exchange_endpoint = \"{}\"\n\
         impersonation_endpoint = \"{}\"\n",
        platform.url("/oauth"),
        platform.url("/token"),
        platform.url("/v1/projects/-/serviceAccounts/{service_account}:generateAccessToken"),
    ));
    env
}

/// An `external_account` file with this source and these fields changed.
fn external(platform: &Platform, source: &Value, changes: &Value) -> String {
    let mut file = json!({
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": platform.url("/token"),
        "credential_source": source,
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        file[name] = value.clone();
    }
    file.to_string()
}

fn impersonating(platform: &Platform) -> Value {
    json!({ "service_account_impersonation_url": platform.url(IMPERSONATION) })
}

fn typed(path: &Path) -> String {
    path.display().to_string()
}

/// Announces the token of the service account.
fn will_impersonate(platform: &Platform, token: &str) {
    let answer = json!({ "accessToken": token, "expireTime": "2999-01-01T00:00:00Z" });
    platform.will(IMPERSONATION, Response::json(200, &answer));
}

#[test]
fn an_external_account_comes_in_and_is_exchanged_at_its_first_use() {
    let platform = Platform::start();
    let env = world(&platform);
    let token = good_token("made-up", "1");
    let identity = env.file("identity.json", json!({ "id": token }).to_string());
    let format = json!({ "type": "json", "subject_token_field_name": "id" });
    let source = json!({ "file": typed(&identity), "format": format });
    let changes = json!({ "quota_project_id": "made-up-project" });
    let file = env.file("google.json", external(&platform, &source, &changes));
    let done = env.tokctl(["import", "google", &typed(&file)]).assert().success();
    assert!(platform.seen().is_empty(), "an import asks nobody: {}", stderr(&done));
    assert!(!stderr(&done).contains("shred"), "it holds no secret: {}", stderr(&done));
    platform.will_issue("access-1", 3600);
    env.tokctl(["get", "gdrive/hub@ci"]).assert().success().stdout_eq("access-1\n");
    let form = platform.form("/token");
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token", token.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("audience", AUDIENCE),
        ("scope", DRIVE),
    ] {
        assert_eq!(param(&form, name), Some(value), "{name}");
    }
    assert_eq!(form.len(), 6, "{form:?}");
    let shown = env.tokctl(["get", "gdrive/hub@ci", "--format", "headers-json"]).assert().success();
    let shown = String::from_utf8_lossy(&shown.get_output().stdout).into_owned();
    assert!(shown.contains("\"x-goog-user-project\": \"made-up-project\""), "{shown}");
    // The same file again is no other credential, and costs no token; another one is.
    env.tokctl(["import", "google", &typed(&file)]).assert().success();
    env.tokctl(["get", "gdrive/hub@ci"]).assert().success().stdout_eq("access-1\n");
    let other = external(&platform, &json!({ "file": "/made-up" }), &json!({}));
    let other = env.file("other.json", other);
    let again = env.tokctl(["import", "google", &typed(&other)]).assert().success();
    assert!(stdout(&again).contains("present"), "{}", stdout(&again));
}

#[test]
fn a_service_account_is_impersonated_with_the_token_of_the_exchange() {
    let platform = Platform::start();
    let env = world(&platform);
    let token = good_token("made-up", "1");
    platform.will("/metadata", Response::new(200, "text/plain", token.clone()));
    let source = json!({ "url": platform.url("/metadata?x=y"), "headers": { "Metadata": "True" } });
    let mut changes = impersonating(&platform);
    changes["service_account_impersonation"] = json!({ "token_lifetime_seconds": 900 });
    changes["quota_project_id"] = json!("made-up-project");
    let file = env.file("google.json", external(&platform, &source, &changes));
    platform.will_issue("federated", 3600);
    will_impersonate(&platform, "access-1");
    let login = ["login", "gdrive", "--external-account", &typed(&file)];
    let done = env.tokctl(login).assert().success();
    assert!(stderr(&done).contains(&format!("as {ROBOT}")), "{}", stderr(&done));
    let seen = platform.seen();
    assert_eq!(seen[0].target, "/metadata?x=y");
    assert_eq!(seen[0].header("metadata"), Some("True"));
    assert_eq!(
        param(&platform.form("/token"), "scope"),
        Some("https://www.googleapis.com/auth/iam")
    );
    assert_eq!(seen[2].header("authorization"), Some("Bearer federated"));
    assert_eq!(seen[2].header("x-goog-user-project"), Some("made-up-project"));
    let asked: Value = serde_json::from_slice(&seen[2].body).unwrap();
    assert_eq!(asked, json!({ "delegates": null, "scope": [DRIVE], "lifetime": "900s" }));
    let reference = format!("gdrive/{ROBOT}");
    env.tokctl(["get", &reference]).assert().success().stdout_eq("access-1\n");
    // A login again takes all from the vault.
    platform.will("/metadata", Response::new(200, "text/plain", token));
    platform.will_issue("federated", 3600);
    will_impersonate(&platform, "access-2");
    env.tokctl(["login", &reference]).assert().success();
    env.tokctl(["get", &reference]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_denied_impersonation_is_told_in_googles_words() {
    let platform = Platform::start();
    let env = world(&platform);
    let identity = env.file("identity", good_token("made-up", "1"));
    let source = json!({ "file": typed(&identity) });
    let file = env.file("google.json", external(&platform, &source, &impersonating(&platform)));
    platform.will_issue("federated", 3600);
    let denied = json!({ "error": {
        "code": 403, "status": "PERMISSION_DENIED",
        "message": "Permission 'iam.serviceAccounts.getAccessToken' denied",
    } });
    platform.will(IMPERSONATION, Response::json(403, &denied));
    let failed = env.tokctl(["login", "gdrive", "--external-account", &typed(&file)]).assert();
    let failed = failed.code(2);
    assert!(stderr(&failed).contains("getAccessToken"), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("role Workload Identity User"), "{}", stderr(&failed));
    assert!(!stderr(&failed).contains("federated"), "{}", stderr(&failed));
}

#[test]
fn a_program_is_run_as_googles_libraries_run_it_and_only_if_it_may_be() {
    let platform = Platform::start();
    let env = world(&platform);
    let token = good_token("made-up", "1");
    let answer = json!({
        "version": 1, "success": true, "id_token": token,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
    });
    let program = env.file(
        "program",
        format!(
            "#!/bin/sh\n\
             [ \"$1 $GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE\" = 'a b {AUDIENCE}' ] || exit 7\n\
             [ \"$GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL\" = '{ROBOT}' ] || exit 8\n\
             [ \"$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE\" = 0 ] || exit 9\n\
             echo '{answer}'\n"
        ),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&program, mode).unwrap();
    let source = json!({ "executable": { "command": format!("{} 'a b'", typed(&program)) } });
    let file = env.file("google.json", external(&platform, &source, &impersonating(&platform)));
    env.tokctl(["import", "google", &typed(&file)]).assert().success();
    let reference = format!("gdrive/{ROBOT}");
    let failed = env.tokctl(["get", &reference]).assert().code(2);
    let word = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
    assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
    let env = env.set(word, "1");
    platform.will_issue("federated", 3600);
    will_impersonate(&platform, "access-1");
    env.tokctl(["get", &reference]).assert().success().stdout_eq("access-1\n");
    assert_eq!(param(&platform.form("/token"), "subject_token"), Some(&*token));
}

#[test]
fn a_person_or_a_service_account_acts_in_the_name_of_another() {
    let platform = Platform::start();
    let env = world(&platform);
    let file = |source: Value| {
        json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url": platform.url(IMPERSONATION),
            "source_credentials": source,
            "delegates": ["between@made-up.iam.gserviceaccount.com"],
            "quota_project_id": "made-up-project",
        })
        .to_string()
    };
    let person = json!({
        "type": "authorized_user", "client_id": "made-up-client", "client_secret": "made-up-secret",
        "refresh_token": "made-up-refresh-token", "quota_project_id": "made-up-other",
    });
    let path = env.file("person.json", file(person));
    env.tokctl(["import", "google", &typed(&path)]).assert().success();
    let answer = json!({ "access_token": "source", "expires_in": 3600, "token_type": "Bearer" });
    platform.will("/oauth", Response::json(200, &answer));
    will_impersonate(&platform, "access-1");
    let reference = format!("gdrive/{ROBOT}");
    env.tokctl(["get", &reference]).assert().success().stdout_eq("access-1\n");
    let form = platform.form("/oauth");
    assert_eq!(param(&form, "refresh_token"), Some("made-up-refresh-token"));
    assert_eq!(param(&form, "client_secret"), Some("made-up-secret"));
    let asked = platform.seen().pop().unwrap();
    assert_eq!(asked.header("authorization"), Some("Bearer source"));
    assert_eq!(asked.header("x-goog-user-project"), Some("made-up-other"));
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["delegates"], json!(["between@made-up.iam.gserviceaccount.com"]));

    let mut key: Value = serde_json::from_str(&key_file(&json!({}))).unwrap();
    key["token_uri"] = json!(platform.url("/oauth"));
    let path = env.file("account.json", file(key));
    platform.will("/oauth", Response::json(200, &answer));
    will_impersonate(&platform, "access-2");
    let login = ["login", "gdrive", "--user", "other", "--external-account", &typed(&path)];
    env.tokctl(login).assert().success();
    env.tokctl(["get", "gdrive/other"]).assert().success().stdout_eq("access-2\n");
    assert!(param(&platform.form("/oauth"), "assertion").is_some());
}

#[test]
fn one_file_makes_one_account_by_an_import_and_by_a_login() {
    let platform = Platform::start();
    let env = world(&platform);
    let identity = env.file("identity", good_token("made-up", "1"));
    let source = json!({ "file": typed(&identity) });
    let file = typed(&env.file("google.json", external(&platform, &source, &json!({}))));
    env.tokctl(["import", "google", &file]).assert().success();
    platform.will_issue("access-1", 3600);
    env.tokctl(["login", "gdrive", "--external-account", &file]).assert().success();
    let listed = stdout(&env.tokctl(["list", "--columns", "user"]).assert().success());
    assert_eq!(listed, "hub@ci\n");
}

#[test]
fn a_definition_needs_no_file_of_googles() {
    let platform = Platform::start();
    let env = world(&platform).set("DRIVE_ID_TOKEN", good_token("made-up", "1"));
    env.add_config(&format!(
        "audience = \"{AUDIENCE}\"\n\
         assertion = {{ gitlab = \"DRIVE_ID_TOKEN\", service_account = \"{ROBOT}\" }}\n\
         client_id = \"of-people\"\n"
    ));
    platform.will_issue("federated", 3600);
    will_impersonate(&platform, "access-1");
    env.tokctl(["login", "gdrive", "--method", "workload-identity"]).assert().success();
    let form = platform.form("/token");
    assert_eq!(param(&form, "audience"), Some(AUDIENCE));
    assert_eq!(param(&form, "client_id"), None, "that one is for people");
    let reference = format!("gdrive/{ROBOT}");
    env.tokctl(["get", &reference]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_file_can_not_send_an_identity_elsewhere() {
    let platform = Platform::start();
    let env = TestEnv::new();
    let identity = env.file("identity", good_token("made-up", "1"));
    let source = json!({ "file": typed(&identity) });
    let googles = json!({ "token_url": "https://sts.googleapis.com/v1/token" });
    let mut both = googles.clone();
    both["service_account_impersonation_url"] = json!(platform.url(IMPERSONATION));
    for (changes, setting) in [(json!({}), "exchange_endpoint"), (both, "impersonation_endpoint")] {
        let file = typed(&env.file("google.json", external(&platform, &source, &changes)));
        for command in
            [&["login", "gdrive", "--external-account", &file][..], &["import", "google", &file]]
        {
            let failed = env.tokctl(command).assert().code(2);
            let word = "is no server of `gdrive`";
            assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
            assert!(stderr(&failed).contains(setting), "{}", stderr(&failed));
        }
    }
    assert!(platform.seen().is_empty());
}

#[test]
fn the_file_that_googles_libraries_take_is_taken() {
    let platform = Platform::start();
    let env = TestEnv::new();
    env.config(&format!(
        "[providers.gdrive]\nextends = \"gdrive\"\nexchange_endpoint = \"{}\"\n",
        platform.url("/token")
    ));
    let identity = env.file("identity", good_token("made-up", "1"));
    let source = json!({ "file": typed(&identity) });
    let file = env.file("google.json", external(&platform, &source, &json!({})));
    let env = env.set("GOOGLE_APPLICATION_CREDENTIALS", typed(&file));
    platform.will_issue("access-1", 3600);
    let login = ["login", "gdrive/ci", "--method", "workload-identity"];
    env.tokctl(login).assert().success();
    env.tokctl(["get", "gdrive/ci"]).assert().success().stdout_eq("access-1\n");
    // Also where the other endpoints are not Google's own.
    let env = world(&platform).set("GOOGLE_APPLICATION_CREDENTIALS", typed(&file));
    platform.will_issue("access-2", 3600);
    env.tokctl(login).assert().success();
    env.tokctl(["get", "gdrive/ci"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn googles_libraries_get_a_jwt_of_another_service_from_the_vault() {
    let platform = Platform::start();
    let token = good_token("made-up", "identity");
    let env = TestEnv::new().set("ACME_ID_TOKEN", &token);
    env.config(&format!(
        "[providers.acme]\ntoken_endpoint = \"{}\"\n\
         assertion = {{ gitlab = \"ACME_ID_TOKEN\" }}\n",
        platform.url("/token")
    ));
    let access = good_token("made-up", "access");
    let login = ["login", "acme/ci", "--method", "workload-identity"];
    platform.will_issue(&access, 3600);
    env.tokctl(login).assert().success();
    let get = ["get", "acme/ci", "--format", "google-executable"];
    let printed = stdout(&env.tokctl(get).assert().success());
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["version"], 1);
    assert_eq!(printed["success"], true);
    assert_eq!(printed["token_type"], "urn:ietf:params:oauth:token-type:jwt");
    assert_eq!(printed["id_token"], json!(access));
    assert!(printed["expiration_time"].as_i64().is_some());
    platform.will_issue("opaque", 3600);
    env.tokctl(login).assert().success();
    let failed = env.tokctl(get).assert().code(1).stdout_eq("");
    assert!(stderr(&failed).contains("is no JWT"), "{}", stderr(&failed));
}
