//! `tokctl run`: a command with tokens in its environment, or in files.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse};
use crate::env::{TestEnv, json, set_mode, stderr, stdout};
use crate::terminal::{at_a_terminal, ending};

/// A token that is long enough to be masked.
const TOKEN: &str = "made-up-token";

/// How long anything may take before the test gives it up.
const PATIENCE: Duration = Duration::from_secs(30);

fn world() -> TestEnv {
    TestEnv::new().with_static_token("x", TOKEN)
}

/// The command line `tokctl run ARGS -- sh -c SCRIPT`.
fn running(args: &[&str], script: &str) -> Vec<String> {
    let line = [&["run"], args, &["--", "sh", "-c", script]].concat();
    line.into_iter().map(ToOwned::to_owned).collect()
}

/// What the script prints, as it is.
fn printed(env: &TestEnv, args: &[&str], script: &str) -> String {
    let args = [args, &["--no-masking"]].concat();
    stdout(&env.tokctl(running(&args, script)).assert().success().stderr_eq(""))
}

/// Starts the command with its output in pipes.
fn started(env: &TestEnv, args: &[&str], script: &str) -> Child {
    let mut command = env.command(running(args, script));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the script to print `word` on a line.
#[track_caller]
fn wait_for(child: &mut Child, word: &str) -> BufReader<std::process::ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if line.trim_end() == word {
            return lines;
        }
        line.clear();
    }
    panic!("no `{word}`");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// What lies in the runtime directory.
fn left_behind(env: &TestEnv) -> usize {
    fs::read_dir(env.path("run")).unwrap().count()
}

#[test]
fn a_variable_holds_what_a_reference_means() {
    let server = AuthorizationServer::start();
    let env = world().with_login("y", &server, issue());
    for (reference, value) in [
        ("vendor/x", TOKEN),
        ("tokctl://vendor/x", TOKEN),
        ("vendor/x/token", TOKEN),
        ("tokctl://vendor/x/token", TOKEN),
        ("acme/y", "access-1"),
    ] {
        let args = ["--env", &format!("VALUE={reference}")];
        assert_eq!(printed(&env, &args, "printf %s \"$VALUE\""), value, "{reference}");
    }
    let ends = printed(&env, &["--env", "ENDS=acme/y/expires_at"], "printf %s \"$ENDS\"");
    let got = json(&env.tokctl(["get", "acme", "--format", "json"]).assert().success());
    assert_eq!(got["expires_at"], ends);
}

#[test]
fn other_fields_than_the_token_can_be_had() {
    let env = TestEnv::new();
    let login = ["login", "jira", "--user", "x", "--method", "token", "--token-stdin"];
    let more = ["--server", "https://made-up.atlassian.net", "--username", "x@example.com"];
    env.tokctl(login.iter().chain(&more)).stdin(TOKEN).assert().success();
    let args = ["--env", "A=jira/x/username", "--env", "B=jira/x/server_url"];
    let args = [&args[..], &["--env", "C=tokctl://jira/x/api_base_url"]].concat();
    assert_eq!(
        printed(&env, &args, "printf '%s ' \"$A\" \"$B\" \"$C\""),
        "x@example.com https://made-up.atlassian.net https://made-up.atlassian.net "
    );
    let missing = env.tokctl(running(&["--env", "A=jira/x/expires_at"], "echo ran")).assert();
    let missing = missing.code(1).stdout_eq("");
    assert!(stderr(&missing).contains("`A`") && stderr(&missing).contains("expires_at"));
}

#[test]
fn nothing_is_run_if_one_reference_fails() {
    let server = AuthorizationServer::start();
    let env = world().with_login("y", &server, issue().expires_in(0));
    let marker = env.path("ran");
    let script = format!("echo ran > {}", marker.display());
    let fails = |args: &[&str], code: i32| {
        let failed = env.tokctl(running(args, &script)).assert().code(code).stdout_eq("");
        assert!(!marker.exists());
        stderr(&failed)
    };
    let said = fails(&["--env", "ONE=vendor/x", "--env", "TWO=vendor/nobody"], 3);
    assert!(said.contains("`TWO` can't be set from `vendor/nobody`"), "{said}");
    assert!(said.contains("hint: tokctl login vendor/nobody --token-stdin"), "{said}");
    server.will(refuse(400, "invalid_grant"));
    let said = fails(&["--env", "ONE=acme/y", "--file", "TWO=vendor/nobody"], 4);
    for word in [
        "2 variables",
        "`ONE` from `acme/y`",
        "`TWO` from `vendor/nobody`",
        "hint: tokctl login acme",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert_eq!(left_behind(&env), 0);
    let said = fails(&["--env", "ONE=vendor/", "--env", "TWO=vendor/x"], 2);
    assert!(said.contains("`ONE`"), "{said}");
}

#[test]
fn a_credential_is_renewed_once_however_often_it_is_named() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue());
    let args =
        ["--env", "A=acme/x", "--env", "B=tokctl://acme/x/token", "--env", "C=acme/x/expires_at"];
    assert_eq!(printed(&env, &args, "echo $A $B"), "access-2 access-2\n");
    assert_eq!(server.token_requests().len(), 2);
    // What is no part of the token asks for none.
    let env = TestEnv::new().with_login("y", &server, issue().expires_in(0));
    let before = server.token_requests().len();
    env.tokctl(running(&["--env", "A=acme/y/username"], "true")).assert().code(1);
    assert_eq!(server.token_requests().len(), before);
}

