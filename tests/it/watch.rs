//! `tokctl refresh --watch`: the service.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse, reply};
use crate::env::{TestEnv, made_up_key, stderr, stdout};
use crate::export::{hand_over, with_bundle_key};
use crate::http::Response;

/// How long anything may take before the test gives it up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service. Ended when dropped.
struct Service {
    child: Child,
    lines: Receiver<String>,
    /// What was read and not yet waited for.
    said: VecDeque<String>,
}

impl Service {
    fn start(env: &TestEnv, args: &[&str]) -> Self {
        let mut command = env.command([&["refresh", "--watch"], args].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines, said: VecDeque::new() }
    }

    /// The lines up to the one that contains `word`, that one last.
    #[track_caller]
    fn lines_until(&mut self, word: &str) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|line: &String| !line.contains(word)) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => seen.push(line),
                Err(error) => panic!("no `{word}` ({error}) in {seen:#?}"),
            }
        }
        self.said.extend(seen.clone());
        seen
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        self.said.extend(self.lines.iter());
        (status, self.said.drain(..).collect())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A login whose token is due at once.
fn due(server: &AuthorizationServer) -> TestEnv {
    TestEnv::new().with_login("x", server, issue().expires_in(0))
}

#[test]
fn what_is_due_is_refreshed_at_once_and_a_signal_ends_it() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let server = AuthorizationServer::start();
        let env = due(&server);
        server.will(issue());
        let mut service = Service::start(&env, &[]);
        let lines = service.lines_until("event=cycle");
        assert!(lines[0].contains("level=info event=refreshed provider=acme user=x"), "{lines:?}");
        assert!(lines[1].contains("refreshed=1 skipped=0 failed=0 pending=0"), "{lines:?}");
        env.tokctl(["get", "--no-refresh"]).assert().success().stdout_eq("access-2\n");
        let asked = Instant::now();
        service.signal(name);
        let (status, said) = service.wait();
        assert_eq!(status.signal(), Some(number));
        assert!(asked.elapsed() < Duration::from_secs(3), "it sleeps no longer then");
        assert!(said.last().unwrap().contains(&format!("event=stopping signal=SIG{name}")));
        assert!(!said.iter().any(|line| line.contains("access-") || line.contains("refresh-")));
    }
}

#[test]
fn a_token_is_refreshed_again_when_it_is_due() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().expires_in(4));
    server.will(issue());
    let mut service = Service::start(&env, &["--every", "1h"]);
    service.lines_until("event=cycle");
    service.lines_until("event=refreshed");
    service.lines_until("event=cycle");
    drop(service);
    env.tokctl(["get", "--no-refresh"]).assert().success().stdout_eq("access-3\n");
}

#[test]
fn a_signal_waits_until_the_answer_is_stored() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().after(Duration::from_millis(700)));
    let service = Service::start(&env, &[]);
    while server.token_requests().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    service.signal("TERM");
    assert_eq!(service.wait().0.signal(), Some(15));
    env.tokctl(["get", "--no-refresh"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn what_only_a_person_can_mend_is_logged_once() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(refuse(400, "invalid_grant"));
    let mut service = Service::start(&env, &["--every", "1s", "--json"]);
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.extend(service.lines_until("\"event\":\"cycle\""));
    }
    let events: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events, ["login_required", "cycle", "cycle", "cycle"]);
    assert!(lines[0].contains("tokctl login acme/x"), "{}", lines[0]);
    // A person logs in, while the service runs.
    env.log_in("x", &server, issue().expires_in(0));
    server.will(issue());
    service.lines_until("refreshed\",");
}

#[test]
fn what_was_handed_over_is_told_of_once() {
    let server = AuthorizationServer::start();
    let env = with_bundle_key(due(&server));
    hand_over(&env);
    let mut service = Service::start(&env, &["--every", "1s"]);
    let lines = [service.lines_until("event=cycle"), service.lines_until("event=cycle")].concat();
    let told: Vec<&String> = lines.iter().filter(|line| line.contains("handed_over")).collect();
    let [told] = told[..] else { panic!("{lines:?}") };
    assert!(told.contains("credentials=1 hint=\"tokctl list\""), "{told}");
}

