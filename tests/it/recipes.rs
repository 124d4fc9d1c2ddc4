//! The recipes for CI platforms: their shell lines are run as the platform runs them, from an empty
//! home and with nothing in the environment but what the platform puts there.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::authorization_server::{AuthorizationServer, TokenRequest, issue};
use crate::env::{TestEnv, another_key, stdout};

/// What the jobs deploy with; it is as careless as a script can be.
const DEPLOY: &str = "#!/bin/sh
printf '%s' \"$API_TOKEN\" > deployed-with
env > environment
echo \"deploying with $API_TOKEN\"
echo \"also with $API_TOKEN\" >&2
";

/// One platform: the file with its recipe, the shell that it runs scripts with, and what it puts
/// into the environment.
struct Platform {
    recipe: &'static str,
    shell: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    runs_as: RunsAs,
}

/// Who a job is, and whose its home is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RunsAs {
    /// The user of these tests, in a home of its own.
    Usual,
    /// A user that no system has, without a home.
    Anybody,
    /// Root, in the home of a user that the container does not have.
    RootElsewhere,
}

/// The user whom a cluster chooses, and the one to whom a runner's home belongs.
const CHOSEN: u32 = 64_997;

const PLATFORMS: [Platform; 8] = [
    Platform {
        recipe: "github.yml",
        shell: &["bash", "--noprofile", "--norc", "-e"],
        variables: &[("CI", "true"), ("GITHUB_ACTIONS", "true")],
        runs_as: RunsAs::Usual,
    },
    Platform {
        recipe: "gitlab.yml",
        shell: &["sh", "-e"],
        variables: &[("CI", "true"), ("GITLAB_CI", "true")],
        runs_as: RunsAs::Usual,
    },
    Platform {
        recipe: "Jenkinsfile",
        shell: &["sh", "-xe"],
        variables: &[("CI", "true")],
        runs_as: RunsAs::Usual,
    },
    Platform {
        recipe: "azure-pipelines.yml",
        shell: &["bash", "--noprofile", "--norc"],
        variables: &[("TF_BUILD", "True")],
        runs_as: RunsAs::Usual,
    },
    Platform {
        recipe: "circleci.yml",
        shell: &["bash", "-eo", "pipefail"],
        variables: &[("CI", "true"), ("CIRCLECI", "true")],
        runs_as: RunsAs::Usual,
    },
    Platform {
        recipe: "docker-compose.yml",
        shell: &["sh", "-e"],
        variables: &[("CI", "true")],
        runs_as: RunsAs::Usual,
    },
    // A job with `container:` of GitHub's, which runs as root in the home of the runner's user.
    Platform {
        recipe: "github.yml",
        shell: &["sh", "-e"],
        variables: &[("CI", "true"), ("GITHUB_ACTIONS", "true")],
        runs_as: RunsAs::RootElsewhere,
    },
    Platform {
        recipe: "openshift.yaml",
        shell: &["sh", "-e"],
        variables: &[("CI", "true")],
        runs_as: RunsAs::Anybody,
    },
];

