//! `tokctl get --format`: each form as its readers want it, from which no value breaks out.

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use serde_json::json;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, stderr, stdout};

/// A token of the provider `work`, which this definition describes, made by hand.
fn stored(definition: &str, arguments: &[&str], token: &str) -> TestEnv {
    let env = TestEnv::new();
    env.config(&format!("[providers.work]\n{definition}\n"));
    keep(&env, arguments, token);
    env
}

fn keep(env: &TestEnv, arguments: &[&str], token: &str) {
    let login = ["login", "work", "--user", "x", "--token-stdin"];
    env.tokctl(login.iter().chain(arguments)).stdin(token.to_owned()).assert().success();
}

fn printed(env: &TestEnv, format: &str) -> String {
    stdout(&env.tokctl(["get", "--format", format]).assert().success().stderr_eq(""))
}

#[track_caller]
fn refused(env: &TestEnv, format: &str, why: &str) {
    let failed = env.tokctl(["get", "--format", format]).assert().code(1).stdout_eq("");
    let said = stderr(&failed);
    assert!(said.contains(why) && said.contains("hint: "), "{said}");
    assert!(!said.contains("made-up"), "{said}");
}

#[test]
fn a_header_carries_the_token_as_the_service_wants_it() {
    let env = stored("api_auth = \"bearer\"", &[], "made-up");
    assert_eq!(printed(&env, "header"), "Authorization: Bearer made-up\n");
    // printf 'alice@example.com:made-up' | base64
    keep(&env, &["--username", "alice@example.com"], "made-up");
    let basic = "Authorization: Basic YWxpY2VAZXhhbXBsZS5jb206bWFkZS11cA==\n";
    assert_eq!(printed(&env, "header"), basic);
    let env = stored("extends = \"shopify\"", &["--server", "https://x.myshopify.com"], "made-up");
    assert_eq!(printed(&env, "header"), "X-Shopify-Access-Token: made-up\n");
}

#[test]
fn a_header_that_the_service_wants_beside_the_token_comes_along() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config(&format!(
        "{}api_headers = {{ x-api-key = \"{{client_id}}:made-up\" }}\n",
        server.definition()
    ));
    env.log_in("x", &server, issue());
    let lines = "Authorization: Bearer access-1\nx-api-key: tokctl-made-up:made-up\n";
    assert_eq!(printed(&env, "header"), lines);
    let lines = "header = \"Authorization: Bearer access-1\"\n\
                 header = \"x-api-key: tokctl-made-up:made-up\"\n";
    assert_eq!(printed(&env, "curl"), lines);
    refused(&env, "netrc", "beside the token");
}

#[test]
fn what_no_header_can_hold_is_refused() {
    let env = stored("api_auth = \"bearer\"", &[], "made-up-\u{e9}");
    refused(&env, "header", "visible ASCII");
    refused(&env, "curl", "visible ASCII");
    // Base64 holds anything.
    keep(&env, &["--username", "x"], "made-up-\u{e9}");
    assert_eq!(printed(&env, "header"), "Authorization: Basic eDptYWRlLXVwLcOp\n");
}

