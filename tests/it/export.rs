//! `tokctl export` and `tokctl import bundle`: credentials on their way to another machine.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use snapbox::cmd::OutputAssert;

use crate::authorization_server::{AuthorizationServer, Revocation, TokenRequest, issue, refuse};
use crate::env::{TestEnv, another_key, json, made_up_key, set_mode, stderr, stdout};
use crate::import::file;
use crate::terminal::{at_a_terminal, ending};

const TO_KEY: [&str; 2] = ["--to", "key:bundle.key"];
const MOVE: [&str; 7] = ["export", "acme/x", "--move", "--yes", "--output", "x.bundle", "--to"];

/// The machine on which people log in, with the key that bundles are sealed for.
fn here(server: &AuthorizationServer) -> TestEnv {
    with_bundle_key(TestEnv::new().with_login("x", server, issue()))
}

/// With the key that bundles are sealed for.
pub(crate) fn with_bundle_key(env: TestEnv) -> TestEnv {
    env.file("bundle.key", another_key());
    env
}

/// The other machine: a vault of its own, no configuration, and the bundle's key.
fn there() -> TestEnv {
    TestEnv::new().set("TOKCTL_BUNDLE_KEY", another_key())
}

/// Runs an export that is to succeed, and gives the bundle.
#[track_caller]
pub(crate) fn export(env: &TestEnv, args: &[&str]) -> String {
    let exported = env.tokctl(["export"].iter().chain(args).chain(&TO_KEY)).assert().success();
    stdout(&exported)
}

/// Hands `acme/x` over and gives the bundle.
#[track_caller]
pub(crate) fn hand_over(env: &TestEnv) -> String {
    env.tokctl(MOVE.iter().chain(&["key:bundle.key"])).assert().success().stdout_eq("");
    read(env, "x.bundle")
}

pub(crate) fn read(env: &TestEnv, file: &str) -> String {
    fs::read_to_string(env.path(file)).unwrap()
}

/// Takes a bundle in.
#[track_caller]
pub(crate) fn import(env: &TestEnv, bundle: &str) -> OutputAssert {
    env.file("in.bundle", bundle);
    env.tokctl(["import", "bundle", "in.bundle"]).assert()
}

fn statuses(env: &TestEnv) -> Vec<String> {
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    let credentials = listed["credentials"].as_array().unwrap();
    credentials.iter().map(|one| one["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_login_that_was_moved_is_renewed_there_and_unusable_here() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    let moved = import(&there, &hand_over(&here)).success();
    assert!(stderr(&moved).contains("delete it"), "{}", stderr(&moved));

    for verb in ["get", "refresh", "check"] {
        let refused = here.tokctl([verb, "acme", "--user", "x"]).assert().code(4).stdout_eq("");
        assert!(stderr(&refused).contains("handed over"), "{verb}: {}", stderr(&refused));
        assert!(stderr(&refused).contains("tokctl login acme/x"), "{}", stderr(&refused));
    }
    assert_eq!(statuses(&here), ["handed_over"]);
    let listed = json(&here.tokctl(["list", "--json"]).assert().success());
    assert_eq!(listed["credentials"][0]["refreshable"], false);
    let all = here.tokctl(["refresh", "--all"]).assert().success();
    assert!(stderr(&all).contains("elsewhere: `tokctl why acme/x` says where"), "{}", stderr(&all));
    here.tokctl(["check", "--all"]).assert().success();
    here.tokctl(["list", "--expiring-within", "400d"]).assert().success();
    let why = stdout(&here.tokctl(["why", "acme/x"]).assert().success());
    assert!(why.contains("handed over to another machine"), "{why}");
    assert!(why.contains("tokctl login acme/x"), "{why}");

    there.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    server.will(issue());
    there.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    there.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn without_a_move_the_access_token_travels_alone() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    let bundle = export(&here, &["acme/x"]);
    import(&there, &bundle).success();
    there.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    let refused = there.tokctl(["refresh"]).assert().code(4);
    assert!(stderr(&refused).contains("nothing renews"), "{}", stderr(&refused));
    // To revoke it there could end the login here.
    there.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    assert_eq!(server.revocations(), []);
    server.will(issue());
    here.tokctl(["refresh"]).assert().success();
}

#[test]
fn what_two_may_hold_is_copied_whole() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { rotates = false, reuse = \"tolerant\" }\n");
    env.log_in("x", &server, issue().expires_in(0));
    let (here, there) = (with_bundle_key(env), there());
    import(&there, &export(&here, &["acme/x"])).success();
    for env in [&there, &here] {
        server.will(issue().without_refresh_token());
        env.tokctl(["get"]).assert().success();
        assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    }
}

#[test]
fn a_provider_that_nobody_defines_any_more_counts_as_one_that_rotates() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    here.config("");
    import(&there, &export(&here, &["acme/x"])).success();
    there.tokctl(["refresh"]).assert().code(4);
}

#[test]
fn a_static_token_is_copied_or_moved() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-1").with_static_token("y", "made-up-2");
    let (here, there) = (with_bundle_key(env), there());
    import(&there, &export(&here, &["vendor/x"])).success();
    there.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("made-up-1\n");
    here.tokctl(["get", "--user", "x"]).assert().success().stdout_eq("made-up-1\n");

    export(&here, &["tokctl://vendor/y", "vendor/x", "--move", "--yes", "--output", "both.bundle"]);
    import(&there, &read(&here, "both.bundle")).success();
    there.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-2\n");
    assert_eq!(statuses(&here), ["handed_over", "handed_over"]);
    here.tokctl(["get", "--user", "y"]).assert().code(4).stdout_eq("");
}

