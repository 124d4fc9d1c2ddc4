//! What a running tokctl has in memory and in its environment is nobody else's: not a core
//! file's, not another program's, not a child's.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse};
use crate::env::{TestEnv, json, made_up_key, stderr};

const CLIENT_SECRET: &str = "made-up-client-secret";

/// Who runs a program where root runs the tests: root may read everything.
const SOMEBODY: u32 = 65_000;

/// A tokctl that waits: it has read its environment, and a keychain's stand-in does not answer.
struct Waiting(Child);

impl Waiting {
    fn start(env: &TestEnv, as_somebody: bool) -> Self {
        let ready = env.path("ready");
        let _ = fs::remove_file(&ready);
        let script = env.file("key-command", "#!/bin/sh\n: > ready\nexec sleep 60\n");
        crate::env::set_mode(&script, 0o755);
        let mut command = Command::new("sh");
        let built = snapbox::cmd::cargo_bin("tokctl");
        // Where somebody else may start it, too.
        let tokctl = if as_somebody { env.path("tokctl") } else { built.clone() };
        if as_somebody {
            fs::copy(built, &tokctl).unwrap();
        }
        // The hard limit is whatever the tests were given.
        command
            .arg("-c")
            .arg("ulimit -c $(ulimit -Hc); exec \"$0\" get vendor --user x")
            .arg(tokctl);
        env.settle(&mut command);
        command.env_remove("TOKCTL_KEY").env("TOKCTL_KEY_COMMAND", &script);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.process_group(0);
        if as_somebody {
            command.uid(SOMEBODY).gid(SOMEBODY);
        }
        let child = Self(command.spawn().unwrap());
        let begun = Instant::now();
        while !ready.exists() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it never got so far");
            thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// Sends a signal until it ends the process: the first SEGV only tells Rust's own handler that
    /// the stack did not overflow.
    fn end_with(&mut self, signal: &str) -> ExitStatus {
        let id = self.0.id().to_string();
        loop {
            let _ = Command::new("kill").args(["-s", signal, &id]).status();
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0.id())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // With the program that it started.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Gives a whole world to somebody.
fn give_away(env: &TestEnv) {
    let owner = format!("{SOMEBODY}:{SOMEBODY}");
    assert!(
        Command::new("chown").arg("-R").arg(owner).arg(env.path("")).status().unwrap().success()
    );
}

/// Whether the user who runs tokctl can read `path` with another program.
fn is_readable(path: &str, as_somebody: bool) -> bool {
    let mut command = Command::new("head");
    command.args(["-c", "1", path]).stdout(Stdio::null()).stderr(Stdio::null());
    if as_somebody {
        command.uid(SOMEBODY).gid(SOMEBODY);
    }
    command.status().unwrap().success()
}

#[test]
fn other_programs_of_the_same_user_can_not_look_into_it() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    if is_root() {
        give_away(&env);
    }
    let waiting = Waiting::start(&env, is_root());
    for file in ["environ", "maps", "auxv"] {
        let path = waiting.proc(file);
        assert!(!is_readable(&path, is_root()), "{path}");
    }
    // What is dumpable belongs to its user there; so the above could have failed.
    assert_eq!(fs::metadata(waiting.proc("environ")).unwrap().uid(), 0);
    let mut other = Command::new("sleep");
    if is_root() {
        other.uid(SOMEBODY).gid(SOMEBODY);
    }
    let mut other = other.arg("60").spawn().unwrap();
    let begun = Instant::now();
    let path = format!("/proc/{}/environ", other.id());
    while !is_readable(&path, is_root()) && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(is_readable(&path, is_root()), "a program without protection can be looked into");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_crash_leaves_no_core_file() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    for signal in ["ABRT", "SEGV", "QUIT", "SYS"] {
        let mut waiting = Waiting::start(&env, false);
        let status = waiting.end_with(signal);
        assert!(status.signal().is_some(), "{signal}: {status}");
        assert!(!status.core_dumped(), "{signal}: {status}");
    }
    let left = fs::read_dir(env.path("")).unwrap().flatten().map(|entry| entry.file_name());
    let cores: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("core")).collect();
    assert!(cores.is_empty(), "{cores:?}");
}

#[test]
fn doctor_says_that_memory_is_kept_private() {
    let done = TestEnv::new().tokctl(["doctor", "--json"]).assert().code(3);
    let report = json(&done);
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "memory" && check["result"] == "ok"));
}

/// A program that prints `secret`, and leaves its arguments and environment in `file`.
fn telling(env: &TestEnv, file: &str, secret: &str) -> String {
    let script = env.file(
        &format!("{file}.sh"),
        format!("#!/bin/sh\n{{ echo \"$@\"; env; }} > '{file}'\nprintf '%s' '{secret}'\n"),
    );
    crate::env::set_mode(&script, 0o755);
    script.to_str().unwrap().to_owned()
}

/// Variables that hold what opens the vault, or lead to it.
const OF_THE_KEY: [&str; 13] = [
    "TOKCTL_KEY=",
    "TOKCTL_KEY_FILE=",
    "TOKCTL_KEY_COMMAND=",
    "TOKCTL_PASSPHRASE=",
    "TOKCTL_PASSPHRASE_FILE=",
    "TOKCTL_NEW_KEY_FILE=",
    "TOKCTL_NEW_PASSPHRASE=",
    "TOKCTL_BUNDLE_KEY=",
    "TOKCTL_BUNDLE_KEY_FILE=",
    "TOKCTL_BUNDLE_PASSPHRASE=",
    "TOKCTL_BUNDLE_PASSPHRASE_FILE=",
    "TOKCTL_IMPORT_KEY=",
    "_CLIENT_SECRET=",
];