#[test]
fn different_credentials_are_renewed_side_by_side() {
    let (one, other) = (
        AuthorizationServer::start(),
        AuthorizationServer::start_for(Client::public().of("other")),
    );
    let env = TestEnv::new().with_login("x", &one, issue().expires_in(0)).with_provider(&other);
    other.will_log_in(issue().expires_in(0));
    let login = env.begin_login(["login", "other", "--user", "y"]);
    login.visit();
    login.finish().success();
    one.will(issue().after(Duration::from_secs(2)));
    other.will(issue().after(Duration::from_secs(2)));
    let args = ["--env", "A=acme/x", "--env", "B=other/y", "--no-masking"];
    let child = started(&env, &args, "echo $A $B");
    let until = Instant::now() + PATIENCE;
    while one.token_requests().len() + other.token_requests().len() < 3 {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(5));
    }
    let first = Instant::now();
    while one.token_requests().len() + other.token_requests().len() < 4 {
        assert!(first.elapsed() < Duration::from_millis(1900), "the first was waited for");
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "access-2 access-2\n");
}

#[test]
fn each_use_is_written_down() {
    let env = world();
    printed(&env, &["--env", "A=vendor/x", "--env", "B=vendor/x"], "true");
    env.tokctl(running(&["--env", "A=vendor/nobody"], "true")).assert().code(3);
    let audit = json(&env.tokctl(["audit", "--json"]).assert().success());
    let entries: Vec<_> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["command"] == "run")
        .map(|entry| format!("{} {} {}", entry["action"], entry["user"], entry["outcome"]))
        .collect();
    assert_eq!(entries, ["\"get\" \"x\" \"ok\"", "\"get\" \"nobody\" \"not_found\""]);
}

#[test]
fn a_file_of_variables_is_resolved_where_it_refers() {
    let env = world();
    let content = "# made up\nexport A=tokctl://vendor/x\nB='it''s $A' \n"
        .replace("it''s", "it is")
        + "C=vendor/x\nD=\"two\nlines\"\nE=from file\n";
    let file = env.file("vars.env", content);
    let file = file.to_str().unwrap();
    let args = ["--env-file", file, "--env", "E=vendor/x"];
    let shown = printed(&env, &args, "printf '%s|' \"$A\" \"$B\" \"$C\" \"$D\" \"$E\"");
    assert_eq!(shown, format!("{TOKEN}|it is $A|vendor/x|two\nlines|{TOKEN}|"));
    // What is overridden need not be there.
    env.file("vars.env", "A=tokctl://vendor/nobody\n");
    let args = ["--env-file", file, "--env", "A=vendor/x"];
    assert_eq!(printed(&env, &args, "echo $A"), format!("{TOKEN}\n"));
}

#[test]
fn several_files_and_stdin_give_variables_in_their_order() {
    let env = world();
    env.file("one.env", "A=1\nB=1\nNODE_OPTIONS=--made-up\nmy.name=x\n");
    env.file("two.env", "B=2\nC=2\n");
    let files = ["--env-file", "one.env", "--env-file", "two.env", "--env-file", "-"];
    let args = [&["--no-masking"], &files[..]].concat();
    // Not by way of a shell, some of which drop names with a dot.
    let line = [&["run"], &args[..], &["--", "env"]].concat();
    let output = env.tokctl(line).stdin("C=tokctl://vendor/x\n").assert().success();
    let shown = stdout(&output);
    let c = format!("C={TOKEN}");
    for set in ["A=1", "B=2", &c, "NODE_OPTIONS=--made-up", "my.name=x"] {
        assert!(shown.lines().any(|line| line == set), "{set}: {shown}");
    }
    let refused = env.tokctl(running(&args, "true")).stdin("C\n").assert().code(2);
    assert!(stderr(&refused).contains("stdin, line 1"), "{}", stderr(&refused));
}

#[test]
fn a_slip_in_a_file_of_variables_is_told_by_its_line() {
    let env = world();
    for (content, line) in [
        ("A=1\nmade-up-secret\n", 2),
        ("A=1\n\nB='made-up-secret\n", 3),
        ("A=tokctl://vendor/x/made-up-secret\n", 1),
        ("A=1\nmade-up-secret$=1\n", 2),
        ("A=1\nLD_PRELOAD=tokctl://vendor/x\n", 2),
        ("A=1\nB=https://x:tokctl://vendor/x@made-up-secret.example\n", 2),
    ] {
        let file = env.file("vars.env", content);
        let args = ["--env-file", file.to_str().unwrap()];
        let refused = env.tokctl(running(&args, "echo ran")).assert().code(2).stdout_eq("");
        let said = stderr(&refused);
        assert!(said.contains("vars.env") && said.contains(&format!("line {line}")), "{said}");
        assert!(!said.contains("made-up-secret"), "{said}");
    }
    env.tokctl(running(&["--env-file", "/nonexistent"], "true")).assert().code(2);
}

