//! After everything that tokctl does, no secret lies in the clear in any file, in any message, or
//! in the environment of a program that it started.

use crate::authorization_server::{AuthorizationServer, Client, issue, refuse};
use crate::env::{TestEnv, made_up_key, stderr, stdout};

const CLIENT_SECRET: &str = "made-up-client-secret";
const STATIC_TOKEN: &str = "made-up-static-token";

#[test]
fn no_secret_is_left_in_the_clear() {
    let server = AuthorizationServer::start_for(Client::public().with_post_secret(CLIENT_SECRET));
    let env = TestEnv::new()
        .set("TOKCTL_ACME_CLIENT_SECRET", CLIENT_SECRET)
        .set("TOKCTL_LOG", "debug")
        .with_login("x", &server, issue().expires_in(0))
        .with_static_token("y", STATIC_TOKEN);
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let done = env.tokctl(["-vvv"].iter().chain(arguments)).assert();
        said += &stderr(&done);
        if arguments[0] != "get" {
            said += &stdout(&done);
        }
    };
    server.will(issue());
    run(&["get", "acme"]);
    run(&["get", "vendor"]);
    server.will(refuse(500, "server_error"));
    run(&["refresh", "acme"]);
    run(&["list"]);
    run(&["list", "--json"]);
    server.will_revoke(200);
    server.will_revoke(200);
    run(&["delete", "acme", "--user", "x", "--yes"]);

    let browser = env.browser_environment().unwrap();
    let vault = String::from_utf8_lossy(&env.vault_bytes()).into_owned();
    let secrets = [
        "access-1",
        "access-2",
        "refresh-1",
        "refresh-2",
        "code-1",
        CLIENT_SECRET,
        STATIC_TOKEN,
        made_up_key(),
    ];
    for secret in secrets {
        for (place, text) in [("a file", &vault), ("a message", &said), ("a program", &browser)] {
            assert!(!text.contains(secret), "{secret} is in the sight of {place}:\n{text}");
        }
    }
}