#[test]
fn a_bundle_opens_once_in_a_vault() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    let bundle = hand_over(&here);
    import(&there, &bundle).success();
    for replace in [&[][..], &["--replace"], &["--dry-run"]] {
        let arguments = ["import", "bundle", "in.bundle"].iter().chain(replace);
        let refused = there.tokctl(arguments).assert().code(1).stdout_eq("");
        assert!(stderr(&refused).contains("a bundle opens once"), "{}", stderr(&refused));
    }
    server.will_revoke(200);
    server.will_revoke(200);
    there.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    import(&there, &bundle).code(1);
    assert_eq!(statuses(&there), [""; 0]);
}

#[test]
fn a_bundle_that_may_have_come_in_before_is_no_failure_for_who_says_so() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    there.file("in.bundle", hand_over(&here));
    let once_more = ["import", "bundle", "in.bundle", "--if-new"];
    let stored = |arguments: &[&str]| {
        let report = json(&there.tokctl(arguments.iter().chain(&["--json"])).assert().success());
        report["stored"].as_u64().unwrap()
    };
    assert_eq!(stored(&once_more), 1);
    server.will(issue());
    there.tokctl(["refresh"]).assert().success();
    // What was renewed here since stays.
    let said = there.tokctl(once_more).assert().success().stdout_eq("");
    assert!(stderr(&said).contains("took the bundle in before"), "{}", stderr(&said));
    there.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    let again = |more: &'static str| stored(&[&once_more[..], &[more]].concat());
    assert_eq!((again("--dry-run"), again("--replace")), (0, 0));
    there.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    // What was deleted since does not come back.
    server.will_revoke(200);
    server.will_revoke(200);
    there.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    there.tokctl(once_more).assert().success();
    assert_eq!(statuses(&there), [""; 0]);
}

#[test]
fn another_bundle_for_an_account_that_is_here_needs_a_word_all_the_same() {
    let here = |token| with_bundle_key(TestEnv::new().with_static_token("x", token));
    let there = there();
    import(&there, &export(&here("made-up-1"), &["vendor/x"])).success();
    there.file("in.bundle", export(&here("made-up-2"), &["vendor/x"]));
    let if_new = ["import", "bundle", "in.bundle", "--if-new"];
    let refused = there.tokctl(if_new).assert().code(1);
    assert!(stderr(&refused).contains("--replace"), "{}", stderr(&refused));
    there.tokctl(if_new.iter().chain(&["--replace"])).assert().success();
    there.tokctl(["get"]).assert().success().stdout_eq("made-up-2\n");
    let refused = there.tokctl(["import", "salla", "tokens.csv", "--if-new"]).assert().code(2);
    assert!(stderr(&refused).contains("`--if-new` is for bundles"), "{}", stderr(&refused));
}

#[test]
fn a_look_at_a_bundle_does_not_use_it_up() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    there.file("in.bundle", hand_over(&here));
    let foreseen = ["import", "bundle", "in.bundle", "--dry-run", "--json"];
    let report = json(&there.tokctl(foreseen).assert().success());
    assert_eq!(report["results"][0]["outcome"], "new");
    assert_eq!(report["results"][0]["user"], "x");
    assert!(!there.vault_path().exists());
    there.tokctl(["import", "bundle", "in.bundle"]).assert().success();
}

#[test]
fn a_bundle_comes_in_whole_or_not_at_all() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-1").with_static_token("y", "made-up-2");
    let here = with_bundle_key(env);
    let there = there().with_static_token("y", "made-up-other");
    let refused = import(&there, &export(&here, &["vendor/x", "vendor/y"])).code(1);
    assert!(stderr(&refused).contains("vendor/y"), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--replace"), "{}", stderr(&refused));
    let foreseen = there.tokctl(["import", "bundle", "in.bundle", "--dry-run"]).assert().code(1);
    assert!(stderr(&foreseen).contains("--replace"), "{}", stderr(&foreseen));
    there.tokctl(["get", "vendor", "--user", "x"]).assert().code(3);
    there.tokctl(["import", "bundle", "in.bundle", "--replace"]).assert().success();
    there.tokctl(["get", "--user", "y"]).assert().success().stdout_eq("made-up-2\n");
}

