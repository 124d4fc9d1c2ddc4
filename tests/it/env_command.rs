//! `tokctl env`: credentials as variables, quoted exactly, all or nothing.

use std::path::Path;
use std::process::Command;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::env::{TestEnv, stderr, stdout};

/// A text that every reader could stumble over.
const ODD: &str = r#"a 'b' "c" $HOME `d` \e #f !! %g {h} \n"#;

fn world() -> TestEnv {
    TestEnv::new().with_static_token("x", "made-up-x").with_static_token("odd", ODD)
}

/// What a shell has in ODD and X after it read the assignments.
fn read_by(env: &TestEnv, shell: &str, line: &str) -> Option<String> {
    let path = [format!("/usr/bin/{shell}"), format!("/bin/{shell}")];
    let shell = path.into_iter().find(|path| Path::new(path).exists())?;
    let mut command = Command::new(shell);
    command.args(["-c", &format!("{line}; printf '%s|%s' \"$ODD\" \"$X\"")]);
    env.settle(&mut command);
    let tokctl = snapbox::cmd::cargo_bin("tokctl");
    command.env("PATH", format!("{}:/usr/bin:/bin", tokctl.parent().unwrap().display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn shells_read_what_is_stored() {
    let env = world();
    let expected = format!("{ODD}|made-up-x");
    for shell in ["sh", "dash", "bash", "zsh"] {
        let line = "eval \"$(tokctl env ODD=vendor/odd X=tokctl://vendor/x)\"";
        if let Some(read) = read_by(&env, shell, line) {
            assert_eq!(read, expected, "{shell}");
        }
    }
    let line = "tokctl env --format fish ODD=vendor/odd X=vendor/x | source";
    if let Some(read) = read_by(&env, "fish", line) {
        assert_eq!(read, expected);
    }
}

#[test]
fn a_file_is_read_back_as_it_was_stored() {
    let odd = ODD.replace('`', "");
    let env = world().with_static_token("odd", &odd);
    let made = env.tokctl(["env", "--format", "dotenv", "ODD=vendor/odd", "X=vendor/x"]);
    let made = stdout(&made.assert().success());
    assert!(made.ends_with("X=made-up-x\n"), "{made}");
    env.file("made.env", &made);
    let script = "printf '%s|%s' \"$ODD\" \"$X\"";
    let run = ["run", "--no-masking", "--env-file", "made.env", "--", "sh", "-c", script];
    assert_eq!(stdout(&env.tokctl(run).assert().success()), format!("{odd}|made-up-x"));
}

#[test]
fn a_file_holds_nothing_that_a_shell_would_run() {
    let refused = world().tokctl(["env", "--format", "dotenv", "ODD=vendor/odd"]).assert().code(2);
    let said = stderr(&refused.stdout_eq(""));
    assert!(said.contains("hint: tokctl env 'ODD=vendor/odd'\n"), "{said}");
    let value = "`touch run` $(touch run)";
    let env = TestEnv::new().with_static_token("x", value);
    let made = stdout(&env.tokctl(["env", "--format", "dotenv", "X=vendor/x"]).assert().success());
    env.file("made.env", &made);
    assert_eq!(read_by(&env, "sh", "ODD= && . ./made.env").unwrap(), format!("|{value}"));
}

#[test]
fn github_gets_each_value_between_lines_that_nobody_can_guess() {
    let env = world();
    let github = ["env", "--format", "github", "--ci-mask", "github", "X=vendor/x"];
    let made = env.tokctl(github).assert().success();
    let text = stdout(&made);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[0].strip_prefix("X<<").unwrap();
    assert_eq!(lines[1..], ["made-up-x", end]);
    assert!(end.len() > 30, "{end}");
    assert!(stderr(&made).contains("::add-mask::made-up-x"), "{}", stderr(&made));
    let again = stdout(&env.tokctl(github).assert().success());
    assert_ne!(again, text);
}

#[test]
fn it_is_all_or_nothing() {
    let env = world();
    let failed = env.tokctl(["env", "X=vendor/x", "Y=vendor/nobody"]).assert().code(3);
    let said = stderr(&failed.stdout_eq(""));
    assert!(said.contains("`Y`") && said.contains("`vendor/nobody`"), "{said}");
    for (arguments, word) in [
        (&["env", "X"][..], "NAME=REF"),
        (&["env", "X=vendor/x", "X=vendor/odd"], "twice"),
        (&["env", "PATH=vendor/x"], "PATH"),
        (&["env", "X=vendor/x/usernam"], "vendor"),
        (&["env"], "NAME=REF"),
    ] {
        let failed = env.tokctl(arguments).assert().failure().stdout_eq("");
        assert!(stderr(&failed).contains(word), "{}", stderr(&failed));
    }
}

#[test]
fn tokens_are_refreshed_and_fields_are_printed() {
    let server = AuthorizationServer::start();
    let env = TestEnv::new().with_login("x", &server, issue().expires_in(0));
    server.will(issue());
    let made = env.tokctl(["env", "T=acme/x", "E=acme/x/expires_at"]).assert().success();
    let text = stdout(&made);
    assert!(text.contains("export T='access-2'\n") && text.contains("export E='20"), "{text}");
    let audit = stdout(&env.tokctl(["audit", "--json"]).assert().success());
    assert!(audit.contains("\"env\""), "{audit}");
}
