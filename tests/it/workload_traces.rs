//! A job's identity token is nowhere but in the request that presents it: not in the vault, the audit
//! or a log, not in what a child gets, not in a core file.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::env::{TestEnv, stderr, stdout};
use crate::http::Response;
use crate::platform::{Platform, good_token};

const AUDIENCE: &str = "https://id.acme.example";
const REQUEST_TOKEN: &str = "made-up-request-token";

/// A world in which `acme` takes the identity that `assertion` describes, with a hook that tells what
/// it was given.
fn world(endpoint: &str, assertion: &str) -> TestEnv {
    let env = TestEnv::new().set("TOKCTL_LOG", "trace");
    env.config(&format!(
        "on_refresh_failed = [\"/bin/sh\", \"-c\", \"env > $HOME/hook.env\"]\n\
         [providers.acme]\n\
         token_endpoint = \"{endpoint}\"\n\
         refresh = {{ kind = \"token_exchange\" }}\n\
         assertion = {{ {assertion}, audience = \"{AUDIENCE}\" }}\n",
    ));
    env
}

/// The files below `folder` that hold `text`.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if fs::read(&path)
            .unwrap_or_default()
            .windows(text.len())
            .any(|at| at == text.as_bytes())
        {
            found.push(path);
        }
    }
    found
}

/// Runs the commands of a job, from its login to a refresh that fails, and returns all they said.
fn job(env: &TestEnv, platform: &Platform) -> String {
    let mut said = String::new();
    let mut run = |words: &[&str], code: i32| {
        let done = env.tokctl(words).assert().code(code);
        said += &(stdout(&done) + &stderr(&done));
    };
    platform.will_issue("access-1", 0);
    run(&["login", "acme/ci", "--method", "workload-identity", "-vv"], 0);
    platform.will_issue("access-2", 3600);
    run(&["run", "-vv", "--env", "TOKEN=acme/ci", "--no-masking", "--", "env"], 0);
    run(&["run", "--env", "TOKEN=acme/ci", "--no-masking", "--", "env"], 0);
    run(&["get", "acme/ci", "--format", "json", "-vv"], 0);
    for words in [
        &["list", "--json"][..],
        &["status", "--json"],
        &["audit", "--json"],
        &["audit", "--verify"],
        &["doctor", "--json"],
        &["providers", "acme", "--json"],
        &["why", "acme/ci"],
    ] {
        run(words, 0);
    }
    platform.will("/token", Response::json(401, &json!({ "error": "invalid_client" })));
    run(&["refresh", "acme/ci", "-vv"], 2);
    assert!(env.path("hook.env").exists(), "the hook was called");
    said
}

#[test]
fn an_identity_token_leaves_no_trace_wherever_it_comes_from() {
    let token = good_token(AUDIENCE, "1");
    for assertion in ["github = true", "gitlab = \"ACME_ID_TOKEN\"", "command = [\"./prints\"]"] {
        let platform = Platform::start();
        let env = world(&platform.url("/token"), assertion)
            .set("ACME_ID_TOKEN", if assertion.starts_with("gitlab") { &token } else { "" })
            .set("ACTIONS_ID_TOKEN_REQUEST_URL", platform.url("/identity"))
            .set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN);
        // The program's own text is where it comes from, so it is not below the home that is searched.
        let elsewhere = tempfile::tempdir().unwrap();
        let program = elsewhere.path().join("prints");
        fs::write(&program, format!("#!/bin/sh\necho '{token}'\n")).unwrap();
        crate::env::set_mode(&program, 0o700);
        let config = fs::read_to_string(env.path("config/tokctl/config.toml")).unwrap();
        env.config(&config.replace("./prints", &program.display().to_string()));
        if assertion.starts_with("github") {
            for _ in 0..3 {
                let answer = json!({ "count": 1, "value": token });
                platform.will("/identity", Response::json(200, &answer));
            }
        }
        let said = job(&env, &platform);
        let sent = platform
            .seen()
            .iter()
            .any(|one| url::form_urlencoded::parse(&one.body).any(|(_, value)| value == token));
        assert!(sent, "{assertion}: it is what the search is for");
        let signature = token.rsplit('.').next().unwrap();
        for secret in [token.as_str(), signature, REQUEST_TOKEN] {
            // GitHub's own variables are for every program of the job that does not use them here.
            if secret == REQUEST_TOKEN && !assertion.starts_with("github") {
                continue;
            }
            assert!(!said.contains(secret), "{assertion}: {said}");
            assert_eq!(holding(&env.path("."), secret), Vec::<PathBuf>::new(), "{assertion}");
        }
    }
}