#[test]
fn the_environment_is_resolved_only_if_that_is_asked_for() {
    let env = world().set("OTHERS", "tokctl://vendor/x").set("PLAIN", "vendor/x");
    let script = "echo $OTHERS $PLAIN";
    assert_eq!(printed(&env, &[], script), "tokctl://vendor/x vendor/x\n");
    assert_eq!(printed(&env, &["--resolve-env"], script), format!("{TOKEN} vendor/x\n"));
    let env = env.set("PYTHONPATH", "tokctl://vendor/x");
    env.tokctl(running(&["--resolve-env"], "true")).assert().code(2);
    let env = env.unset("PYTHONPATH").set("BROKEN", "tokctl://made-up-secret");
    let refused = env.tokctl(running(&["--resolve-env"], "true")).assert().code(2);
    assert!(stderr(&refused).contains("`BROKEN`"), "{}", stderr(&refused));
    assert!(!stderr(&refused).contains("made-up-secret"));
    let env = env.unset("BROKEN").set("MY.VAR", "tokctl://vendor/x");
    let refused = env.tokctl(running(&["--resolve-env"], "true")).assert().code(2);
    assert!(stderr(&refused).contains("`MY.VAR`"), "{}", stderr(&refused));
}

#[test]
fn variables_by_which_code_is_loaded_are_refused() {
    let env = world();
    for name in [
        "PATH",
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "BASH_ENV",
        "NODE_OPTIONS",
        "PYTHONSTARTUP",
        "PERL5OPT",
        "RUBYOPT",
        "GIT_SSH_COMMAND",
        "IFS",
        "PROMPT_COMMAND",
        "HOME",
        "TOKCTL_VAULT",
        "9X",
        "A-B",
        "",
    ] {
        for flag in ["--env", "--file"] {
            let args = [flag, &format!("{name}=vendor/x")];
            env.tokctl(running(&args, "echo ran")).assert().code(2).stdout_eq("");
        }
    }
    // What was given may be the secret itself.
    let given = env.tokctl(running(&["--env", "made-up-secret"], "true")).assert().code(2);
    assert!(!stderr(&given).contains("made-up-secret"), "{}", stderr(&given));
    let twice = ["--env", "A=vendor/x", "--file", "A=vendor/x"];
    env.tokctl(running(&twice, "true")).assert().code(2);
}

#[test]
fn the_command_gets_nothing_that_opens_the_vault() {
    let env = world()
        .set("TOKCTL_ACME_CLIENT_SECRET", "made-up")
        .set("TOKCTL_NEW_PASSPHRASE", "made-up-passphrase")
        .set("OTHER", "stays");
    for args in [&["--env", "A=vendor/x"][..], &["--file", "A=vendor/x"]] {
        let seen = printed(&env, args, "env");
        assert!(seen.contains("OTHER=stays\n"), "{seen}");
        for name in ["TOKCTL_KEY", "TOKCTL_NEW_PASSPHRASE", "CLIENT_SECRET"] {
            assert!(!seen.contains(name), "{seen}");
        }
    }
}

#[test]
fn the_command_takes_the_place_of_tokctl_where_nothing_is_left_to_do() {
    let env = world();
    for (args, is_replaced) in [
        (&["--env", "A=vendor/x", "--no-masking"][..], true),
        (&["--env", "A=vendor/x"], false),
        (&["--file", "A=vendor/x", "--no-masking"], false),
        // There is nothing to mask.
        (&[], true),
    ] {
        let child = started(&env, args, "echo $$");
        let own = child.id().to_string();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert_eq!(said == own, is_replaced, "{args:?}");
    }
    // Nor where output goes to a file.
    let file = fs::File::create(env.path("out")).unwrap();
    let mut command = env.command(running(&["--env", "A=vendor/x"], "echo $$ $A"));
    let mut child = command.stdout(file).stderr(Stdio::null()).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    let said = fs::read_to_string(env.path("out")).unwrap();
    assert_eq!(said, format!("{} {TOKEN}\n", child.id()));
}