#[test]
fn a_login_can_be_moved_back() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), with_bundle_key(there()));
    import(&there, &hand_over(&here)).success();
    let here = here.set("TOKCTL_BUNDLE_KEY", another_key());
    import(&here, &hand_over(&there)).success();
    assert_eq!(statuses(&there), ["handed_over"]);
    server.will(issue());
    here.tokctl(["refresh"]).assert().success();
    here.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_bundle_opens_with_its_own_key_alone() {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up-1"));
    let bundle = export(&env, &["vendor/x"]);
    assert!(!bundle.contains("made-up"));
    let refused = import(&TestEnv::new(), &bundle).code(5);
    assert!(stderr(&refused).contains("TOKCTL_BUNDLE_KEY"), "{}", stderr(&refused));
    // The vault's key is another matter.
    let wrong = TestEnv::new().set("TOKCTL_BUNDLE_KEY", made_up_key());
    let refused = import(&wrong, &bundle).code(5);
    assert!(stderr(&refused).contains("another key"), "{}", stderr(&refused));
    let password = TestEnv::new().set("TOKCTL_BUNDLE_KEY", "hunter2-made-up");
    let refused = import(&password, &bundle).code(5);
    assert!(!stderr(&refused).contains("hunter2"), "{}", stderr(&refused));
    for env in [wrong, password] {
        assert!(!env.vault_path().exists(), "nothing was made for it");
    }
    let by_file = TestEnv::new().set("TOKCTL_BUNDLE_KEY_FILE", "bundle.key");
    by_file.file("bundle.key", another_key());
    import(&by_file, &bundle).success();

    let named = TestEnv::new().set("TOKCTL_BUNDLE_KEY", made_up_key());
    named.file("in.bundle", &bundle);
    named.file("other.key", another_key());
    let by_name = ["import", "bundle", "in.bundle", "--key-file", "other.key"];
    let copied = named.tokctl(by_name).assert().success();
    assert!(!stderr(&copied).contains("delete it"), "{}", stderr(&copied));
}

#[test]
fn a_bundle_opens_with_its_passphrase() {
    let here = TestEnv::new()
        .with_static_token("x", "made-up-1")
        .set("TOKCTL_BUNDLE_PASSPHRASE", "correct horse made up");
    let to_passphrase = ["export", "vendor/x", "--to", "passphrase"];
    let bundle = stdout(&here.tokctl(to_passphrase).assert().success());
    let there = TestEnv::new();
    import(&there, &bundle).code(2);
    import(&there, &bundle).stderr_eq(snapbox::str![[r"
tokctl: error: nobody can be asked here: passphrase of the bundle
hint: set TOKCTL_BUNDLE_PASSPHRASE or TOKCTL_BUNDLE_PASSPHRASE_FILE

"]]);
    let there = there.set("TOKCTL_BUNDLE_PASSPHRASE", "correct horse");
    import(&there, &bundle).code(5);
    let there = there.unset("TOKCTL_BUNDLE_PASSPHRASE");
    there.file("passphrase", "correct horse made up\n");
    let there = there.set("TOKCTL_BUNDLE_PASSPHRASE_FILE", "passphrase");
    import(&there, &bundle).success();
    there.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n");
    let here = here.unset("TOKCTL_BUNDLE_PASSPHRASE");
    here.tokctl(to_passphrase).assert().code(2).stdout_eq("");
}

#[test]
fn a_bundle_that_is_not_as_it_was_sealed_brings_nothing() {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up-1"));
    let bundle = export(&env, &["vendor/x"]);
    let bundle = bundle.trim_end();
    let (head, tail) = bundle.split_at(bundle.len() - 20);
    let there = there();
    let (fetch, update, export) = ("fetch it once more", "update tokctl", "an export wrote");
    for (text, code, hint) in [
        (head.to_owned(), 2, fetch),
        (format!("{head}{}", tail.replace(&tail[3..6], "AAA")), 2, fetch),
        (bundle[..100].to_owned(), 2, fetch),
        (bundle.replacen("bundle-1.", "bundle-2.", 1), 1, update),
        (String::new(), 2, export),
        ("{\"refresh_token\": \"made-up\"}".to_owned(), 2, export),
    ] {
        let refused = import(&there, &text).code(code).stdout_eq("");
        let hinted =
            stderr(&refused).lines().any(|line| line.starts_with("hint: ") && line.contains(hint));
        assert!(hinted, "{}", stderr(&refused));
        assert!(!there.vault_path().exists(), "{}", stderr(&refused));
    }
    there.tokctl(["import", "bundle", "nowhere"]).assert().code(1);
    import(&there, bundle).success();
}

#[test]
fn a_bundle_may_come_through_a_pipe_and_be_wrapped_on_its_way() {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up-1"));
    let bundle = export(&env, &["vendor/x"]);
    assert_eq!(bundle.lines().count(), 1);
    let (head, tail) = bundle.split_at(200);
    let there = there();
    let from_stdin = there.tokctl(["import", "bundle", "-"]).stdin(format!("{head}\r\n  {tail}\n"));
    from_stdin.assert().success();
    there.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n");
    there.tokctl(["import", "bundle", "-", "--user", "y"]).assert().code(2);
}

#[test]
fn a_secret_on_the_command_line_is_neither_used_nor_repeated() {
    let env = TestEnv::new().with_static_token("x", "made-up-1");
    for to in [another_key().to_owned(), format!("key:{}", another_key()), "hunter2".into()] {
        let refused = env.tokctl(["export", "vendor/x", "--to", &to]).assert().code(2);
        assert!(!stderr(&refused).contains(&to[4..]), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("key:FILE"), "{}", stderr(&refused));
    }
    env.tokctl(["export", "vendor/x"]).assert().code(2);
    env.tokctl(["export", "--to", "passphrase"]).assert().code(2);
    env.tokctl(["export", "vendor/x", "--to", "key:nowhere"]).assert().code(2);
    env.file("no.key", "made up");
    env.tokctl(["export", "vendor/x", "--to", "key:no.key"]).assert().code(2);
    let import = ["import", "bundle", "x.bundle", "--key-file", "nowhere"];
    env.file("bundle.key", another_key());
    env.file("x.bundle", export(&env, &["vendor/x"]));
    env.tokctl(import).assert().code(2);
}

#[test]
fn a_bundles_file_is_private_and_replaces_nothing() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    let other = here.file("taken", "something else");
    for moving in [&[][..], &["--move", "--yes"]] {
        for file in ["taken", "nowhere/x.bundle"] {
            let arguments = ["export", "acme/x", "--output", file];
            here.tokctl(arguments.iter().chain(moving).chain(&TO_KEY)).assert().code(1);
        }
    }
    assert_eq!(fs::read_to_string(other).unwrap(), "something else");
    here.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    assert_eq!(statuses(&here), ["active"]);

    set_mode(&here.path("run"), 0o500);
    let into_a_closed_folder = ["export", "acme/x", "--move", "--yes", "--output", "run/x.bundle"];
    if !is_root() {
        here.tokctl(into_a_closed_folder.iter().chain(&TO_KEY)).assert().code(1);
        assert_eq!(statuses(&here), ["active"]);
    }
    set_mode(&here.path("run"), 0o700);
    here.tokctl(into_a_closed_folder.iter().chain(&TO_KEY)).assert().success();
    let mode = fs::metadata(here.path("run/x.bundle")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(here.path("run")).unwrap().count(), 1, "nothing lies beside it");
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}

#[test]
fn what_is_moved_goes_to_a_file() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    for output in [&[][..], &["--output", "-"]] {
        let arguments = ["export", "acme/x", "--move"].iter().chain(output).chain(&TO_KEY);
        let refused = here.tokctl(arguments).assert().code(2).stdout_eq("");
        assert!(stderr(&refused).contains("--output"), "{}", stderr(&refused));
    }
    here.tokctl(["export", "--resume"]).assert().code(2);
    here.tokctl(["get"]).assert().success();
}

#[test]
fn the_command_for_the_other_machine_is_whole() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    let done = here.tokctl(MOVE.iter().chain(&["key:bundle.key"])).assert().success();
    let command = "`tokctl import bundle x.bundle --key-file bundle.key`";
    assert!(stderr(&done).contains(command), "{}", stderr(&done));
}

