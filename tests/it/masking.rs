//! The masks of `tokctl run`, on each kind of file that a log can be.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::env::{TestEnv, stderr, stdout};

const TOKEN: &str = "made-up/token+of=some~length";

const ARGS: [&str; 6] = ["run", "--env", "A=vendor/x", "--", "sh", "-c"];

fn world() -> TestEnv {
    TestEnv::new().with_static_token("x", TOKEN)
}

fn running(env: &TestEnv, script: &str) -> Command {
    env.command([&ARGS[..], &[script]].concat())
}

/// What `script` leaves in `file`, to which its output goes.
fn in_file(env: &TestEnv, script: &str, open: &OpenOptions, both: bool) -> String {
    let path = env.path("log");
    fs::write(&path, "").unwrap();
    let file = open.open(&path).unwrap();
    let mut command = running(env, script);
    let errors = if both { Stdio::from(file.try_clone().unwrap()) } else { Stdio::null() };
    assert!(command.stdout(file).stderr(errors).status().unwrap().success());
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_log_file_is_masked_and_a_file_of_its_own_is_not() {
    let env = world();
    let (mut to_write, mut to_append) = (OpenOptions::new(), OpenOptions::new());
    let (to_write, to_append) = (to_write.write(true), to_append.append(true));
    let script = "echo \"a $A b\"";
    assert_eq!(in_file(&env, script, to_write, false), format!("a {TOKEN} b\n"));
    assert_eq!(in_file(&env, script, to_append, false), "a *** b\n", "cron's >> log");
    assert_eq!(in_file(&env, script, to_write, true), "a *** b\n", "> log 2>&1");
    let both = "echo \"a $A\"; echo \"b $A\" >&2";
    assert_eq!(in_file(&env, both, to_write, true), "a ***\nb ***\n", "in order");
    let env = env.set("CI", "true");
    assert_eq!(in_file(&env, script, to_write, false), "a *** b\n");
    let env = env.set("CI", "0");
    assert_eq!(in_file(&env, script, to_write, false), format!("a {TOKEN} b\n"));
}

#[test]
fn a_log_file_is_left_alone_where_that_is_asked_for() {
    let env = world().set("CI", "true");
    let file = File::create(env.path("log")).unwrap();
    let args = ["run", "--no-masking", "--env", "A=vendor/x", "--", "sh", "-c", "echo $A"];
    assert!(env.command(args).stdout(file).status().unwrap().success());
    assert_eq!(fs::read_to_string(env.path("log")).unwrap(), format!("{TOKEN}\n"));
}

/// Prints the token in two parts with a pause between them.
const SLOWLY: &str = "printf 'a %.9s' \"$A\"; sleep 1.2; printf '%s b\\n' \"${A#?????????}\"";

#[test]
fn a_pause_within_a_token_shows_none_of_it_where_nobody_watches() {
    let env = world();
    // A socket, as the journal's.
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut child = running(&env, SLOWLY).stdout(OwnedFd::from(theirs)).spawn().unwrap();
    let mut said = String::new();
    ours.read_to_string(&mut said).unwrap();
    assert_eq!((said.as_str(), child.wait().unwrap().success()), ("a *** b\n", true));
    // A named pipe.
    let path = env.path("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).unwrap()
    });
    let fifo = OpenOptions::new().write(true).open(&path).unwrap();
    assert!(running(&env, SLOWLY).stdout(fifo).status().unwrap().success());
    assert_eq!(reader.join().unwrap(), "a *** b\n");
    // A file that is written to as a log.
    assert_eq!(in_file(&env, SLOWLY, OpenOptions::new().append(true), false), "a *** b\n");
}

#[test]
fn nothing_is_held_for_more_than_two_seconds() {
    let env = world();
    let mut child =
        running(&env, "printf 'name? made-up'; sleep 20").stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut seen = [0; 13];
    out.read_exact(&mut seen[..6]).unwrap();
    let first = Instant::now();
    out.read_exact(&mut seen[6..]).unwrap();
    let waited = first.elapsed();
    assert_eq!(&seen, b"name? made-up");
    assert!(Duration::from_millis(1500) < waited && waited < Duration::from_secs(4), "{waited:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_person_at_a_terminal_waits_for_no_text() {
    let env = world();
    let mut command = Command::new("sh");
    env.settle(&mut command);
    let tokctl = env!("CARGO_BIN_EXE_tokctl");
    let inner = "printf made-up; sleep 1; echo; sleep 60";
    command.args(["-c", &format!("{tokctl} run --env A=vendor/x -- sh -c '{inner}' | cat")]);
    let mut session = rexpect::session::spawn_command(command, Some(20_000)).unwrap();
    // The text comes before the line's end, which would come before two seconds are over.
    session.exp_string("made-up").unwrap();
    assert_eq!(session.try_read(), None);
    session.exp_string("\n").unwrap();
}

#[test]
fn other_forms_of_a_token_are_masked() {
    let env = world();
    let encoded = "made-up%2Ftoken%2Bof%3Dsome~length made-up/token%2Bof%3Dsome~length \
                   made-up%2ftoken%2bof%3dsome~length made-up%2Ftoken%2Bof%3Dsome%7Elength";
    for (script, shown) in [
        (format!("echo {encoded}").as_str(), "*** *** *** ***\n"),
        // As curl -v shows it.
        ("printf 'bot:%s' \"$A\" | base64 -w 0", "Ym90Om***"),
        ("printf 'b:%s' \"$A\" | base64 -w 0", "Yjp***"),
        ("printf %s \"$A\" | base64 -w 0", "***"),
        ("printf %s \"$A\" | base64 -w 0 | tr +/ -_ | tr -d =", "***"),
        ("printf %s \"$A\" | base64 -w 20", "***\n"),
    ] {
        let output = env.tokctl([&ARGS[..], &[script]].concat()).assert().success();
        assert_eq!(stdout(&output), shown, "{script}");
    }
    let long = "made-up-".repeat(40);
    let env = env.with_static_token("x", &long);
    for script in ["printf %s \"$A\" | base64", "printf 'bot:%s' \"$A\" | base64 | sed 's/$/\\r/'"]
    {
        let output = env.tokctl([&ARGS[..], &[script]].concat()).assert().success();
        let said = stdout(&output);
        assert!(said.contains("***") && said.len() < 20, "{said}");
    }
}

#[test]
fn a_token_that_is_too_short_to_be_masked_is_told() {
    let env = world().with_static_token("short", "seven77");
    let args = |more: &[&'static str]| {
        [&["run", "--env", "A=vendor/short"], more, &["--", "sh", "-c", "echo $A"]].concat()
    };
    let output = env.tokctl(args(&[])).assert().success();
    assert_eq!(stdout(&output), "seven77\n");
    let told = "tokctl: warning: the token of `vendor/short` is too short to be masked, so the \
                command's output may show it\n";
    assert_eq!(stderr(&output), told);
    let output = env.tokctl(args(&["--env", "B=vendor/x"])).assert().success();
    assert_eq!(stderr(&output), told);
    for quiet in [&["--no-masking"][..], &["--ci-mask", "github"]] {
        let output = env.tokctl(args(quiet)).assert().success();
        assert!(!stderr(&output).contains("too short"), "{quiet:?}");
    }
}