#[test]
fn the_command_starts_as_if_tokctl_were_not_there() {
    let env = world();
    let script = "ulimit -c; ls /proc/self/fd; grep -E 'SigBlk|SigIgn|SigCgt' /proc/self/status";
    let script = format!(
        "{script}; trap '' PIPE; cat /proc/self/coredump_filter >/dev/null && echo dumpable"
    );
    // Not PIPE: Rust's runtime ignores it before any code of tokctl's is run, and its standard
    // library starts every program without that.
    let ignoring = "HUP INT QUIT TERM USR1 USR2 ALRM TSTP CONT WINCH XCPU XFSZ PWR";
    let mut seen = String::new();
    for prelude in ["", &format!("trap '' {ignoring};")] {
        let limited = |inner: Vec<String>| {
            let mut command = Command::new("/bin/sh");
            let line = format!("{prelude} ulimit -c 4096; exec \"$@\"");
            command.args(["-c", &line, "sh"]).args(inner);
            env.settle(&mut command);
            command.stdin(Stdio::null()).output().unwrap()
        };
        let direct = limited(["sh", "-c", &script].map(ToOwned::to_owned).to_vec());
        let direct = String::from_utf8_lossy(&direct.stdout).into_owned();
        assert!(direct.contains("4096") && direct.contains("dumpable"), "{direct}");
        assert!(std::mem::replace(&mut seen, direct.clone()) != direct, "nothing was ignored");
        for args in [&["--no-masking"][..], &["--file", "B=vendor/x", "--no-masking"]] {
            let args = [&["--env", "A=vendor/x"], args].concat();
            let mut line = vec![snapbox::cmd::cargo_bin("tokctl").to_str().unwrap().to_owned()];
            line.extend(running(&args, &script));
            let output = limited(line);
            assert_eq!(String::from_utf8_lossy(&output.stdout), direct, "{output:?}");
        }
    }
}

#[test]
fn what_was_ignored_is_ignored_still() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    let beside = "kill -s HUP $PPID; kill -s INT $PPID";
    for (args, told) in [(&["--no-masking"][..], ":"), (&["--file", "B=acme/x"], beside)] {
        // With a refresh, which holds signals back.
        server.will(issue().expires_in(0));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' HUP INT; exec \"$@\"", "sh"]);
        command.arg(snapbox::cmd::cargo_bin("tokctl"));
        let args = [&["--env", "A=acme/x"], args].concat();
        let script = format!("kill -s HUP $$; kill -s INT $$; {told}; echo alive");
        command.args(running(&args, &script));
        env.settle(&mut command);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "alive\n", "{output:?}");
    }
}

#[test]
fn the_exit_code_is_the_commands_own() {
    let env = world();
    for args in [
        &["--env", "A=vendor/x"][..],
        &["--env", "A=vendor/x", "--no-masking"],
        &["--file", "A=vendor/x"],
    ] {
        env.tokctl(running(args, "exit 0")).assert().code(0);
        env.tokctl(running(args, "exit 7")).assert().code(7);
        env.tokctl(running(args, "exit 255")).assert().code(255);
    }
    env.tokctl(running(&["--file", "A=vendor/x"], "kill -s KILL $$")).assert().code(137);
    env.tokctl(running(&["--env", "A=vendor/x"], "kill -s TERM $$")).assert().code(143);
}

#[test]
fn a_command_that_can_not_be_started_is_told_as_shells_tell_it() {
    let env = world();
    let plain = env.file("plain", "x");
    set_mode(&plain, 0o644);
    let plain = plain.to_str().unwrap().to_owned();
    for args in [&["--env", "A=vendor/x", "--no-masking"][..], &["--file", "A=vendor/x"]] {
        for (program, code) in
            [("no-such-command", 127), ("/no/such/command", 127), (&*plain, 126), ("/", 126)]
        {
            let line = [&["run"], args, &["--", program]].concat();
            let failed = env.tokctl(line).assert().code(code).stdout_eq("");
            assert!(stderr(&failed).contains(&format!("`{program}`")), "{}", stderr(&failed));
        }
    }
    assert_eq!(left_behind(&env), 0);
    let failed = env.tokctl(["--json", "run", "--", "no-such-command"]).assert().code(127);
    assert!(stderr(&failed).contains("\"command_not_found\",\"exit\":127"), "{}", stderr(&failed));
}

#[test]
fn a_script_that_names_no_interpreter_is_one_for_the_shell() {
    let env = world();
    let script = env.file("script", "echo \"$1 $A\"\n");
    set_mode(&script, 0o755);
    for args in [
        &["--env", "A=vendor/x", "--no-masking"][..],
        &["--file", "B=vendor/x", "--env", "A=vendor/x", "--no-masking"],
    ] {
        let line = [&["run"], args, &["--", script.to_str().unwrap(), "said"]].concat();
        env.tokctl(line).assert().success().stdout_eq(format!("said {TOKEN}\n"));
    }
}

