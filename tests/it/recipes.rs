//! The recipes for CI platforms: their shell lines are run as the platform runs them, from an empty
//! home and with nothing in the environment but what the platform puts there.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

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

impl Platform {
    /// Whether its secrets are files, and the job an image's that has the program.
    fn has_files(&self) -> bool {
        ["docker-compose.yml", "openshift.yaml"].contains(&self.recipe)
    }
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

/// The blocks of text in a recipe, each with its own indentation taken off: what is indented below
/// a line that ends with `|` or `'''`.
fn blocks(recipe: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = recipe.lines().peekable();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        // What ends a block of the second kind is alone on its line.
        if !(line.ends_with('|') || line.ends_with("'''")) || line.trim() == "'''" {
            continue;
        }
        let depth = indent(lines.peek().expect("a block with something in it"));
        let mut block = Vec::new();
        while let Some(line) = lines.next_if(|line| indent(line) >= depth) {
            block.push(line.trim_start());
        }
        assert!(block.len() >= 3, "{recipe}");
        blocks.push(block.join("\n"));
    }
    blocks
}

/// The scripts of a recipe, in the order in which the platform runs them. The first begins with
/// installing the program, unless it is in the job's image.
fn scripts(recipe: &str) -> Vec<String> {
    let mut scripts = blocks(recipe);
    scripts.retain(|block| !block.starts_with("FROM "));
    let installs = scripts[0].contains("$TOKCTL_RELEASE/install.sh");
    let has_it = recipe.contains("COPY --from=tokctl /usr/bin/tokctl /usr/bin/");
    assert!(installs || has_it, "{recipe}");
    scripts
}

/// A release whose program calls the one under test, and a `curl` that fetches from it. Returns the
/// folder of both.
fn release(folder: &Path) -> PathBuf {
    let place = folder.join("release");
    let program = snapbox::cmd::cargo_bin("tokctl");
    let script = format!(
        r#"set -e
name=tokctl-9.9.9-$(uname -m)-linux
mkdir -p "$name/man" "$name/completions" bin
printf '#!/bin/sh\nexec "%s" "$@"\n' '{program}' > "$name/tokctl"
cp '{root}'/man/tokctl*.[157] "$name/man/"
cp '{root}'/completions/* "$name/completions/"
for text in LICENSE-APACHE LICENSE-MIT THIRD-PARTY README.md CHANGELOG.md; do : > "$name/$text"; done
cat > bin/curl <<'SCRIPT'
#!/bin/sh
for address; do :; done
while [ "$1" != --output ] && [ "$1" != -fsSLo ]; do shift; done
exec cp "${{address#file://}}" "$2"
SCRIPT
chmod 755 "$name/tokctl" bin/curl
tar -czf "$name.tar.gz" "$name"
sha256sum *.tar.gz > SHA256SUMS
cp '{root}/packaging/install.sh' .
"#,
        program = program.display(),
        root = env!("CARGO_MANIFEST_DIR"),
    );
    fs::create_dir(&place).unwrap();
    let made = Command::new("sh").arg("-c").arg(script).current_dir(&place).status().unwrap();
    assert!(made.success());
    place
}

/// The folder of the job, with nothing in it but what it deploys with, and its secrets.
struct Job {
    folder: tempfile::TempDir,
}

impl Job {
    fn new(bundle: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["home", "checkout", "secrets", "temp"] {
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

    /// Runs the recipe's scripts one after the other, until one fails. Returns what all of them said.
    fn run(&self, platform: &Platform, bundle: &str, release: &Path) -> Output {
        let mut all = Output { status: ExitStatus::default(), stdout: vec![], stderr: vec![] };
        fs::write(self.path("path"), "").unwrap();
        for script in scripts(&recipe(platform.recipe)) {
            let mut command = self.command(platform, &script, release);
            if !platform.has_files() {
                command.env("BUNDLE", bundle).env("TOKCTL_BUNDLE_KEY", another_key());
            }
            // Jenkins lets a step write into a file, which is the log.
            let mut output = if platform.recipe == "Jenkinsfile" {
                let log = File::create(self.path("log")).unwrap();
                command.stdout(log.try_clone().unwrap()).stderr(log);
                let status = command.status().unwrap();
                Output { status, stdout: fs::read(self.path("log")).unwrap(), stderr: vec![] }
            } else {
                command.output().unwrap()
            };
            all.status = output.status;
            all.stdout.append(&mut output.stdout);
            all.stderr.append(&mut output.stderr);
            if !all.status.success() {
                break;
            }
        }
        all
    }

    /// The command by which the platform runs one script.
    fn command(&self, platform: &Platform, script: &str, release: &Path) -> Command {
        let secrets = self.path("secrets").to_str().unwrap().to_owned();
        let mut script = script.replace("/run/secrets", &secrets);
        if platform.recipe == "docker-compose.yml" {
            // As Compose does.
            script = script.replace("$$", "$");
        }
        let file = self.path("script");
        fs::write(&file, script).unwrap();
        let [shell, flags @ ..] = platform.shell else { unreachable!("a shell has a name") };
        let mut command = Command::new("setsid");
        command.arg("--wait");
        if platform.runs_as == RunsAs::Anybody {
            let user = CHOSEN.to_string();
            command.args(["setpriv", "--reuid", &user, "--regid", "0", "--clear-groups"]);
        }
        command.arg(shell).args(flags).arg(file).env_clear();
        // What earlier scripts added; and what an image has, or whatever fetches from a release.
        let mut path: Vec<String> =
            fs::read_to_string(self.path("path")).unwrap().lines().map(str::to_owned).collect();
        if platform.has_files() {
            let tokctl = snapbox::cmd::cargo_bin("tokctl");
            path.push(tokctl.parent().unwrap().to_str().unwrap().to_owned());
            command.env("TOKCTL_BUNDLE_KEY_FILE", format!("{secrets}/bundle.key"));
        } else {
            path.push(release.join("bin").to_str().unwrap().to_owned());
            command.env("TOKCTL_RELEASE", format!("file://{}", release.display()));
        }
        path.extend(["/usr/bin".to_owned(), "/bin".to_owned()]);
        command.env("PATH", path.join(":"));
        if platform.recipe == "github.yml" {
            command.env("GITHUB_PATH", self.path("path")).env("RUNNER_TEMP", self.path("temp"));
        }
        if platform.runs_as != RunsAs::Anybody {
            command.env("HOME", self.path("home"));
        }
        command.envs(platform.variables.iter().copied());
        command.current_dir(self.path("checkout")).stdin(Stdio::null());
        command
    }
}

#[test]
fn each_recipe_deploys_with_a_fresh_token_and_shows_none() {
    let folder = tempfile::tempdir().unwrap();
    let release = release(folder.path());
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
            let output = job.run(platform, bundle.trim_end(), &release);
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
