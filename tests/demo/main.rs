//! The main job of tokctl from login to deletion, shown on a made-up service.
//!
//! `tests/demo/run` builds this, gives it tokctl and an empty folder, and clears up afterwards.
//! `tests/demo/record` makes the recording that the README shows: `demo record TOKCTL FOLDER` prints
//! it. Called as `demo browse ADDRESS` it is the browser that clicks through the login.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "it plays both sides of tokctl and shows what it sees"
)]

#[path = "../it/http.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod http;
#[path = "../it/browser.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod browser;
#[path = "../it/authorization_server/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
mod authorization_server;
mod stage;
mod recording;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use authorization_server::{AuthorizationServer, issue};
use stage::Stage;

/// How long the first token lives: long enough to be used, short enough to be waited for.
const LIFE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [verb, address] if verb == "browse" => {
            browser::visit(address);
            ExitCode::SUCCESS
        }
        [verb, tokctl, world] if verb == "record" => {
            let stage = Stage::new(PathBuf::from(tokctl), PathBuf::from(world));
            print!("{}", recording::record(&stage));
            ExitCode::SUCCESS
        }
        [tokctl, world] => play(&Stage::new(PathBuf::from(tokctl), PathBuf::from(world))),
        _ => {
            eprintln!("usage: demo TOKCTL FOLDER; tests/demo/run does it all");
            ExitCode::from(2)
        }
    }
}

/// The whole story. Each act announces to the server what it leads to, and anything else that
/// happens is a failure.
fn play(stage: &Stage) -> ExitCode {
    let server = AuthorizationServer::start();
    stage.title("tokctl, from login to deletion");
    stage.say(&format!(
        "\"acme\" is a service made up for this: an authorization server at {}. The vault, its \
         key and every token are thrown away at the end.",
        server.url("")
    ));
    stage.say("This is all that tokctl is told of it, in acme.toml:");
    stage.write("acme.toml", &server.definition());
    stage.show(&server.definition());

    stage.act("A key for the vault, where a desktop's keychain would hold one");
    let key = stage.tokctl("key generate").prints_nothing_else_than_one_line();
    stage.write("vault.key", &key);
    stage.say("(kept in vault.key, a private file)");
    stage.typed("export TOKCTL_KEY_FILE=vault.key TOKCTL_CONFIG=acme.toml");

    stage.act("Log in, in the browser");
    let seconds = i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX);
    server.will_log_in(issue().expires_in(seconds));
    stage.tokctl("login acme --user you@example.com").works();
    stage.saw("an authorization request with PKCE and state", server.authorizations().len() == 1);
    stage.saw("one exchange of a code for tokens", server.token_requests().len() == 1);
    let expiry = Instant::now() + LIFE;

    stage.act("A script asks for a token");
    stage.tokctl("get --user you@example.com").prints("access-1\n");
    stage.saw("no further request", server.token_requests().len() == 1);

    stage.act("What is stored; no secret is shown, and no key is needed");
    stage.tokctl("list").works();

    stage.act("The token comes to its end");
    stage.wait_until(expiry);
    server.will(issue());
    stage.tokctl("get --user you@example.com").prints("access-2\n");
    stage.saw("one refresh, which spent the refresh token", server.token_requests().len() == 2);
    stage.tokctl("get --user you@example.com").prints("access-2\n");
    stage.saw("no further request", server.token_requests().len() == 2);

    stage.act("Log out: revoked at the service, then forgotten");
    server.will_revoke(200);
    server.will_revoke(200);
    stage.tokctl("delete acme --user you@example.com --yes").works();
    stage.saw("both tokens revoked, the refresh token first", server.revocations().len() == 2);
    stage.tokctl("get acme --user you@example.com").fails_with(3);

    for complaint in server.complaints() {
        stage.saw(&complaint, false);
    }
    // Its complaints are told; going out of scope it would end the play with them once more.
    std::mem::forget(server);
    stage.close()
}