#[test]
fn what_follows_the_dashes_is_the_commands() {
    let env = world();
    let line = [
        "run",
        "--no-masking",
        "--env",
        "A=vendor/x",
        "--",
        "echo",
        "--json",
        "-v",
        "--",
        "--help",
    ];
    env.tokctl(line).assert().success().stdout_eq("--json -v -- --help\n");
    let refused = env.tokctl(["run", "--bogus", "--", "echo", "--json", "get"]).assert().code(2);
    assert!(stderr(&refused).contains("hint: tokctl run --help"), "{}", stderr(&refused));
    env.tokctl(["run", "--env", "A=vendor/x"]).assert().code(2);
    // It reads stdin itself.
    for args in [&["--no-masking"][..], &["--file", "B=vendor/x"]] {
        let line = running(args, "cat");
        env.tokctl(line).stdin("given").assert().success().stdout_eq("given");
    }
}

#[test]
fn a_file_of_variables_may_come_from_another_system() {
    let env = world();
    env.file("dos.env", "A=\"one\r\ntwo\"\r\nB='three\r\nfour'\r\n");
    let seen = printed(&env, &["--env-file", "dos.env"], "printf '%s|%s' \"$A\" \"$B\"");
    assert_eq!(seen, "one\ntwo|three\nfour");
}

#[test]
fn nobody_is_asked_in_ci() {
    let env = world().unset("TOKCTL_KEY").set("CI", "true");
    env.tokctl(running(&["--env", "A=vendor/x"], "echo ran")).assert().code(5).stdout_eq("");
}

#[test]
fn a_ci_platform_is_told_what_to_mask() {
    let env = world();
    for args in [&["--no-masking"][..], &["--file", "B=vendor/x"]] {
        let args = [&["--env", "A=vendor/x", "--ci-mask", "github"], args].concat();
        let output = env.tokctl(running(&args, "true")).assert().success();
        assert_eq!(stderr(&output), format!("::add-mask::{TOKEN}\n"));
    }
}

#[test]
fn a_file_holds_the_token_as_long_as_the_command_runs() {
    let env = world();
    let script = "stat -c '%a %s' \"$A\" && stat -c %a \"$(dirname \"$A\")\" && cat \"$A\" && echo && echo $A";
    let seen = printed(&env, &["--file", "A=vendor/x"], script);
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(lines[..3], [&format!("600 {}", TOKEN.len()), "700", TOKEN]);
    assert!(Path::new(lines[3]).starts_with(env.path("run")), "{seen}");
    assert!(!Path::new(lines[3]).exists());
    assert_eq!(left_behind(&env), 0);
    // Where there is no such directory, the one for temporary files does.
    let env = env.unset("XDG_RUNTIME_DIR");
    let env = env.set("TMPDIR", "/tmp");
    let seen = printed(&env, &["--file", "A=vendor/x"], "echo $A");
    assert!(seen.starts_with("/tmp/tokctl-run-") && !Path::new(seen.trim_end()).exists(), "{seen}");
}

#[test]
fn files_are_gone_when_a_signal_ends_the_command() {
    let env = world();
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3), ("USR1", 10)] {
        let mut child =
            started(&env, &["--file", "A=vendor/x"], "echo ready; while :; do sleep 1; done");
        let _lines = wait_for(&mut child, "ready");
        assert_eq!(left_behind(&env), 1);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(128 + number), "{name}");
        assert_eq!(left_behind(&env), 0, "{name}");
    }
}

#[test]
fn signals_that_hardly_anybody_sends_are_passed_on() {
    let env = world();
    let names = ["ABRT", "ALRM", "IO", "PROF", "SYS", "TRAP", "VTALRM", "XCPU"];
    let of_linux: &[&str] = if cfg!(target_os = "linux") { &["PWR", "STKFLT"] } else { &[] };
    for name in names.iter().chain(of_linux) {
        let mut child =
            started(&env, &["--file", "A=vendor/x"], "echo ready; while :; do sleep 1; done");
        let _lines = wait_for(&mut child, "ready");
        signal(&child, name);
        // Their numbers differ between systems.
        let code = child.wait().unwrap().code();
        assert!(code.is_some_and(|code| code > 128), "{name}: {code:?}");
        assert_eq!(left_behind(&env), 0, "{name}");
    }
}

#[test]
fn what_a_kill_left_behind_is_taken_away_by_the_next_run() {
    let env = world();
    let script = "echo ready; while sleep 0.1; do kill -0 $PPID || exit; done";
    let mut killed = started(&env, &["--file", "A=vendor/x"], script);
    let _killed = wait_for(&mut killed, "ready");
    let mut alive = started(&env, &["--file", "A=vendor/x"], script);
    let _alive = wait_for(&mut alive, "ready");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(left_behind(&env), 2);
    printed(&env, &["--file", "A=vendor/x"], "true");
    assert_eq!(left_behind(&env), 1, "what is in use is left alone");
    signal(&alive, "TERM");
    alive.wait().unwrap();
    assert_eq!(left_behind(&env), 0);
}

/// Waits until the file holds `word`, and says so.
const WAIT: &str =
    "until grep -q \"$WORD\" \"$A\"; do sleep 0.05; done; cat \"$A\"; echo; stat -c %a \"$A\"";