#[test]
fn nothing_is_moved_unasked_where_nobody_can_be_asked() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    let unasked = ["export", "acme/x", "--move", "--output", "x.bundle"];
    let refused = here.tokctl(unasked.iter().chain(&TO_KEY)).assert().code(2).stdout_eq("");
    let said = stderr(&refused);
    assert!(said.contains("hint: tokctl export acme/x --move") && said.contains("--yes"), "{said}");
    assert!(!here.path("x.bundle").exists());
    assert_eq!(statuses(&here), ["active"]);
}

#[test]
fn a_bundle_that_could_not_be_written_is_no_success() {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up-1"));
    let mut command = env.command(["export", "vendor/x"].iter().chain(&TO_KEY));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(command.stdout(full).status().unwrap().code(), Some(1));
}

#[test]
fn a_token_that_has_ended_does_not_travel_alone() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(TestEnv::new().with_login("x", &server, issue().expires_in(0)));
    let refused = env.tokctl(["export", "acme/x"].iter().chain(&TO_KEY)).assert().code(1);
    assert!(stderr(&refused).contains("tokctl refresh acme/x"), "{}", stderr(&refused));
    let there = there();
    import(&there, &hand_over(&env)).success();
    server.will(issue());
    there.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_credential_travels_whole() {
    let env = with_bundle_key(TestEnv::new());
    let asked = ["export", "acme/alice/api_base_url", "--to", "key:bundle.key"];
    let done = env.tokctl(asked).assert().code(2);
    assert!(stderr(&done).contains("without `/api_base_url`"), "{}", stderr(&done));
}

#[test]
fn what_is_not_here_can_not_be_exported() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    let export = |reference| ["export", reference].into_iter().chain(TO_KEY);
    here.tokctl(export("acme/y")).assert().code(3);
    here.tokctl(export("other")).assert().code(3);
    // Nothing leaves where something is missing.
    let both = ["export", "acme/x", "acme/y", "--move", "--output", "x.bundle"];
    here.tokctl(both.into_iter().chain(TO_KEY)).assert().code(3);
    assert_eq!(statuses(&here), ["active"]);
    assert!(!here.path("x.bundle").exists());
    hand_over(&here);
    let refused = here.tokctl(export("acme/x")).assert().code(4);
    assert!(stderr(&refused).contains("handed over"), "{}", stderr(&refused));
}

/// Long enough to act while an answer is on its way.
const DELAY: Duration = Duration::from_millis(600);

#[test]
fn a_refresh_in_flight_is_waited_for() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(TestEnv::new().with_login("x", &server, issue().expires_in(0)));
    server.will(issue().after(DELAY));
    let child = env.command(["get"]).stdout(Stdio::piped()).spawn().unwrap();
    while server.token_requests().len() == 1 {
        thread::sleep(Duration::from_millis(5));
    }
    let bundle = hand_over(&env);
    assert_eq!(child.wait_with_output().unwrap().stdout, b"access-2\n");
    let there = there();
    import(&there, &bundle).success();
    server.will(issue());
    there.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-2")));
}