#[test]
fn an_outage_is_told_once_then_how_many_it_holds_back_then_its_end() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    for user in ["y", "z"] {
        env.log_in(user, &server, issue().expires_in(0));
    }
    let page = Response::new(429, "text/plain", "").with("Retry-After", "7");
    server.will(reply(page));
    let path = env.path("tokctl.prom");
    let metrics = path.to_str().unwrap().to_owned();
    let arguments = ["--every", "1s", "--jobs", "1", "--metrics", &metrics];
    let mut service = Service::start(&env, &arguments);
    let mut lines = service.lines_until("event=cycle");
    let first = |lines: &[String], event: &str| {
        let said = |line: &&String| line.contains(&format!("event={event} "));
        lines.iter().filter(said).cloned().collect::<Vec<_>>()
    };
    let text = fs::read_to_string(&path).unwrap();
    // Two of the three were never asked about.
    let failed = "tokctl_refreshes_total{provider=\"acme\",outcome=\"failed\"} 1\n";
    assert!(text.contains(failed), "{text}");
    lines.extend(service.lines_until("event=cycle"));
    lines.extend(service.lines_until("event=cycle"));
    for _ in 0..3 {
        server.will(issue());
    }
    lines.extend(service.lines_until("event=outage_over"));
    let outages = first(&lines, "outage");
    assert_eq!(outages.len(), 1, "{lines:#?}");
    assert!(outages[0].contains("level=error") && outages[0].contains("server=127.0.0.1:"));
    let held = first(&lines, "held_back");
    // Once more, if the pause ends within a round: it was over for one of them.
    assert!((1..=2).contains(&held.len()), "{lines:#?}");
    assert!(held[0].contains("level=warn") && held[0].ends_with("credentials=3"), "{held:?}");
    assert_eq!(first(&lines, "failed"), [""; 0], "{lines:#?}");
    let cycles = first(&lines, "cycle");
    assert!(cycles[0].contains("failed=1 held_back=2 "), "{cycles:#?}");
    assert!(!cycles[1].contains("held_back"), "nothing was tried: {cycles:#?}");
    assert_eq!(first(&lines, "refreshed").len(), 3, "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("another process")), "{lines:#?}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(failed), "{text}");
}

#[test]
fn a_hook_is_run_by_the_service_too() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new();
    env.add_config("on_login_required = ['/bin/sh', '-c', 'env > \"$HOME/hook.env\"']\n");
    let env = env.with_login("x", &server, issue().expires_in(0));
    server.will(refuse(400, "invalid_grant"));
    let mut service = Service::start(&env, &[]);
    service.lines_until("event=login_required");
    let seen = fs::read_to_string(env.path("hook.env")).unwrap();
    for fact in ["TOKCTL_HOOK=login_required\n", "TOKCTL_PROVIDER=acme\n", "TOKCTL_USER=x\n"] {
        assert!(seen.contains(fact), "{seen}");
    }
    assert!(!seen.contains("TOKCTL_KEY"), "{seen}");
}

#[test]
fn a_credential_that_is_damaged_stops_no_other() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.log_in("y", &server, issue().expires_in(0));
    env.flip_a_sealed_bit("y");
    server.will(issue());
    let mut service = Service::start(&env, &["--every", "1s"]);
    let mut lines = service.lines_until("event=cycle");
    lines.extend(service.lines_until("event=cycle"));
    let damaged: Vec<_> = lines.iter().filter(|line| line.contains("user=y")).collect();
    assert_eq!(damaged.len(), 1, "{lines:?}");
    assert!(damaged[0].contains("level=error event=failed") && damaged[0].contains("damaged"));
    assert!(lines.iter().any(|line| line.contains("event=refreshed provider=acme user=x")));
}

