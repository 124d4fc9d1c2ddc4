"""`tokctl git-credential` as git itself calls it."""

import json
import subprocess

import pytest

from git_server import GitServer
from tls import Authority
from world import BINARY

TOKEN = "made-up-token"


@pytest.fixture
def git(keyed):
    """Runs git in a world whose only credential helper is tokctl; nobody can be asked."""

    def run(*arguments, stdin="", helper=""):
        env = keyed.env | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "x",
            "GIT_AUTHOR_EMAIL": "x@example.com",
            "GIT_COMMITTER_NAME": "x",
            "GIT_COMMITTER_EMAIL": "x@example.com",
        }
        settings = ["-c", f"credential.helper=!'{BINARY}' git-credential {helper}"]
        return subprocess.run(
            ["git", *settings, *arguments], input=stdin, env=env, cwd=keyed.home, text=True,
            capture_output=True, timeout=60,
        )

    run.world = keyed
    return run


def keep(world, provider, user, server):
    world.succeed("login", provider, "--user", user, "--server", server, "--token-stdin",
                  stdin=f"{TOKEN}-{user}\n")


def filled(git, url, **options):
    """What git would log in with at `url`; nothing where it would have to ask."""
    done = git("credential", "fill", stdin=f"url={url}\n\n", **options)
    if done.returncode:
        assert "could not read" in done.stderr or "terminal prompts disabled" in done.stderr, done
        return None
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines())
    return fields["username"], fields["password"]


def test_git_gets_the_token_of_the_server_and_of_no_other(git):
    keep(git.world, "github", "octocat", "https://github.com")
    assert filled(git, "https://github.com/made-up/up.git") == ("octocat", f"{TOKEN}-octocat")
    assert filled(git, "https://octocat@github.com/x") == ("octocat", f"{TOKEN}-octocat")
    for url in [
        "http://github.com/x", "https://github.com.example/x", "https://api.github.com/x",
        "https://github.com:8443/x", "https://github.example/github.com", "https://bob@github.com/x",
    ]:
        assert filled(git, url) is None, url


def test_the_url_or_the_helper_says_which_of_several(git):
    for user in ("alice", "bob"):
        keep(git.world, "github", user, "https://github.com")
    assert filled(git, "https://bob@github.com/x") == ("bob", f"{TOKEN}-bob")
    assert filled(git, "https://github.com/x") is None
    by_flag = filled(git, "https://github.com/x", helper="--user alice")
    assert by_flag == ("alice", f"{TOKEN}-alice")


def test_a_token_for_github_needs_no_server_to_be_named(git):
    git.world.succeed("login", "github/octocat", "--token-stdin", stdin=TOKEN)
    for url in ["https://github.com/made-up/up.git", "https://gist.github.com/made-up"]:
        assert filled(git, url) == ("octocat", TOKEN), url
    for url in ["https://raw.github.com/x", "https://github.example/x", "http://github.com/x"]:
        assert filled(git, url) is None, url


def status(world):
    (credential,) = json.loads(world.succeed("list", "--json"))["credentials"]
    return credential["status"]


def test_what_git_says_of_a_token_is_noted_and_the_token_stays(git):
    keep(git.world, "github", "octocat", "https://github.com")
    known = "url=https://github.com\nusername=octocat\npassword="
    for operation, token, expected in [
        ("approve", f"{TOKEN}-octocat", "active"),
        ("approve", "made-up-other", "active"),
        ("reject", "made-up-other", "active"),
        ("reject", f"{TOKEN}-octocat", "inactive"),
    ]:
        done = git("credential", operation, stdin=f"{known}{token}\n\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), operation
        assert status(git.world) == expected, (operation, token)
    assert git.world.get("github") == f"{TOKEN}-octocat"
    assert "was refused by the service" in git.world.run("get", "github").stderr


def test_a_server_s_refusal_gets_there_by_git_itself(git, tmp_path):
    authority = Authority(tmp_path)
    trust = ["-c", f"http.sslCAInfo={authority.file}"]
    with GitServer(tmp_path / "root", authority, "alice", "made-up-other") as server:
        keep(git.world, "jira-dc", "alice", server.address)
        refused = git(*trust, "ls-remote", f"{server.address}/up.git")
        assert refused.returncode != 0 and TOKEN not in refused.stderr, refused
        assert status(git.world) == "inactive"


@pytest.mark.smoke
def test_a_clone_and_a_push_over_https(git, tmp_path):
    authority = Authority(tmp_path)
    root = tmp_path / "root"
    bare = root / "up.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", bare], check=True)
    trust = ["-c", f"http.sslCAInfo={authority.file}"]
    with GitServer(root, authority, "alice", f"{TOKEN}-alice") as server:
        url = f"{server.address}/up.git"
        refused = git(*trust, "clone", url, "refused")
        assert refused.returncode != 0 and "could not read Username" in refused.stderr, refused
        keep(git.world, "jira-dc", "alice", server.address)
        cloned = git(*trust, "clone", "--quiet", url, "clone")
        assert cloned.returncode == 0, cloned
        for step in (["commit", "--allow-empty", "-m", "made up"], ["push", "origin", "HEAD:main"]):
            done = git(*trust, "-C", "clone", *step)
            assert done.returncode == 0, done
        assert TOKEN not in (git.world.home / "clone" / ".git" / "config").read_text()
    log = subprocess.run(["git", "-C", bare, "log", "--format=%s", "main"], check=True,
                         capture_output=True, text=True)
    assert log.stdout == "made up\n"