#[test]
fn an_answer_that_lies_beside_the_vault_is_taken_up_first() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(TestEnv::new().with_login("x", &server, issue().expires_in(0)));
    server.will(issue().after(DELAY));
    let mut child = env.command(["get"]).stderr(Stdio::null()).spawn().unwrap();
    while server.token_requests().len() == 1 {
        thread::sleep(Duration::from_millis(5));
    }
    let writer = env.open_vault();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    writer.execute_batch("ROLLBACK").unwrap();
    let there = there();
    import(&there, &hand_over(&env)).success();
    there.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_refresh_token_that_may_be_spent_is_not_moved() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(TestEnv::new().with_login("x", &server, issue().expires_in(0)));
    server.will(issue().lost());
    env.tokctl(["get"]).assert().code(6);
    let refused = env.tokctl(MOVE.iter().chain(&["key:bundle.key"])).assert().code(6);
    assert!(stderr(&refused).contains("what became of a refresh"), "{}", stderr(&refused));
    let hint = "hint: tokctl why acme/x\n";
    assert!(stderr(&refused).contains(hint), "{}", stderr(&refused));
    assert!(!env.path("x.bundle").exists());
    server.will(refuse(400, "invalid_grant").for_a_spent_token());
    env.tokctl(["get"]).assert().code(4);
}

#[test]
fn a_slow_reader_of_a_copy_keeps_nobody_from_the_credential() {
    let long = "made-up-".repeat(7_000);
    let env = TestEnv::new().with_static_token("x", &long).with_static_token("y", &long);
    let env = with_bundle_key(env);
    let mut export = env
        .command(["export", "vendor/x", "vendor/y"].iter().chain(&TO_KEY))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // More than a pipe holds: with its beginning read, it waits for the rest to be.
    let mut reader = export.stdout.take().unwrap();
    reader.read_exact(&mut [0; 16]).unwrap();
    let beside = env.path("data/tokctl/tokens.db.d");
    let locks = fs::read_dir(beside).unwrap().map(|entry| entry.unwrap().path());
    for lock in locks.filter(|path| path.extension().is_some_and(|name| name == "lock")) {
        assert!(File::open(&lock).unwrap().try_lock().is_ok(), "{}", lock.display());
    }
    assert!(export.try_wait().unwrap().is_none());
    drop(reader);
    assert!(!export.wait().unwrap().success(), "half a bundle is none");
}

#[test]
fn of_two_that_move_one_credential_one_does() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    for round in 0..5 {
        let name = |who: usize| format!("{round}-{who}.bundle");
        let children: Vec<_> = (0..3)
            .map(|who| {
                let name = name(who);
                let arguments = ["export", "acme/x", "--move", "--yes", "--output", &name];
                let mut command = here.command(arguments.iter().chain(&TO_KEY));
                command.stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        let mut codes: Vec<_> =
            children.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
        codes.sort();
        assert_eq!(codes, [Some(0), Some(4), Some(4)]);
        let made: Vec<String> = (0..3).map(name).filter(|name| here.path(name).exists()).collect();
        assert_eq!(made.len(), 1, "{made:?}");
        here.tokctl(["import", "bundle", &made[0]])
            .env("TOKCTL_BUNDLE_KEY", another_key())
            .assert()
            .success();
    }
    here.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

/// Hands `acme/x` over, for the key in `bundle.key`, in a vault that then does not forget the bundle:
/// as if the process had died before it was known to be in place.
pub(crate) fn interrupt_a_move(env: &TestEnv) -> String {
    let writer = env.open_vault();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut command = env.command(MOVE.iter().chain(&["key:bundle.key"]));
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let draft = format!("x.bundle.{}.tmp", child.id());
    while !drafts(env).contains(&draft) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        thread::sleep(Duration::from_millis(5));
    }
    // The vault is written first, and then the place is taken.
    let taken = env.file("x.bundle", "something else");
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let text = "SELECT bundle FROM vault_2";
    let text: String = env.open_vault().query_row(text, [], |row| row.get(0)).unwrap();
    fs::write(taken, &text).unwrap();
    text
}

fn kept(env: &TestEnv) -> i64 {
    let count = "SELECT count(bundle) FROM vault_2";
    env.open_vault().query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn an_interrupted_move_is_finished() {
    let server = AuthorizationServer::start();
    let here = here(&server).with_static_token("y", "made-up");
    let bundle = interrupt_a_move(&here);
    fs::remove_file(here.path("x.bundle")).unwrap();

    for verb in ["get", "refresh", "check"] {
        let refused = here.tokctl([verb, "acme", "--user", "x"]).assert().code(4);
        let hint = "hint: tokctl export --resume --output moved.bundle\n";
        assert!(stderr(&refused).contains(hint), "{verb}: {}", stderr(&refused));
    }
    let why = stdout(&here.tokctl(["why", "acme/x"]).assert().success());
    assert!(why.contains("tokctl export --resume --output moved.bundle"), "{why}");
    let another = ["export", "vendor/y", "--move", "--yes", "--output", "y.bundle"];
    let refused = here.tokctl(another.iter().chain(&TO_KEY)).assert().code(1);
    assert!(stderr(&refused).contains("tokctl export --resume"), "{}", stderr(&refused));
    export(&here, &["vendor/y"]);

    // It is sealed by itself, so a change of the vault's key leaves it as it is.
    here.tokctl(["rotate-key"]).assert().success();
    here.tokctl(["export", "--resume", "--output", "again.bundle"]).assert().success();
    assert_eq!((read(&here, "again.bundle"), kept(&here)), (bundle.clone(), 0));
    let mode = fs::metadata(here.path("again.bundle")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    import(&there(), &bundle).success();
    here.tokctl(["export", "--resume", "--output", "third.bundle"]).assert().code(3);
    here.tokctl(another.iter().chain(&TO_KEY)).assert().success();
}

#[test]
fn a_bundle_that_was_taken_back_is_not_made_again() {
    let server = AuthorizationServer::start();
    let here = here(&server).set("TOKCTL_BUNDLE_KEY", another_key());
    let bundle = interrupt_a_move(&here);
    assert_eq!(kept(&here), 1);
    import(&here, &bundle).success();
    assert_eq!(kept(&here), 0);
    here.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
    here.tokctl(["export", "--resume", "--output", "again.bundle"]).assert().code(3);
    assert!(!here.path("again.bundle").exists());
    fs::remove_file(here.path("x.bundle")).unwrap();
    hand_over(&here);
}

#[test]
fn a_bundle_that_is_in_place_already_is_left_there() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    let bundle = interrupt_a_move(&here);
    here.file("taken", "something else");
    let refused = here.tokctl(["export", "--resume", "--output", "taken"]).assert().code(1);
    let said = stderr(&refused);
    assert!(said.contains("not there yet"), "{said}");
    assert_eq!((read(&here, "taken").as_str(), kept(&here)), ("something else", 1));
    here.tokctl(["export", "--resume", "--output", "x.bundle"]).assert().success();
    assert_eq!((read(&here, "x.bundle"), kept(&here)), (bundle, 0));
}

/// Starts to hand `acme/x` over, and ends that with a signal while another process writes to the
/// vault: the draft is made, and nothing has left.
fn end_a_move_before_its_commit(env: &TestEnv, signal: &str) {
    let writer = env.open_vault();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut command = env.command(MOVE.iter().chain(&["key:bundle.key"]));
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    while drafts(env).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        thread::sleep(Duration::from_millis(5));
    }
    let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "{signal} ended it");
    assert_eq!(statuses(env), ["active"]);
    assert!(!env.path("x.bundle").exists());
}