#[test]
fn a_provider_that_is_slow_holds_up_no_other() {
    let slow = AuthorizationServer::start();
    let fast = AuthorizationServer::start_for(Client::public().of("other"));
    let env = due(&slow).with_provider(&fast);
    fast.will_log_in(issue().expires_in(0));
    let login = env.begin_login(["login", "other", "--user", "y"]);
    login.visit();
    login.finish().success();
    // A token that ends while its answer is stored would wait for the next usual round.
    slow.will(issue().after(Duration::from_secs(12)));
    fast.will(issue().expires_in(3));
    fast.will(issue());
    let mut service = Service::start(&env, &["--jobs", "2"]);
    let mut lines = service.lines_until("event=refreshed");
    lines.extend(service.lines_until("event=refreshed"));
    assert!(!lines.iter().any(|line| line.contains("user=x")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("pending=1")), "{lines:?}");
    service.lines_until("user=x");
}

#[test]
fn a_vault_that_is_gone_is_a_fault_and_no_end() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue());
    let mut service = Service::start(&env, &["--every", "1s"]);
    service.lines_until("event=cycle");
    fs::rename(env.vault_path(), env.path("elsewhere")).unwrap();
    // What is found depends on what the service was just doing.
    service.lines_until("event=fault");
    service.signal("TERM");
    assert_eq!(service.wait().0.signal(), Some(15), "it was still there");
}

#[test]
fn whoever_supervises_it_is_told() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    let socket = env.path("run/notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = |word: &str| {
        let mut datagram = [0; 4096];
        loop {
            let length = listener.recv(&mut datagram).unwrap();
            let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
            if text.contains(word) {
                return text;
            }
        }
    };
    let env = env.set("NOTIFY_SOCKET", socket).set("WATCHDOG_USEC", "200000");
    server.will(issue().after(Duration::from_millis(300)));
    let service = Service::start(&env, &[]);
    heard("EXTEND_TIMEOUT_USEC=");
    assert!(heard("STATUS=").contains("refreshed 1, skipped 0, failed 0"));
    heard("READY=1");
    heard("WATCHDOG=1");
    heard("WATCHDOG=1");
    service.signal("TERM");
    heard("STOPPING=1");
}