fn recipe(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recipes");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The lines of the one block of shell in a recipe: what is indented below a line that ends with
/// `|` or `'''`.
fn shell_lines(recipe: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines =
        recipe.lines().skip_while(|line| !line.ends_with('|') && !line.ends_with("'''"));
    lines.next().expect("a block of shell");
    let mut lines = lines.peekable();
    let depth = indent(lines.peek().expect("a block with something in it"));
    let block: Vec<&str> =
        lines.take_while(|line| indent(line) >= depth).map(str::trim_start).collect();
    assert!(block.len() >= 3, "{recipe}");
    block.join("\n")
}

/// The folder of the job, with nothing in it but what it deploys with, and its secrets.
struct Job {
    folder: tempfile::TempDir,
}

impl Job {
    fn new(bundle: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["home", "checkout", "secrets"] {
            fs::create_dir(place(name)).unwrap();
        }
        for (name, content, mode) in [
            ("checkout/deploy.sh", DEPLOY, 0o755),
            ("secrets/bundle", bundle, 0o444),
            ("secrets/bundle.key", another_key(), 0o444),
        ] {
            fs::write(place(name), content).unwrap();
            fs::set_permissions(place(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Gives away what belongs to somebody else in the job's world. Returns false where nobody can
    /// do that but root.
    fn settle(&self, runs_as: RunsAs) -> bool {
        let given = match runs_as {
            RunsAs::Usual => return true,
            RunsAs::Anybody => "checkout",
            RunsAs::RootElsewhere => "home",
        };
        chown(self.path(given), Some(CHOSEN), None).is_ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the recipe's shell lines.
    fn run(&self, platform: &Platform, bundle: &str) -> Output {
        let has_files = ["docker-compose.yml", "openshift.yaml"].contains(&platform.recipe);
        let secrets = self.path("secrets").to_str().unwrap().to_owned();
        let mut script = shell_lines(&recipe(platform.recipe));
        if platform.recipe == "docker-compose.yml" {
            // As Compose does.
            script = script.replace("$$", "$");
        }
        script = script.replace("/run/secrets", &secrets);
        let file = self.path("script");
        fs::write(&file, script).unwrap();
        let tokctl = snapbox::cmd::cargo_bin("tokctl");
        let path = format!("{}:/usr/bin:/bin", tokctl.parent().unwrap().display());
        let [shell, flags @ ..] = platform.shell else { unreachable!("a shell has a name") };
        let mut command = Command::new("setsid");
        command.arg("--wait");
        if platform.runs_as == RunsAs::Anybody {
            let user = CHOSEN.to_string();
            command.args(["setpriv", "--reuid", &user, "--regid", "0", "--clear-groups"]);
        }
        command.arg(shell).args(flags).arg(file);
        command.env_clear().env("PATH", path);
        if platform.runs_as != RunsAs::Anybody {
            command.env("HOME", self.path("home"));
        }
        command.envs(platform.variables.iter().copied());
        if has_files {
            command.env("TOKCTL_BUNDLE_KEY_FILE", format!("{secrets}/bundle.key"));
        } else {
            command.env("BUNDLE", bundle).env("TOKCTL_BUNDLE_KEY", another_key());
        }
        command.current_dir(self.path("checkout")).stdin(Stdio::null());
        if platform.recipe != "Jenkinsfile" {
            return command.output().unwrap();
        }
        // Jenkins lets a step write into a file, which is the log.
        let log = File::create(self.path("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let status = command.status().unwrap();
        Output { status, stdout: fs::read(self.path("log")).unwrap(), stderr: Vec::new() }
    }
}

#[test]
fn each_recipe_deploys_with_a_fresh_token_and_shows_none() {
    let server = AuthorizationServer::start();
    let here = TestEnv::new().with_provider(&server);
    here.add_config("refresh = { rotates = false, reuse = \"tolerant\" }\n");
    here.log_in("bot", &server, issue().expires_in(0));
    here.file("ci.key", another_key());
    for platform in &PLATFORMS {
        // Each job of a platform opens the same bundle, in a vault of its own.
        let export = ["export", "acme/bot", "--to", "key:ci.key"];
        let bundle = stdout(&here.tokctl(export).assert().success());
        for _ in 0..2 {
            let job = Job::new(&bundle);
            if !job.settle(platform.runs_as) {
                eprintln!("skipped: nobody but root can give files away");
                continue;
            }
            server.will(issue().without_refresh_token());
            let output = job.run(platform, bundle.trim_end());
            let said = format!(
                "{}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            let name = platform.recipe;
            assert!(output.status.success(), "{name}: {said}");
            assert_eq!(server.token_requests().last(), Some(&TokenRequest::refresh("refresh-1")));
            let token = format!("access-{}", server.token_requests().len());
            let deployed_with = fs::read_to_string(job.path("checkout/deployed-with")).unwrap();
            assert_eq!(deployed_with, token, "{name}");

            let shown = |text: &&str| {
                !text.starts_with("::add-mask::") && !text.starts_with("##vso[task.setsecret]")
            };
            let shown: Vec<&str> = said.lines().filter(shown).collect();
            let shown = shown.join("\n");
            for secret in [token.as_str(), another_key(), "tokctl-key-", "refresh-1"] {
                assert!(!shown.contains(secret), "{name} shows {secret}: {said}");
            }
            let environment = fs::read_to_string(job.path("checkout/environment")).unwrap();
            assert!(!environment.contains("tokctl-key-"), "{name}: {environment}");
            let masks = said.lines().any(|line| !shown.contains(line) && line.contains(&token));
            let can_mask = ["github.yml", "azure-pipelines.yml"].contains(&name);
            assert_eq!(masks, can_mask, "{name}: {said}");
        }
    }
}