/// What lies beside the place of `x.bundle`.
fn drafts(env: &TestEnv) -> Vec<String> {
    let names = fs::read_dir(env.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("x.bundle.")).collect()
}

#[test]
fn a_move_that_is_ended_before_its_commit_leaves_no_draft() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    for signal in ["HUP", "INT", "TERM"] {
        end_a_move_before_its_commit(&here, signal);
        assert_eq!(drafts(&here), [""; 0], "{signal}");
    }
    hand_over(&here);
}

#[test]
fn the_draft_of_a_move_that_was_killed_goes_with_the_next() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    end_a_move_before_its_commit(&here, "KILL");
    assert_eq!(drafts(&here).len(), 1);
    interrupt_a_move(&here);
    assert_eq!(drafts(&here), [""; 0]);

    let in_hand = File::create(here.path("x.bundle.1.tmp")).unwrap();
    in_hand.lock().unwrap();
    for is_in_place in [true, false] {
        here.file("x.bundle.2.tmp", "");
        if !is_in_place {
            fs::remove_file(here.path("x.bundle")).unwrap();
            here.log_in("x", &server, issue());
            interrupt_a_move(&here);
            fs::remove_file(here.path("x.bundle")).unwrap();
            here.file("x.bundle.2.tmp", "");
        }
        here.tokctl(["export", "--resume", "--output", "x.bundle"]).assert().success();
        assert_eq!(drafts(&here), ["x.bundle.1.tmp"], "a living process is at that one");
    }
}

#[test]
fn what_a_killed_move_left_goes_with_the_next_to_another_file_and_other_files_stay() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    end_a_move_before_its_commit(&here, "KILL");
    assert_eq!(drafts(&here).len(), 1);
    here.file("x.bundle.notes", "mine");
    here.file("notes.1.tmp", "mine");
    let other = ["export", "acme/x", "--to", "key:bundle.key", "--output", "other.bundle"];
    here.tokctl(other.iter().chain(&["--move", "--yes"])).assert().success();
    assert_eq!(drafts(&here), ["x.bundle.notes"]);
    assert!(here.path("notes.1.tmp").exists());
}

#[test]
fn what_was_handed_over_is_revoked_neither_by_a_deletion_nor_by_a_login() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    import(&there, &hand_over(&here)).success();
    let deleted = here.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    assert!(stderr(&deleted).contains("handed over"), "{}", stderr(&deleted));
    assert_eq!(statuses(&here), [""; 0]);

    here.log_in("x", &server, issue());
    here.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    fs::remove_file(here.path("x.bundle")).unwrap();
    hand_over(&here);
    here.log_in("x", &server, issue());
    here.tokctl(["get"]).assert().success().stdout_eq("access-3\n");
    assert_eq!(server.revocations(), []);

    server.will(issue());
    there.tokctl(["refresh"]).assert().success();
    assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
    // The machine that has it now may end it.
    server.will_revoke(200);
    server.will_revoke(200);
    there.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    assert_eq!(server.revocations()[0], Revocation::of_refresh_token("refresh-4"));
}