fn with_every_variable(env: TestEnv) -> TestEnv {
    env.set("TOKCTL_PASSPHRASE", "made-up-passphrase")
        .set("TOKCTL_PASSPHRASE_FILE", "made-up-file")
        .set("TOKCTL_NEW_KEY_FILE", "made-up-new-file")
        .set("TOKCTL_NEW_PASSPHRASE", "made-up-new-passphrase")
        .set("TOKCTL_BUNDLE_KEY", "made-up-bundle-key")
        .set("TOKCTL_BUNDLE_KEY_FILE", "made-up-bundle-file")
        .set("TOKCTL_BUNDLE_PASSPHRASE", "made-up-bundle-passphrase")
        .set("TOKCTL_BUNDLE_PASSPHRASE_FILE", "made-up-bundle-passphrase-file")
        .set("TOKCTL_IMPORT_KEY", "made-up-import-key")
        .set("TOKCTL_OTHER_CLIENT_SECRET", CLIENT_SECRET)
}

#[track_caller]
fn told_nothing(env: &TestEnv, file: &str) {
    let seen = fs::read_to_string(env.path(file)).expect("the program was run");
    assert!(seen.contains("HOME="), "{seen}");
    for forbidden in OF_THE_KEY.into_iter().chain(["made-up", made_up_key()]) {
        assert!(!seen.contains(forbidden), "{forbidden} in {seen}");
    }
}

#[test]
fn a_program_that_prints_the_key_is_told_nothing() {
    let env = with_every_variable(TestEnv::new().with_static_token("x", "made-up-token"));
    let command = telling(&env, "key.env", made_up_key());
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_COMMAND", command);
    env.tokctl(["get"]).assert().success().stdout_eq("made-up-token\n");
    told_nothing(&env, "key.env");
}

#[test]
fn programs_of_a_login_are_told_nothing() {
    let server = AuthorizationServer::start_for(Client::public().with_post_secret(CLIENT_SECRET));
    let env = with_every_variable(TestEnv::new());
    let secret = telling(&env, "secret.env", CLIENT_SECRET);
    let env = env.with_provider(&server);
    env.add_config(&format!("client_secret_command = ['{secret}']\n"));
    env.log_in("x", &server, issue());
    told_nothing(&env, "secret.env");
    let browser = env.browser_environment().unwrap();
    for forbidden in OF_THE_KEY.into_iter().chain(["made-up-", made_up_key()]) {
        assert!(!browser.contains(forbidden), "{forbidden} in {browser}");
    }
}

#[test]
fn hooks_are_told_nothing() {
    let server = AuthorizationServer::start();
    let env = with_every_variable(TestEnv::new());
    let hook = telling(&env, "hook.env", "");
    env.add_config(&format!("on_login_required = ['{hook}']\n"));
    let env = env.with_login("x", &server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get"]).assert().code(4);
    told_nothing(&env, "hook.env");
    let seen = fs::read_to_string(env.path("hook.env")).unwrap();
    for token in ["access-1", "refresh-1"] {
        assert!(!seen.contains(token), "{token} in {seen}");
    }
}

#[test]
fn a_command_is_told_what_was_asked_for_and_nothing_else() {
    let env = with_every_variable(TestEnv::new().with_static_token("x", "asked-for"));
    let command = telling(&env, "run.env", "");
    let run = ["run", "--env", "TOKEN=vendor/x", "--", &command];
    env.tokctl(run).assert().success();
    told_nothing(&env, "run.env");
    let seen = fs::read_to_string(env.path("run.env")).unwrap();
    assert!(seen.contains("TOKEN=asked-for\n"), "{seen}");
}

#[test]
fn a_program_that_prints_too_much_is_no_key() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_COMMAND", "head -c 1000000 /dev/zero");
    let said = stderr(&env.tokctl(["get"]).assert().code(5).stdout_eq(""));
    assert!(said.contains("printed more than any secret"), "{said}");
}

/// The number of places in the memory of the process `id` that hold `text`; `None` where it can't be
/// read.
fn copies(id: u32, text: &[u8]) -> Option<usize> {
    use std::os::unix::fs::FileExt;
    let memory = fs::File::open(format!("/proc/{id}/mem")).ok()?;
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let mut bytes = vec![0; usize::try_from(number(to) - number(from)).unwrap()];
        if memory.read_exact_at(&mut bytes, number(from)).is_ok() {
            found += bytes.windows(text.len()).filter(|window| *window == text).count();
        }
    }
    Some(found)
}

#[test]
fn the_key_is_not_twice_in_what_runs_for_long() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let key = made_up_key();
    let arguments =
        ["run", "--file", "T=tokctl://vendor/x", "--", "sh", "-c", ": > begun; sleep 60"];
    let mut tokctl = env.command(arguments).spawn().unwrap();
    let begun = Instant::now();
    while !env.path("begun").exists() && begun.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(5));
    }
    let found = copies(tokctl.id(), key.as_bytes());
    tokctl.kill().unwrap();
    tokctl.wait().unwrap();
    let Some(found) = found else { return eprintln!("skipped: only root can read its memory") };
    // Where the system put it at the start.
    assert_eq!(found, 1);
}