#[test]
fn a_file_is_rewritten_before_its_token_ends() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(3600));
    let env = env.set("WORD", "access-4");
    server.will(issue().expires_in(5));
    env.tokctl(["refresh"]).assert().success();
    // One that lives shortly is renewed as often as it takes.
    server.will(issue().expires_in(2));
    server.will(issue());
    let seen = printed(&env, &["--file", "A=acme/x"], WAIT);
    assert_eq!(seen, "access-4\n600\n");
    let audit = json(&env.tokctl(["audit", "--json"]).assert().success());
    let last = audit["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["command"], &last["outcome"]), (&"run".into(), &"refreshed".into()));
}

#[test]
fn a_file_is_rewritten_when_another_process_renews_the_token() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue()).set("WORD", "access-2");
    let script = format!("echo ready; {WAIT}");
    let mut child =
        started(&env, &["--file", "A=acme/x", "--file", "ENDS=acme/x/expires_at"], &script);
    let mut lines = wait_for(&mut child, "ready");
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    let mut seen = String::new();
    lines.read_to_string(&mut seen).unwrap();
    // The new one is masked as well.
    assert_eq!(seen, "***\n600\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_refresh_that_fails_meanwhile_is_told_and_ends_nothing() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().expires_in(10));
    env.tokctl(["refresh"]).assert().success();
    server.will(refuse(400, "invalid_grant"));
    let script = "until [ -e told ]; do sleep 0.05; done; sleep 5; cat $A";
    let mut child = started(&env, &["--file", "A=acme/x"], script);
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("warning:") {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    // It looks twice more.
    env.file("told", "");
    errors.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "***");
    assert_eq!(said.matches("warning:").count(), 1, "{said}");
    assert!(said.contains("tokctl login acme/x"), "{said}");
}

#[test]
fn a_refresh_that_is_under_way_when_the_command_ends_is_stored() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue());
    server.will(issue().expires_in(10));
    env.tokctl(["refresh"]).assert().success();
    server.will(issue().after(Duration::from_secs(2)));
    let child = started(&env, &["--file", "A=acme/x"], "until [ -e asked ]; do sleep 0.05; done");
    let until = Instant::now() + PATIENCE;
    while server.token_requests().len() < 3 {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(5));
    }
    env.file("asked", "");
    assert!(child.wait_with_output().unwrap().status.success());
    env.tokctl(["get", "--no-refresh"]).assert().success().stdout_eq("access-3\n");
    assert_eq!(left_behind(&env), 0);
}

#[test]
fn a_vault_that_is_replaced_meanwhile_is_opened_anew() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue()).set("WORD", "access-2");
    let mut child = started(&env, &["--file", "A=acme/x"], &format!("echo ready; {WAIT}"));
    let _lines = wait_for(&mut child, "ready");
    let copy = env.path("copy.db");
    env.tokctl(["backup", copy.to_str().unwrap()]).assert().success();
    fs::rename(&copy, env.vault_path()).unwrap();
    for beside in ["-wal", "-shm"] {
        let mut path = env.vault_path().into_os_string();
        path.push(beside);
        let _ = fs::remove_file(path);
    }
    server.will(issue());
    env.tokctl(["refresh"]).assert().success();
    assert!(child.wait().unwrap().success());
}

#[test]
fn signals_are_passed_on() {
    let env = world();
    let script = "for s in INT TERM HUP QUIT USR1 USR2 WINCH; do trap \"echo got $s\" $s; done
        echo ready; while kill -0 $PPID; do sleep 0.05; done";
    let mut child = started(&env, &["--env", "A=vendor/x"], script);
    let mut lines = wait_for(&mut child, "ready");
    for name in ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH", "INT"] {
        signal(&child, name);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, format!("got {name}\n"));
    }
    signal(&child, "KILL");
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_command_is_suspended_and_goes_on() {
    let env = world();
    let script = "trap 'echo went on' CONT; echo ready; while :; do sleep 0.05; done";
    let mut child = started(&env, &["--env", "A=vendor/x"], script);
    let mut lines = wait_for(&mut child, "ready");
    signal(&child, "TSTP");
    signal(&child, "CONT");
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "went on\n");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn tokens_are_masked_where_output_is_a_pipe() {
    let env = world();
    let script = "echo \"a $A b\"; echo \"c $A\" >&2; printf %s \"$A\"";
    let output = env.tokctl(running(&["--env", "A=vendor/x"], script)).assert().success();
    assert_eq!(stdout(&output), "a *** b\n***");
    assert_eq!(stderr(&output), "c ***\n");
    let output = env.tokctl(running(&["--env", "A=vendor/x", "--no-masking"], script)).assert();
    assert_eq!(stdout(&output), format!("a {TOKEN} b\n{TOKEN}"));
    let split = "printf 'x made-'; printf 'up-tok'; echo 'en y'";
    let output = env.tokctl(running(&["--env", "A=vendor/x"], split)).assert().success();
    assert!(stdout(&output).ends_with("*** y\n"), "{}", stdout(&output));
    let env = env.with_static_token("short", "seven77");
    let output = env.tokctl(running(&["--env", "A=vendor/short"], "echo $A")).assert().success();
    assert_eq!(stdout(&output), "seven77\n");
    env.tokctl(["run", "--mask", "--no-masking", "--", "true"]).assert().code(2);
}