#[test]
fn a_deletion_does_not_say_that_another_machine_has_what_is_still_here() {
    let server = AuthorizationServer::start();
    let here = here(&server);
    interrupt_a_move(&here);
    let deleted = here.tokctl(["delete", "acme", "--user", "x", "--yes"]).assert().success();
    let said = stderr(&deleted);
    assert!(said.contains("still in this vault"), "{said}");
    assert!(said.contains("tokctl export --resume --output FILE"), "{said}");
    assert!(!said.contains("the machine"), "{said}");
    fs::remove_file(here.path("x.bundle")).unwrap();
    here.tokctl(["export", "--resume", "--output", "x.bundle"]).assert().success();
    import(&there(), &read(&here, "x.bundle")).success();
}

#[test]
fn both_audits_tell_of_a_move() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    export(&here, &["acme/x"]);
    here.tokctl(["export", "acme/y"].iter().chain(&TO_KEY)).assert().code(3);
    import(&there, &hand_over(&here)).success();
    let entries = |env: &TestEnv, action: &str| -> Vec<(String, String)> {
        let audit = json(&env.tokctl(["audit", "--json"]).assert().success());
        let entries = audit["entries"].as_array().unwrap();
        let text =
            |entry: &serde_json::Value, field: &str| entry[field].as_str().unwrap().to_owned();
        let of_it = entries.iter().filter(|entry| entry["action"] == action);
        of_it.map(|entry| (text(entry, "user"), text(entry, "outcome"))).collect()
    };
    let expected = [("x", "ok"), ("y", "not_found"), ("x", "handed_over")];
    let expected = expected.map(|(user, outcome)| (user.to_owned(), outcome.to_owned()));
    assert_eq!(entries(&here, "export"), expected);
    assert_eq!(entries(&there, "import"), [("x".to_owned(), "ok".to_owned())]);
    for env in [&here, &there] {
        env.tokctl(["audit", "--verify"]).assert().success();
    }
}

#[test]
fn nothing_leaves_that_could_not_be_written_down() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config("audit = \"required\"\n");
    let here = with_bundle_key(env.with_login("x", &server, issue()));
    let audit = here.path("data/tokctl/tokens.db.d/audit.jsonl");
    fs::rename(&audit, here.path("audit")).unwrap();
    fs::create_dir(&audit).unwrap();
    here.tokctl(["export", "acme/x"].iter().chain(&TO_KEY)).assert().code(1).stdout_eq("");
    here.tokctl(MOVE.iter().chain(&["key:bundle.key"])).assert().code(1);
    assert!(!here.path("x.bundle").exists());
    fs::remove_dir(&audit).unwrap();
    fs::rename(here.path("audit"), &audit).unwrap();
    here.tokctl(["get"]).assert().success().stdout_eq("access-1\n");
}