#[test]
fn a_crash_while_it_is_presented_leaves_no_core_file() {
    let token = good_token(AUDIENCE, "1");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
    let env = world(&endpoint, "gitlab = \"ACME_ID_TOKEN\"").set("ACME_ID_TOKEN", &token);
    let arrived = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        while !seen.windows(14).any(|at| at == b"subject_token=") {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
        stream
    });
    // The hard limit is whatever the tests were given.
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -c $(ulimit -Hc); exec \"$0\" login acme/ci --method workload-identity",
        ])
        .arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let stream = arrived.join().unwrap();
    let (id, begun) = (child.id().to_string(), Instant::now());
    let status = loop {
        // The first one only tells Rust's own handler that the stack did not overflow.
        let _ = Command::new("kill").args(["-s", "SEGV", &id]).status();
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it goes on");
        thread::sleep(Duration::from_millis(5));
    };
    drop(stream);
    assert!(status.signal().is_some() && !status.core_dumped(), "{status}");
    assert_eq!(holding(&env.path("."), &token), Vec::<PathBuf>::new());
}

#[test]
fn no_child_gets_a_variable_that_holds_or_brings_a_secret_of_any_service() {
    let platform = Platform::start();
    let secrets = [
        ("ACME_ID_TOKEN", good_token(AUDIENCE, "1")),
        ("OTHER_ID_TOKEN", good_token(AUDIENCE, "2")),
        ("ACME_SECRET", "made-up-client-secret".into()),
        ("ACME_KEY", "made-up-client-key".into()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", platform.url("/identity")),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN.into()),
    ];
    let mut env = TestEnv::new();
    let folder = env.path("credentials");
    crate::env::private_folder(&folder);
    let key = env.file("credentials/vault.key", crate::env::made_up_key());
    let prints = |name: &str, printed: &str| {
        let script =
            env.file(name, format!("#!/bin/sh\nenv > $HOME/{name}.env\necho '{printed}'\n"));
        crate::env::set_mode(&script, 0o700);
        script.display().to_string()
    };
    let identity = prints("identity", &good_token(AUDIENCE, "3"));
    let secret = prints("secret", "made-up-other-secret");
    let by_command = prints("key", crate::env::made_up_key());
    let endpoint = platform.url("/token");
    env.config(&format!(
        "[providers.acme]\ntoken_endpoint = \"{endpoint}\"\nclient_id = \"made-up\"\n\
         client_secret_env = \"ACME_SECRET\"\nassertion = {{ gitlab = \"ACME_ID_TOKEN\" }}\n\
         [providers.other]\nclient_key_env = \"ACME_KEY\"\nassertion.gitlab = \"OTHER_ID_TOKEN\"\n\
         [providers.vendor]\n\
         [providers.printed]\ntoken_endpoint = \"{endpoint}\"\n\
         refresh = {{ kind = \"token_exchange\" }}\nassertion = {{ command = [\"{identity}\"] }}\n\
         [providers.commanded]\ntoken_endpoint = \"{endpoint}\"\nclient_id = \"made-up\"\n\
         refresh.kind = \"client_credentials\"\nclient_secret_command = [\"{secret}\"]\n"
    ));
    for (name, value) in &secrets {
        env = env.set(name, value);
    }
    let env = env.set("CREDENTIALS_DIRECTORY", folder).unset("TOKCTL_KEY");
    let env = env.set("TOKCTL_KEY_FILE", key);
    let login = ["login", "vendor/x", "--token-stdin"];
    env.tokctl(login).stdin("made-up-token\n").assert().success();
    for provider in ["printed", "commanded"] {
        platform.will_issue("access-1", 3600);
        env.tokctl(["login", provider, "--user", "ci"]).assert().success();
    }
    let run = ["run", "--env", "TOKEN=vendor/x", "--no-masking", "--", "env"];
    let ran = stdout(&env.tokctl(run).assert().success());
    let env = env.unset("TOKCTL_KEY_FILE").set("TOKCTL_KEY_COMMAND", by_command);
    env.tokctl(["get", "vendor/x"]).assert().success();
    let read = |name: &str| fs::read_to_string(env.path(&format!("{name}.env"))).unwrap();
    for (child, given) in [
        ("run", ran),
        ("identity", read("identity")),
        ("secret", read("secret")),
        ("key", read("key")),
    ] {
        assert!(given.contains("HOME="), "{child}: {given}");
        for (name, _) in &secrets {
            assert!(!given.contains(&format!("{name}=")), "{child} gets {name}: {given}");
        }
        // Where nothing in it is the vault's, the directory is the command's own.
        assert!(child == "key" || !given.contains("CREDENTIALS_DIRECTORY"), "{child}: {given}");
    }
}