#[test]
fn output_that_goes_to_a_file_is_masked_only_if_that_is_asked_for() {
    let env = world();
    for (args, shown) in [(&[][..], TOKEN), (&["--mask"], "***")] {
        let args = [&["--env", "A=vendor/x"], args].concat();
        let (out, errors) = (env.path("out"), env.path("errors"));
        let mut command = env.command(running(&args, "echo $A; echo $A >&2"));
        command.stdout(fs::File::create(&out).unwrap());
        command.stderr(fs::File::create(&errors).unwrap());
        assert!(command.status().unwrap().success());
        for path in [out, errors] {
            assert_eq!(fs::read_to_string(path).unwrap(), format!("{shown}\n"));
        }
    }
}

#[test]
fn the_order_of_both_streams_is_kept_where_they_are_one() {
    let env = world();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let script = "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let mut command = env.command(running(&["--env", "A=vendor/x"], script));
    let mut child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    drop(command);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    let expected: Vec<_> =
        (0..300).flat_map(|i| [format!("out {i}"), format!("err {i}")]).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn other_output_comes_through_as_it_is() {
    let env = world();
    let mut bytes = vec![0; 3_000_000];
    let mut state = 1_u32;
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    env.file("bytes", &bytes);
    let child = started(&env, &["--env", "A=vendor/x"], "cat bytes; printf 'no newline'");
    let Output { stdout, status, .. } = child.wait_with_output().unwrap();
    assert!(status.success());
    bytes.extend_from_slice(b"no newline");
    assert!(stdout == bytes, "{} of {} bytes", stdout.len(), bytes.len());
}

#[test]
fn what_may_be_the_beginning_of_a_token_is_shown_soon() {
    let env = world();
    let mut child = started(&env, &["--env", "A=vendor/x"], "printf 'name? made-up'; sleep 30");
    let mut out = child.stdout.take().unwrap();
    let (mut seen, mut piece) = (Vec::new(), [0; 64]);
    let begun = Instant::now();
    while seen != b"name? made-up" {
        let count = out.read(&mut piece).unwrap();
        assert!(count > 0);
        seen.extend_from_slice(&piece[..count]);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "not only at the end");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_as_it_would_by_itself() {
    let env = world();
    // One that writes, and one that only waits for its reader to go.
    for script in ["yes", "exec tail -f /dev/null"] {
        let mut child = started(&env, &["--env", "A=vendor/x"], &format!("echo begun; {script}"));
        let lines = wait_for(&mut child, "begun");
        drop(lines);
        let code = child.wait().unwrap().code();
        // `tail` sees to it by itself.
        assert!(
            matches!((script, code), ("yes", Some(141)) | (_, Some(1 | 141))),
            "{script}: {code:?}"
        );
    }
}

#[test]
fn what_a_command_leaves_running_is_not_waited_for() {
    let env = world();
    let child = started(&env, &["--env", "A=vendor/x"], "sleep 60 & echo $! $A; exit 3");
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(40));
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.ends_with(" ***\n"), "{said}");
    let pid = said.split(' ').next().unwrap();
    Command::new("kill").arg(pid).status().unwrap();
}

#[test]
fn all_that_was_written_is_passed_on_to_a_slow_reader() {
    let env = world();
    let script = "head -c 200000 /dev/zero | tr '\\0' x; exit 5";
    let mut child = started(&env, &["--env", "A=vendor/x"], script);
    let mut out = child.stdout.take().unwrap();
    // Longer than output is waited for after the end.
    thread::sleep(Duration::from_secs(4));
    let mut seen = Vec::new();
    out.read_to_end(&mut seen).unwrap();
    assert_eq!(seen.len(), 200_000);
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn a_signal_ends_tokctl_while_nobody_reads_what_is_left() {
    let env = world();
    let args = ["--env", "A=vendor/x", "--file", "B=vendor/x"];
    let mut child = started(&env, &args, "head -c 90000 /dev/zero; echo x > ended");
    let until = Instant::now() + PATIENCE;
    while !env.path("ended").exists() {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(5));
    }
    // The command ends now, and its output has nowhere to go.
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until);
        signal(&child, "TERM");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert_eq!(left_behind(&env), 0);
}