#[test]
fn variables_tell_what_is_known() {
    let env = stored("api_auth = \"bearer\"", &[], "made-up");
    let unset = |name| format!("export {name}=''\ncommand -v unset >/dev/null && unset {name}\n");
    let lines = [
        "export TOKCTL_TOKEN='made-up'\n".to_owned(),
        unset("TOKCTL_USERNAME"),
        unset("TOKCTL_API_BASE_URL"),
    ];
    assert_eq!(printed(&env, "env"), lines.concat());
    let server = ["--server", "https://jira.example/x", "--username", "al o'"];
    keep(&env, &server, r#"it's \ "$(x)""#);
    let lines = "export TOKCTL_TOKEN='it'\\''s '\\\\' \"$(x)\"'\n\
                 export TOKCTL_USERNAME='al o'\\'''\n\
                 export TOKCTL_API_BASE_URL='https://jira.example/x'\n";
    assert_eq!(printed(&env, "env"), lines);
}

#[test]
fn a_netrc_line_is_for_the_host_of_the_api() {
    let definition = "api_base_url = \"https://api.example:8443/v1\"";
    let env = stored(definition, &["--server", "https://www.example"], "made-up#'");
    refused(&env, "netrc", "a bearer token, no password");
    let said = stderr(&env.tokctl(["get", "--format", "netrc"]).assert().code(1));
    assert!(said.contains("hint: tokctl get --format header\n"), "{said}");
    keep(&env, &["--username", "alice@example.com"], "made-up");
    let line = "machine api.example login alice@example.com password made-up\n";
    assert_eq!(printed(&env, "netrc"), line);
    for token in ["made up", "made-up\"", "made\\up", "#made-up", "made-up-\u{e9}"] {
        keep(&env, &["--username", "x"], token);
        refused(&env, "netrc", "its password");
    }
    keep(&env, &["--username", "made up"], "made-up");
    refused(&env, "netrc", "its login");
    let env = stored("api_auth = \"basic\"", &["--username", "x"], "made-up");
    refused(&env, "netrc", "nobody said where");
    let env = stored("extends = \"shopify\"", &["--server", "https://x.myshopify.com"], "made-up");
    refused(&env, "netrc", "a header of its own");
}

#[test]
fn only_a_grant_of_google_s_becomes_default_credentials() {
    let env = stored("extends = \"google\"", &[], "made-up");
    refused(&env, "adc", "without a refresh token");
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    refused(&env, "adc", "not of Google");
}

#[test]
fn json_on_request_is_json_in_every_format() {
    let env = stored("api_auth = \"bearer\"", &[], "made-up");
    for arguments in [&["--json", "get"][..], &["--json", "get", "--format", "env"]] {
        let printed = stdout(&env.tokctl(arguments).assert().success());
        let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(value["access_token"], json!("made-up"));
    }
}

#[test]
fn a_ci_platform_masks_what_is_secret_before_it_is_printed() {
    let definition = "api_base_url = \"https://api.example\"";
    let env = stored(definition, &["--username", "x"], "50%0A");
    let masked = |format: &str, platform: &str| {
        let get = ["get", "--format", format, "--ci-mask", platform];
        stderr(&env.tokctl(get).assert().success())
    };
    assert_eq!(masked("token", "github"), "::add-mask::50%250A\n");
    assert_eq!(masked("token", "azure"), "##vso[task.setsecret]50%AZP250A\n");
    // What a header holds is another text.
    let both = "::add-mask::50%250A\n::add-mask::eDo1MCUwQQ==\n";
    assert_eq!(masked("header", "github"), both);
    assert_eq!(masked("curl", "github"), both);
    for format in ["json", "env", "netrc"] {
        assert_eq!(masked(format, "github"), "::add-mask::50%250A\n", "{format}");
    }
    keep(&env, &[], "it's \"made up\"");
    let quoted = "::add-mask::it's \"made up\"\n::add-mask::it's \\\"made up\\\"\n";
    assert_eq!(masked("json", "github"), quoted);
    let quoted = "::add-mask::it's \"made up\"\n::add-mask::it'\\''s \"made up\"\n";
    assert_eq!(masked("env", "github"), quoted);
}

#[test]
fn a_value_that_nothing_masks_is_not_printed() {
    let env = TestEnv::new().with_static_token("x", "--");
    let failed = env.tokctl(["get", "--ci-mask", "azure"]).assert().code(1).stdout_eq("");
    assert!(stderr(&failed).contains("can't be masked"), "{}", stderr(&failed));
    // Nor is one where nobody would read the command.
    let env = TestEnv::new().with_static_token("x", "made-up");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = env.command(["get", "--ci-mask", "github"]).stderr(writer).output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout), (Some(1), vec![]));
}

