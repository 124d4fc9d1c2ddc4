//! The recipes for jobs without a stored secret: their shell lines are run as the platform runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::env::TestEnv;
use crate::http::Response;
use crate::platform::{Platform, good_token, param};

const SERVICE_ACCOUNT: &str = "drive@example.iam.gserviceaccount.com";

/// The block of a recipe: what is indented below a line that ends with `|`.
fn block(recipe: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = recipe.lines().skip_while(|line| !line.ends_with('|')).skip(1).peekable();
    let depth = indent(lines.peek().unwrap());
    let block: Vec<&str> =
        lines.take_while(|line| indent(line) >= depth).map(str::trim_start).collect();
    block.join("\n")
}

/// The script of a recipe. Where a cluster brings the configuration, it lies there before.
fn script(recipe: &str, config: &Path) -> String {
    let block = block(recipe);
    let Some((_, command)) = recipe.split_once("command: [") else { return block };
    let command = command.split(']').next().unwrap().replace(", ", " ");
    let config = config.display();
    format!(
        "(umask 077; cat > '{config}') <<'END'\n{block}\nEND\nTOKCTL_CONFIG='{config}' exec {command}"
    )
}

#[test]
fn each_recipe_writes_to_drive_without_a_stored_secret() {
    for (name, pool, shell) in [
        ("github.yml", "github", &["bash", "--noprofile", "--norc", "-eo", "pipefail"][..]),
        ("gitlab.yml", "gitlab", &["sh", "-e"]),
        ("kubernetes.yaml", "cluster", &["sh", "-e"]),
    ] {
        let platform = Platform::start();
        let env = TestEnv::without_key();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recipes_keyless");
        let recipe = fs::read_to_string(folder.join(name)).unwrap();
        let audience = format!(
            "https://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/ci/providers/{pool}"
        );
        let token = good_token(&audience, name);
        let identity = env.file("token", &token);
        let place = "v1/projects/-/serviceAccounts/{service_account}:generateAccessToken";
        let at_home = format!(
            "extends = \"gdrive\"\nexchange_endpoint = \"{}\"\nimpersonation_endpoint = \"{}\"",
            platform.url("/token"),
            platform.url(&format!("/{place}"))
        );
        // A runner may leave everything to everybody.
        let script = format!("umask 000\n{}", script(&recipe, &env.path("mounted.toml")))
            .replace("extends = \"gdrive\"", &at_home)
            .replace("/run/secrets/identity/token", identity.to_str().unwrap());
        let backup = "#!/bin/sh\nprintf %s \"$DRIVE_TOKEN\" > backed-up-with\nenv > environment\n";
        let backup = env.file("backup.sh", backup);
        fs::set_permissions(backup, fs::Permissions::from_mode(0o755)).unwrap();
        if pool == "github" {
            platform.will("/identity", Response::json(200, &json!({ "value": token })));
        }
        platform.will_issue("federated", 3600);
        let answer = json!({ "accessToken": "access-1", "expireTime": "2999-01-01T00:00:00Z" });
        let path = format!("/{}", place.replace("{service_account}", SERVICE_ACCOUNT));
        platform.will(&path, Response::json(200, &answer));
        let program = snapbox::cmd::cargo_bin("tokctl");
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg("-c").arg(&script);
        env.settle(&mut command);
        command.env("PATH", format!("{}:/usr/bin:/bin", program.parent().unwrap().display()));
        command.env("CI", "true").env("TOKCTL_VAULT", "memory:").env("DRIVE_ID_TOKEN", &token);
        command.env("ACTIONS_ID_TOKEN_REQUEST_URL", platform.url("/identity?version=2"));
        command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "made-up-request-token");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        assert_eq!(fs::read_to_string(env.path("backed-up-with")).unwrap(), "access-1", "{name}");
        let form = platform.form("/token");
        assert_eq!(param(&form, "subject_token"), Some(&*token), "{name}");
        assert_eq!(param(&form, "audience"), audience.strip_prefix("https:"), "{name}");
        let environment = fs::read_to_string(env.path("environment")).unwrap();
        let own = match pool {
            "github" => "made-up-request-token",
            "gitlab" => &token,
            _ => "nothing of it is in a variable",
        };
        assert!(!environment.contains(own) && !said.contains(&token), "{name}: {environment}");
        assert!(!env.path("data/tokctl").exists() && !env.path("state/tokctl").exists(), "{name}");
    }
}