#[test]
fn a_move_is_not_finished_without_a_trace() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.config("audit = \"required\"\n");
    let here = with_bundle_key(env.with_login("x", &server, issue()));
    interrupt_a_move(&here);
    let audit = here.path("data/tokctl/tokens.db.d/audit.jsonl");
    fs::rename(&audit, here.path("audit")).unwrap();
    fs::create_dir(&audit).unwrap();
    let resume = ["export", "--resume", "--output", "again.bundle"];
    here.tokctl(resume).assert().code(1);
    assert!(!here.path("again.bundle").exists());
    fs::remove_dir(&audit).unwrap();
    fs::rename(here.path("audit"), &audit).unwrap();

    here.tokctl(resume).assert().success();
    here.tokctl(resume).assert().code(3);
    let audit = json(&here.tokctl(["audit", "--json"]).assert().success());
    let entries = audit["entries"].as_array().unwrap();
    let of_it: Vec<_> = entries
        .iter()
        .filter(|entry| entry["action"] == "export" && entry["provider"].is_null())
        .map(|entry| entry["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(of_it, ["ok", "ok", "not_found"]);
    here.tokctl(["audit", "--verify"]).assert().success();
}

#[test]
fn a_bundle_that_is_too_large_for_a_secret_is_told() {
    let long = "made-up-".repeat(5_000);
    let env = with_bundle_key(TestEnv::new().with_static_token("x", &long));
    let told = env.tokctl(["export", "vendor/x"].iter().chain(&TO_KEY)).assert().success();
    assert!(stderr(&told).contains("GitHub"), "{}", stderr(&told));
    let there = there();
    import(&there, &stdout(&told)).success();
    there.tokctl(["get"]).assert().success().stdout_eq(format!("{long}\n"));
}

#[test]
fn a_bundle_that_nobody_could_take_in_is_not_made() {
    let env = with_bundle_key(TestEnv::new());
    let long = "x".repeat(60_000);
    let shop = |number: usize| format!("shop-{number}.myshopify.com,made-up-{long}\n");
    let dump: String = (0..60).map(shop).collect();
    let file = file(&env, "shops.csv", format!("shop_domain,access_token\n{dump}"));
    env.tokctl(["import", "refresh-service", file.to_str().unwrap()]).assert().success();
    let listed = json(&env.tokctl(["list", "--json"]).assert().success());
    let named: Vec<String> = listed["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("shopify/{}", one["user"].as_str().unwrap()))
        .collect();
    assert_eq!(named.len(), 60);
    for more in [&["--output", "a.bundle"][..], &["--output", "b.bundle", "--move", "--yes"]] {
        let export = [&["export"], &TO_KEY[..], more].concat();
        let export = export.into_iter().chain(named.iter().map(String::as_str));
        let refused = env.tokctl(export).assert().code(1).stdout_eq("");
        assert!(stderr(&refused).contains("export fewer at once"), "{}", stderr(&refused));
        assert!(!env.path(more[1]).exists());
    }
    assert!(statuses(&env).iter().all(|status| status == "active"));
}

#[test]
fn no_secret_of_a_bundle_is_in_a_file_or_a_message() {
    let server = AuthorizationServer::start();
    let (here, there) = (here(&server), there());
    let moved = here.tokctl(["-vvv"].iter().chain(&MOVE).chain(&["key:bundle.key"])).assert();
    let bundle = read(&here, "x.bundle");
    let came = import(&there, &bundle).success();
    let mut seen = vec![stderr(&moved), stderr(&came), stdout(&came), bundle];
    for env in [&here, &there] {
        seen.push(String::from_utf8_lossy(&env.vault_bytes()).into_owned());
    }
    for secret in ["access-1", "refresh-1", another_key()] {
        assert!(!seen.iter().any(|text| text.contains(secret)), "{secret}");
    }
}

#[test]
fn a_bundle_is_never_shown_on_a_terminal() {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up-1"));
    for output in [&[][..], &["--output", "-"]] {
        let arguments = [&["export", "vendor/x"], &TO_KEY[..], output].concat();
        let (said, code) = ending(at_a_terminal(&env, &arguments));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("--output") && !said.contains("tokctl-bundle"), "{said}");
    }
}

#[test]
fn a_bundles_passphrase_is_asked_for_twice_and_there_until_it_is_the_one() {
    let here = TestEnv::new().with_static_token("x", "made-up-1");
    let export = ["export", "vendor/x", "--to", "passphrase", "--output", "x.bundle"];
    let mut session = at_a_terminal(&here, &export);
    for prompt in ["passphrase for the bundle", "once more"] {
        session.exp_regex(prompt).unwrap();
        session.send_line("correct horse made up").unwrap();
    }
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    let there = TestEnv::new();
    there.file("x.bundle", read(&here, "x.bundle"));
    let mut session = at_a_terminal(&there, &["import", "bundle", "x.bundle"]);
    for typed in ["wrong horse made up", "correct horse made up"] {
        session.exp_regex("passphrase of the bundle").unwrap();
        session.send_line(typed).unwrap();
    }
    let (said, code) = ending(session);
    assert_eq!(code, 0, "{said}");
    there.tokctl(["get"]).assert().success().stdout_eq("made-up-1\n");
}

#[test]
fn a_bundle_that_a_closed_stdout_swallows_did_not_travel() {
    let env = with_bundle_key(TestEnv::new().with_static_token("x", "made-up"));
    let program = snapbox::cmd::cargo_bin("tokctl");
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "exec \"$@\" >&-", "sh"]).arg(program);
    command.args(["export", "vendor/x"]).args(TO_KEY);
    env.settle(&mut command);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stdout") && !said.contains("travels"), "{said}");
}

#[test]
fn a_service_and_a_user_name_a_credential_too() {
    let server = AuthorizationServer::start();
    let env = here(&server);
    for named in [&["acme"][..], &["acme", "--user", "x"], &["acme", "-u", "x"], &["acme/x"]] {
        let there = there();
        import(&there, &export(&env, named)).success();
        there.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
    }
    env.log_in("y", &server, issue());
    let export =
        |named: &[&str]| env.tokctl(["export"].iter().chain(named).chain(&TO_KEY)).assert();
    let said = stderr(&export(&["acme"]).code(2).stdout_eq(""));
    assert!(said.contains("which one of acme/x, acme/y?"), "{said}");
    assert!(said.contains("hint: tokctl list"), "{said}");
    export(&["acme/x", "--user", "y"]).code(2).stdout_eq("");
    export(&["acme", "--user", "nobody"]).code(3).stdout_eq("");
}

#[test]
fn everything_that_can_travel_is_exported_at_once() {
    let server = AuthorizationServer::start();
    let env = here(&server).with_static_token("a", "made-up-a").with_static_token("b", "made-up-b");
    let done = env.tokctl(["export", "--all"].iter().chain(&TO_KEY)).assert().success();
    let there = there();
    import(&there, &stdout(&done)).success();
    there.tokctl(["get", "vendor/b"]).assert().success().stdout_eq("made-up-b\n");
    there.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-1\n");
    hand_over(&env);
    let all = env.tokctl(["export", "--all", "vendor", "acme"].iter().chain(&TO_KEY)).assert();
    let said = stderr(&all.success());
    assert!(said.contains("acme/x was handed over before"), "{said}");
    let none = env.tokctl(["export", "--all", "acme"].iter().chain(&TO_KEY)).assert().code(3);
    none.stdout_eq("");
    let of_one = env.tokctl(["export", "--all", "--user", "a"].iter().chain(&TO_KEY)).assert();
    let said = stderr(&of_one.success());
    assert!(said.contains("vendor/a") && !said.contains("vendor/b"), "{said}");
}
