//! The files of the locks beside a vault: as many as are in use, however many logins there were.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::authorization_server::{AuthorizationServer, issue, refuse};
use crate::env::TestEnv;

/// The names of the files of locks, without those that every vault has.
fn lock_files(env: &TestEnv) -> Vec<String> {
    let of_all = ["vault.lock", "turnstile.lock", "hand-over.lock"];
    let found = fs::read_dir(env.path("data/tokctl/tokens.db.d")).unwrap();
    let paths = found.map(|entry| entry.unwrap().path());
    let locks = paths.filter(|path| path.extension().is_some_and(|found| found == "lock"));
    let names = locks.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| !of_all.contains(&&**name)).collect()
}

#[test]
fn no_lock_file_stays_of_what_was_done() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    env.log_in("y", &server, issue());
    assert!(lock_files(&env).is_empty(), "{:?}", lock_files(&env));
    server.will(issue());
    env.tokctl(["get", "--user", "x"]).assert().success();
    server.will(issue());
    env.tokctl(["refresh", "--user", "y"]).assert().success();
    server.will(issue().expires_in(0));
    env.tokctl(["refresh", "--user", "y"]).assert().success();
    server.will(refuse(400, "invalid_grant"));
    env.tokctl(["get", "--user", "y"]).assert().failure();
    env.tokctl(["delete", "acme/x", "--no-revoke", "--yes"]).assert().success();
    assert!(lock_files(&env).is_empty(), "{:?}", lock_files(&env));
}

#[test]
fn many_at_once_send_one_request_and_leave_no_lock_file() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue().after(Duration::from_millis(300)));
    let children: Vec<_> = (0..30).map(|_| env.command(["get"]).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(server.token_requests().len(), 2, "the login's, and one refresh");
    assert!(lock_files(&env).is_empty(), "{:?}", lock_files(&env));
}

#[test]
fn what_a_killed_refresh_or_an_earlier_program_left_goes_with_time() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_provider(&server);
    env.add_config("refresh = { reuse = \"tolerant\" }\n");
    env.log_in("x", &server, issue());
    server.will(issue().after(Duration::from_secs(1)));
    let mut child = env.command(["refresh"]).spawn().unwrap();
    while server.token_requests().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lock_files(&env).len(), 1, "its journal names it");
    let earlier = env.path("data/tokctl/tokens.db.d/00112233445566778899aabbccddeeff.lock");
    fs::write(&earlier, "").unwrap();
    env.tokctl(["rotate-key"]).assert().success();
    assert!(!earlier.exists());
    assert_eq!(lock_files(&env).len(), 1, "its journal names it");
    thread::sleep(Duration::from_secs(1));
    server.will(issue().for_a_spent_token());
    env.tokctl(["get"]).assert().success();
    assert!(lock_files(&env).is_empty(), "{:?}", lock_files(&env));
}
