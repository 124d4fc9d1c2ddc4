//! `audience`, `resource` and the additional parameters of a definition, as each request carries
//! them.

use serde_json::json;

use crate::authorization_server::service_account::key_file;
use crate::authorization_server::{AuthorizationServer, Client, issue, refuse};
use crate::env::{TestEnv, stderr};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const SETTINGS: &str = "audience = \"made-up-api\"\n\
    resource = [\"https://one.example\", \"https://two.example\"]\n\
    token_params = { tenant = \"made-up\", flavour = \"plain\" }\n";

/// A client that sends what [`SETTINGS`] says in a token request of `grant_type`.
fn settings_in(mut client: Client, grant_type: &'static str) -> Client {
    for (name, value) in [
        ("audience", "made-up-api"),
        ("resource", "https://one.example"),
        ("resource", "https://two.example"),
        ("tenant", "made-up"),
    ] {
        client = client.sending(grant_type, name, value);
    }
    client
}

fn world(server: &AuthorizationServer, settings: &str) -> TestEnv {
    let env = TestEnv::new().with_provider(server);
    env.add_config(settings);
    env
}

#[test]
fn a_browser_login_and_its_refreshes_carry_them() {
    let client = settings_in(Client::public(), "authorization_code")
        .sending("authorization_code", "flavour", "of the code")
        .sending("authorization_code", "expiring", "1")
        .sending("authorize", "audience", "of the page")
        .sending("authorize", "resource", "https://one.example")
        .sending("authorize", "resource", "https://two.example")
        .sending("authorize", "prompt", "consent");
    let client =
        settings_in(client, "refresh_token").sending("refresh_token", "flavour", "of the refresh");
    let server = AuthorizationServer::start_for(client);
    let settings = format!(
        "{SETTINGS}authorization_params = {{ audience = \"of the page\", prompt = \"consent\" }}\n\
         code_params = {{ flavour = \"of the code\", expiring = \"1\" }}\n\
         dialect.refresh_params = {{ flavour = \"of the refresh\" }}\n"
    );
    let env = world(&server, &settings);
    env.log_in("x", &server, issue().expires_in(0));
    // What was sealed counts, whatever the configuration says now.
    env.config("");
    server.will(issue());
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_device_login_carries_them_from_the_first_request_on() {
    let client =
        settings_in(Client::public(), "device").sending("device", "flavour", "of the device");
    let client = settings_in(client, DEVICE).sending(DEVICE, "flavour", "plain");
    let client = settings_in(client, "refresh_token").sending("refresh_token", "flavour", "plain");
    let server = AuthorizationServer::start_for(client);
    let settings = format!(
        "{}{SETTINGS}device_params = {{ flavour = \"of the device\" }}\n",
        server.device_endpoint()
    );
    let env = world(&server, &settings).unset("BROWSER");
    let code = json!({ "verification_uri": "https://as.example/device", "interval": 1 });
    server.will_give_a_code(code);
    server.will(refuse(400, "authorization_pending"));
    server.will(issue().expires_in(0));
    env.tokctl(["login", "acme", "--user", "x", "--method", "device"]).assert().success();
    server.will(issue());
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_client_and_a_service_account_carry_them_each_time() {
    let client =
        settings_in(Client::public().with_post_secret("made-up-secret"), "client_credentials")
            .sending("client_credentials", "flavour", "plain");
    let server = AuthorizationServer::start_for(client);
    let env = world(&server, SETTINGS).set("TOKCTL_ACME_CLIENT_SECRET", "made-up-secret");
    server.will(issue().without_refresh_token().expires_in(0));
    let login = ["login", "acme", "--user", "x", "--method", "client-credentials"];
    env.tokctl(login).assert().success();
    server.will(issue().without_refresh_token());
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");

    let client = settings_in(Client::public(), JWT_BEARER).sending(JWT_BEARER, "flavour", "plain");
    let server = AuthorizationServer::start_for(client);
    let env = world(&server, SETTINGS);
    let file = env.file("key.json", key_file(&json!({}))).display().to_string();
    server.will(issue().without_refresh_token().expires_in(0));
    env.tokctl(["login", "acme", "--user", "x", "--service-account", &file]).assert().success();
    server.will(issue().without_refresh_token());
    env.tokctl(["get", "acme/x"]).assert().success().stdout_eq("access-2\n");
}

#[test]
fn a_server_that_takes_json_gets_several_values_as_a_list() {
    let client = settings_in(Client::public().in_json(), "authorization_code")
        .sending("authorization_code", "flavour", "plain")
        .sending("authorize", "audience", "made-up-api")
        .sending("authorize", "resource", "https://one.example")
        .sending("authorize", "resource", "https://two.example");
    let server = AuthorizationServer::start_for(client);
    let env = world(&server, &format!("{SETTINGS}dialect = {{ request = \"json\" }}\n"));
    env.log_in("x", &server, issue());
}

#[test]
fn a_setting_that_no_request_would_carry_is_a_mistake_in_the_configuration() {
    let server = AuthorizationServer::start();
    for (settings, named) in [
        ("device_params = { a = \"b\" }\n", "device_authorization_endpoint"),
        ("refresh.kind = \"none\"\ndialect.refresh_params = { a = \"b\" }\n", "refresh_params"),
        ("token_params = { scope = \"read\" }\n", "`scope` in `token_params`"),
        ("token_params = { a = 1 }\n", "a text or a list of texts"),
    ] {
        let env = world(&server, settings);
        let failed = env.tokctl(["login", "acme", "--user", "x"]).assert().code(2).stdout_eq("");
        assert!(stderr(&failed).contains(named), "{settings}: {}", stderr(&failed));
    }
}