/// What `sh` has in a variable after it ran `script`.
fn in_a_shell(env: &TestEnv, script: &str, variable: &str) -> String {
    let file = env.file("script", script);
    let mut shell = Command::new("/bin/sh");
    let command = format!("eval \"$(cat \"$0\")\"; printf %s \"${variable}\"");
    shell.args(["-euc", &command]).arg(file);
    env.settle(&mut shell);
    let output = shell.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(fs::read_dir(env.path("run")).unwrap().count(), 0, "{script} did something");
    String::from_utf8(output.stdout).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_value_breaks_out_of_its_quotes(
        token in "([!-~é€\u{202e}]|'|\\\\|\\$|`|\"|; touch run/x;|\\$\\(touch run/x\\)| ){0,20}[!-~]",
        username in "['\"\\\\$`# !é-]{1,8}",
    ) {
        let env = stored("api_auth = \"bearer\"", &[&format!("--username={username}")], &token);
        let printed = printed(&env, "env");
        let token = token.trim();
        prop_assert_eq!(in_a_shell(&env, &printed, "TOKCTL_TOKEN"), token);
        prop_assert_eq!(in_a_shell(&env, &printed, "TOKCTL_USERNAME"), username);
    }
}

#[test]
fn variables_of_another_credential_do_not_stay() {
    let env = stored("api_auth = \"bearer\"", &[], "made-up");
    let lines = printed(&env, "env");
    for shell in ["sh", "bash", "zsh", "fish"] {
        let show = match shell {
            "fish" => "echo \"$TOKCTL_TOKEN|$TOKCTL_USERNAME|$TOKCTL_API_BASE_URL\"",
            _ => "echo \"$TOKCTL_TOKEN|${TOKCTL_USERNAME-}|${TOKCTL_API_BASE_URL-}\"",
        };
        let mut command = std::process::Command::new(shell);
        command.args(["-c", &format!("{lines}\n{show}")]);
        command.envs([("TOKCTL_USERNAME", "al"), ("TOKCTL_API_BASE_URL", "https://other.example")]);
        match command.output() {
            Ok(output) => {
                assert_eq!(String::from_utf8(output.stdout).unwrap(), "made-up||\n", "{shell}");
                assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{shell}");
            }
            Err(error) => assert_ne!(shell, "sh", "{error}"),
        }
    }
}

#[test]
fn headers_come_as_an_object_as_well() {
    let env = stored("api_auth = \"bearer\"", &[], "it's \"made up\"");
    let object: serde_json::Value = serde_json::from_str(&printed(&env, "headers-json")).unwrap();
    assert_eq!(object, json!({ "Authorization": "Bearer it's \"made up\"" }));
    keep(&env, &["--username", "x"], "made-up");
    let object: serde_json::Value = serde_json::from_str(&printed(&env, "headers-json")).unwrap();
    assert_eq!(object, json!({ "Authorization": "Basic eDptYWRlLXVw" }));
}

#[test]
fn kubectl_gets_the_version_that_it_asks_for() {
    let env = stored("api_auth = \"bearer\"", &[], "made-up");
    let object: serde_json::Value =
        serde_json::from_str(&printed(&env, "exec-credential")).unwrap();
    let version = "client.authentication.k8s.io/v1";
    let status = json!({ "token": "made-up" });
    let whole = json!({ "apiVersion": version, "kind": "ExecCredential", "status": status });
    assert_eq!(object, whole);
    keep(&env, &["--username", "x"], "made-up");
    refused(&env, "exec-credential", "a bearer token and nothing else");
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue()).set(
        "KUBERNETES_EXEC_INFO",
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{}}"#,
    );
    let object: serde_json::Value =
        serde_json::from_str(&printed(&env, "exec-credential")).unwrap();
    assert_eq!(object["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert!(object["status"]["expirationTimestamp"].as_str().unwrap().ends_with('Z'));
}