#[test]
fn counters_are_written_for_whoever_collects_them() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.log_in("y", &server, issue().expires_in(0));
    server.will(issue());
    server.will(refuse(400, "invalid_grant"));
    let path = env.path("tokctl.prom");
    let metrics = path.to_str().unwrap().to_owned();
    let mut service = Service::start(&env, &["--jobs", "1", "--metrics", &metrics]);
    service.lines_until("event=cycle");
    let text = fs::read_to_string(&path).unwrap();
    for line in [
        "tokctl_refreshes_total{provider=\"acme\",outcome=\"refreshed\"} 1\n",
        "tokctl_refreshes_total{provider=\"acme\",outcome=\"failed\"} 1\n",
        "tokctl_next_expiry_timestamp_seconds{provider=\"acme\"} 1",
        "tokctl_last_cycle_timestamp_seconds 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    // Exactly one of the two was refused.
    let needs = |user: &str, value: u8| {
        let series =
            format!("tokctl_login_required{{provider=\"acme\",user=\"{user}\"}} {value}\n");
        text.contains(&series)
    };
    assert!(needs("x", 0) && needs("y", 1) || needs("x", 1) && needs("y", 0), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn counters_stand_at_zero_before_the_first_answer() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().after(Duration::from_secs(3)));
    let path = env.path("tokctl.prom");
    let metrics = path.to_str().unwrap().to_owned();
    let mut service = Service::start(&env, &["--metrics", &metrics]);
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = fs::read_to_string(&path).unwrap();
    for line in [
        "tokctl_refreshes_total{provider=\"acme\",outcome=\"refreshed\"} 0\n",
        "tokctl_refreshes_total{provider=\"acme\",outcome=\"failed\"} 0\n",
        "tokctl_login_required{provider=\"acme\",user=\"x\"} 0\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    service.lines_until("event=cycle");
    assert!(fs::read_to_string(&path).unwrap().contains("outcome=\"refreshed\"} 1\n"));
}

#[test]
fn what_can_not_work_at_all_is_told_at_the_start() {
    let env = TestEnv::new();
    env.tokctl(["refresh", "--watch"]).assert().code(3);
    let env = env.with_static_token("x", "made-up-token");
    env.tokctl(["refresh", "--watch", "--every", "0s"]).assert().code(2);
    env.tokctl(["refresh", "--every", "5m"]).assert().code(2);
    env.config("x = [");
    env.tokctl(["refresh", "--watch"]).assert().code(2);
    env.config("");
    env.unset("TOKCTL_KEY").tokctl(["refresh", "--watch"]).assert().code(5);
}

#[test]
fn the_unit_names_this_program_and_this_vault() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let args = ["refresh", "jira", "--watch", "--every", "10m", "--user", "a b", "--print-unit"];
    let printed = env.tokctl(args).assert().success();
    // The key that is set here reaches no service.
    assert!(stderr(&printed).contains("name that in TOKCTL_KEY_FILE"), "{}", stderr(&printed));
    assert!(stdout(&printed).contains("\n#LoadCredential="), "{}", stdout(&printed));
    let key = env.file("a key", made_up_key());
    let env = env.unset("TOKCTL_KEY").set("TOKCTL_KEY_FILE", &key);
    let unit = stdout(&env.tokctl(args).assert().success().stderr_eq(""));
    let credential = format!("\nLoadCredential=\"tokctl.key:{}\"\n", key.display());
    assert!(unit.contains(&credential), "{unit}");
    let vault = env.vault_path().canonicalize().unwrap();
    let program = snapbox::cmd::cargo_bin("tokctl");
    let command = format!(
        "ExecStart={} --no-input --vault {} refresh --watch --every 10m --jobs 8 \"--user=a b\" jira\n",
        program.display(),
        vault.display(),
    );
    assert!(unit.contains(&command), "{command} in {unit}");
    let writable = format!("ReadWritePaths={}\n", vault.parent().unwrap().display());
    assert!(unit.contains(&writable), "{unit}");
    // What stands in it is what systemd understands, where there is one to ask.
    if Path::new("/usr/bin/systemd-analyze").exists() {
        let file = env.file("tokctl.service", &unit);
        let verified = snapbox::cmd::Command::new("/usr/bin/systemd-analyze")
            .args(["verify", "--user", "--man=no"])
            .arg(file)
            .env("XDG_RUNTIME_DIR", env.path("run"))
            .assert()
            .success();
        assert_eq!(stderr(&verified), "", "{unit}");
    }
}

#[test]
fn a_service_whose_lock_files_vanish_sends_one_request_with_all_others() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    server.will(issue().after(Duration::from_secs(2)));
    let mut service = Service::start(&env, &[]);
    while server.token_requests().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    env.remove_locks();
    env.tokctl(["get"]).assert().success().stdout_eq("access-2\n");
    service.lines_until("event=refreshed");
    assert_eq!(server.token_requests().len(), 2);
}

#[test]
fn a_service_sends_nothing_for_a_vault_that_is_older_than_it_knows() {
    let server = AuthorizationServer::start();
    let env = due(&server);
    env.tokctl(["backup", "copy.db"]).assert().success();
    server.will(issue().expires_in(0));
    env.tokctl(["refresh"]).assert().success();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(env.vault_path().with_file_name(format!("tokens.db{suffix}")));
    }
    fs::copy(env.path("copy.db"), env.vault_path()).unwrap();
    let mut service = Service::start(&env, &[]);
    let lines = service.lines_until("event=cycle");
    assert!(lines.iter().any(|line| line.contains("older than one")), "{lines:?}");
    assert!(lines.last().unwrap().contains("failed=1"), "{lines:?}");
    assert_eq!(server.token_requests().len(), 2);
}