#[test]
fn stdin_of_the_command_stays_open_beside_its_masked_output() {
    let env = world();
    let mut command =
        env.command(running(&["--env", "A=vendor/x"], "while read -r l; do echo \"$l\"; done"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    for (sent, shown) in [("hello", "hello"), (TOKEN, "***")] {
        writeln!(input, "{sent}").unwrap();
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), shown);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_that_others_may_read_is_none() {
    let env = world();
    let script = "umask 000; stat -c %a $A";
    assert_eq!(printed(&env, &["--file", "A=vendor/x"], script), "600\n");
    let mode = fs::metadata(env.path("run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_terminal_stays_the_commands() {
    let env = world();
    let script = "test -t 0 && test -t 1 && test -t 2 && echo \"at $A\"";
    for args in [&["--env", "A=vendor/x"][..], &["--env", "A=vendor/x", "--file", "B=vendor/x"]] {
        let line = running(args, script);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let (said, code) = ending(at_a_terminal(&env, &line));
        assert_eq!((said.trim(), code), (&*format!("at {TOKEN}"), 0));
    }
    // Only what leads elsewhere is masked.
    let mut shell = Command::new("/bin/sh");
    let script = "\"$0\" run --env A=vendor/x -- sh -c 'test -t 1 && echo at $A; echo to $A >&2' \
        2>&1 >/dev/tty | sed 's/^/piped /'";
    shell.args(["-c", script]).arg(snapbox::cmd::cargo_bin("tokctl"));
    env.settle(&mut shell);
    let session = rexpect::session::spawn_command(shell, Some(20_000)).unwrap();
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!("at {TOKEN}\r\n")), "{said}");
    assert!(said.contains("piped to ***\r\n"), "{said}");
}

#[test]
fn what_the_terminal_sends_reaches_the_command_once() {
    let env = world();
    let script = "n=0; trap 'n=$((n+1))' INT; echo ready; sleep 20; sleep 1; echo count $n; exit 4";
    let line = running(&["--file", "A=vendor/x"], script);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let mut session = at_a_terminal(&env, &line);
    session.exp_string("ready").unwrap();
    session.send_control('c').unwrap();
    let (said, code) = ending(session);
    assert!(said.contains("count 1\r\n"), "{said}");
    assert_eq!(code, 4);
    assert_eq!(left_behind(&env), 0);
}

#[test]
fn the_shell_sees_that_the_command_was_suspended() {
    let env = world();
    let mut shell = Command::new("/bin/bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    env.settle(&mut shell);
    shell.env("PS1", "prompt> ").env("TERM", "dumb");
    let mut session = rexpect::session::spawn_command(shell, Some(20_000)).unwrap();
    session.exp_string("prompt> ").unwrap();
    let program = snapbox::cmd::cargo_bin("tokctl");
    let script = "echo rea''dy; read -r answer; echo \"got $answer\"; exit 6";
    let line = format!("{} run --file A=vendor/x -- sh -c '{script}'", program.display());
    session.send_line(&line.replace("''", "\"\"")).unwrap();
    session.exp_string("ready\r\n").unwrap();
    session.send_control('z').unwrap();
    session.exp_string("Stopped").unwrap();
    session.exp_string("prompt> ").unwrap();
    session.send_line("fg").unwrap();
    session.send_line("made up").unwrap();
    session.exp_string("got made up").unwrap();
    session.exp_string("prompt> ").unwrap();
    session.send_line("echo code $?").unwrap();
    session.exp_string("code 6").unwrap();
    session.send_line("exit").unwrap();
    ending(session);
    assert_eq!(left_behind(&env), 0);
}

#[test]
fn a_kill_of_tokctl_ends_the_command_too() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let seconds = "86399.125";
    let mut tokctl = env
        .command(["run", "--file", "T=tokctl://vendor/x", "--", "sleep", seconds])
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let is_command = || {
        fs::read_dir("/proc").unwrap().flatten().any(|process| {
            fs::read(process.path().join("cmdline"))
                .is_ok_and(|line| line == format!("sleep\0{seconds}\0").as_bytes())
        })
    };
    while !is_command() {
        assert!(begun.elapsed().as_secs() < 30, "the command never started");
        thread::sleep(Duration::from_millis(5));
    }
    tokctl.kill().unwrap();
    tokctl.wait().unwrap();
    while is_command() {
        assert!(begun.elapsed().as_secs() < 60, "the command runs on");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_command_is_not_told_where_the_key_lies() {
    let env = TestEnv::new().with_static_token("x", "made-up-token").unset("TOKCTL_KEY");
    let credentials = env.path("credentials");
    crate::env::private_folder(&credentials);
    let env = env.set("CREDENTIALS_DIRECTORY", credentials);
    let print =
        ["run", "-v", "--env", "T=tokctl://vendor/x", "--", "printenv", "CREDENTIALS_DIRECTORY"];
    env.file("credentials/tokctl.key", crate::env::made_up_key());
    let done = env.tokctl(print).assert().code(1).stdout_eq("");
    assert!(stderr(&done).contains("CREDENTIALS_DIRECTORY"));
    fs::remove_file(env.path("credentials/tokctl.key")).unwrap();
    let env = env.set("TOKCTL_KEY", crate::env::made_up_key());
    let told = env.tokctl(print).assert().success();
    assert!(stdout(&told).ends_with("credentials\n"));
}
