//! The form of an error, on stderr and as JSON, and a configuration that is not in order.

use crate::env::{TestEnv, another_key, set_mode, stderr, stdout};

#[test]
fn an_error_says_what_happened_and_what_to_type() {
    let env = TestEnv::new();
    let said = stderr(&env.tokctl(["get", "--user", "x"]).assert().code(3).stdout_eq(""));
    assert!(said.starts_with("tokctl: error: "), "{said}");
    assert!(said.lines().any(|line| line.trim_start().starts_with("hint: ")), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn an_error_is_one_object_where_json_is_asked_for() {
    let env = TestEnv::new();
    let said = stderr(&env.tokctl(["--json", "get", "--user", "x"]).assert().code(3).stdout_eq(""));
    let error: serde_json::Value = serde_json::from_str(&said).expect("one object");
    assert_eq!(error["error"]["exit"], 3);
    for field in ["code", "message", "hint"] {
        assert!(error["error"][field].is_string(), "{said}");
    }
}

#[test]
fn json_errors_carry_the_code_that_scripts_know() {
    let env = TestEnv::new().with_static_token("x", "made-up-token");
    let env = env.set("TOKCTL_KEY", another_key());
    let said = stderr(&env.tokctl(["--json", "get"]).assert().code(5).stdout_eq(""));
    let error: serde_json::Value = serde_json::from_str(&said).expect("one object");
    assert_eq!(error["error"]["exit"], 5);
}

#[test]
fn an_unknown_key_in_the_configuration_is_named_with_its_line() {
    let env = TestEnv::new();
    env.config("default_user = \"x\"\n\n[providers.acme]\ncleint_id = \"typo\"\n");
    let said = stderr(&env.tokctl(["login", "acme", "--token-stdin"]).assert().code(2));
    assert!(said.contains("cleint_id"), "{said}");
    assert!(said.contains("config.toml") && said.contains('4'), "{said}");
}

#[test]
fn a_configuration_that_is_no_toml_is_refused_with_its_line() {
    let env =
        TestEnv::new().with_static_token("x", "made-up-x").with_static_token("y", "made-up-y");
    env.config("default_user = \"x\"\n[providers.acme\n");
    let said = stderr(&env.tokctl(["get"]).assert().code(2).stdout_eq(""));
    assert!(said.contains("config.toml") && said.contains('2'), "{said}");
}

#[test]
fn a_configuration_that_others_can_write_is_refused() {
    let env = TestEnv::new();
    env.define_vendor();
    set_mode(&env.path("config/tokctl/config.toml"), 0o666);
    let failed = env
        .tokctl(["login", "vendor", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(2);
    assert!(stderr(&failed).contains("chmod"), "{}", stderr(&failed));
}

#[test]
fn an_endpoint_without_encryption_is_refused() {
    let env = TestEnv::new();
    env.config(
        "[providers.acme]\nauthorization_endpoint = \"https://id.example/authorize\"\n\
         token_endpoint = \"http://id.example/token\"\nclient_id = \"made-up\"\n",
    );
    let failed = env.tokctl(["login", "acme", "--user", "x"]).assert().code(2).stdout_eq("");
    assert!(stderr(&failed).contains("https"), "{}", stderr(&failed));
    assert_eq!(env.browser_environment(), None);
}

#[test]
fn a_configuration_that_was_named_has_to_be_there() {
    let env = TestEnv::new();
    let failed = env
        .tokctl(["--config", "nowhere.toml", "login", "acme", "--user", "x", "--token-stdin"])
        .stdin("made-up-token")
        .assert()
        .code(2);
    assert!(stderr(&failed).contains("nowhere.toml"), "{}", stderr(&failed));
}

#[test]
fn the_version_is_printed() {
    let expected = concat!("tokctl ", env!("CARGO_PKG_VERSION"), "\n");
    TestEnv::without_key().tokctl(["--version"]).assert().success().stdout_eq(expected);
}

#[test]
fn help_is_a_command_as_well_as_a_flag() {
    let env = TestEnv::new();
    let expected = stdout(&env.tokctl(["--help"]).assert().success());
    env.tokctl(["help"]).assert().success().stdout_eq(expected);
    // The page of a command tells more than its flag.
    for command in [&["get"][..], &["key", "add"]] {
        let page = stdout(&env.tokctl([&["help"], command].concat()).assert().success());
        let help = stdout(&env.tokctl([command, &["--help"]].concat()).assert().success());
        assert!(page.lines().count() > help.lines().count(), "{page}");
    }
    env.tokctl(["help", "nothing"]).assert().code(2);
}

#[test]
fn a_secret_on_the_command_line_is_refused_with_the_way_in() {
    let env = TestEnv::new();
    for (flag, instead) in
        [("--client-secret", "`--client-secret-file`"), ("--token", "`--token-stdin`")]
    {
        let said = stderr(&env.tokctl(["login", "github", flag, "made-up"]).assert().code(2));
        assert!(said.contains(instead) && !said.contains("did you mean"), "{said}");
    }
}

#[test]
fn a_hint_for_a_slip_gives_no_other_services_token() {
    let env = TestEnv::new().with_static_token("bot", "made-up-token");
    let said = stderr(&env.tokctl(["get", "vender/bot"]).assert().code(3));
    assert!(said.contains("did you mean `vendor/bot`?"), "{said}");
    assert!(said.contains("hint: tokctl list"), "{said}");
    let said = stderr(&env.tokctl(["get", "vendor/bto"]).assert().code(3));
    assert!(said.contains("hint: tokctl get vendor/bot"), "{said}");
}
