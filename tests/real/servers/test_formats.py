"""What `get --format` prints, read by the programs that it is for."""

import json
import netrc
import os
import random
import subprocess

import pytest

import stand_ins

PLAIN = "made-up-token"

# Everything that a shell gives a meaning to, and what a person could paste.
HOSTILE = [
    "it's",
    "'",
    "''",
    "\\",
    "\\'",
    "'\\",
    "a\\\\b\\",
    '"$(touch pwned)"',
    "`touch pwned`; touch pwned",
    "$HOME ${HOME} ~ * ? [a] {b,c}",
    "# no comment !! & | < > ( )",
    "é 漢字 \u202e€",
    "-n",
    "'; touch pwned; '",
    "\\'; touch pwned; \\'",
]


def made_up(count):
    """More of the same, put together at random, the same each time."""
    source = random.Random(1)
    parts = "'\\\"$`;&|#!(){}<> *?~=-aé"
    made = ("".join(source.choices(parts, k=source.randint(1, 12))).strip() for _ in range(count))
    return [text for text in made if text]


@pytest.fixture
def vendor(keyed):
    """A world with a provider of which nothing but its API's address is known."""

    def keep(token, *more, api="https://api.example"):
        keyed.configure(f'[providers.vendor]\napi_base_url = "{api}"\n')
        login = ["login", "vendor", "--user", "x", "--token-stdin", *more]
        keyed.succeed(*login, stdin=token)
        return keyed

    return keep


SHELLS = {
    "dash": (["dash"], 'eval "$(cat printed)"'),
    "bash": (["bash", "--norc"], 'eval "$(cat printed)"'),
    "zsh": (["zsh", "-f"], 'eval "$(cat printed)"'),
    "zsh with rc_quotes": (["zsh", "-f", "-o", "rc_quotes"], 'eval "$(cat printed)"'),
    "fish": (["fish", "--no-config"], "source printed"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_has_the_very_value_in_its_environment(shell, vendor, tmp_path):
    command, take = SHELLS[shell]
    show = "printf '%s' \"$TOKCTL_TOKEN|$TOKCTL_USERNAME|$TOKCTL_API_BASE_URL\""
    for token in HOSTILE + made_up(25):
        world = vendor(token, f"--username={token.replace(':', '')}")
        (tmp_path / "printed").write_text(world.succeed("get", "--format", "env"))
        ran = subprocess.run(
            [*command, "-c", f"{take}\n{show}"], cwd=tmp_path, env=world.env, text=True,
            capture_output=True, timeout=30,
        )
        username = token.replace(":", "")
        expected = f"{token}|{username}|https://api.example"
        assert (ran.stdout, ran.stderr) == (expected, ""), token
        assert os.listdir(tmp_path) == ["printed"], token


def curl(world, *arguments, stdin=""):
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *arguments]
    return subprocess.run(
        command, input=stdin, env=world.env, text=True, capture_output=True, timeout=30
    )


def test_curl_sends_what_it_is_told_on_stdin(vendor):
    for token in [PLAIN, 'made"up\\', "made'up#$(x)", "a\\n\\t\\\"b", "@/etc/passwd;"]:
        world = vendor(token)
        printed = world.succeed("get", "--format", "curl")
        with stand_ins.drive(f"Bearer {token}") as drive:
            got = curl(world, "-K", "-", f"{drive.address}/drive/v3/about", stdin=printed)
            assert json.loads(got.stdout)["user"]["displayName"] == "Alice", (token, got)


def test_curl_logs_in_by_name_where_the_service_wants_that(vendor):
    token = "made up:é\"\\"
    world = vendor(token, "--username", "alice@example.com")
    header = world.succeed("get", "--format", "header").strip().removeprefix("Authorization: ")
    with stand_ins.drive(header) as drive:
        by_name = curl(world, "--user", f"alice@example.com:{token}",
                       f"{drive.address}/drive/v3/about")
        assert by_name.returncode == 0, by_name
        printed = world.succeed("get", "--format", "curl")
        got = curl(world, "-K", "-", f"{drive.address}/drive/v3/about", stdin=printed)
        assert got.returncode == 0, got


@pytest.mark.smoke
def test_curl_takes_a_header_from_a_file(vendor):
    world = vendor(PLAIN)
    printed = world.succeed("get", "--format", "header")
    with stand_ins.drive(f"Bearer {PLAIN}") as drive:
        got = curl(world, "-H", "@-", f"{drive.address}/drive/v3/about", stdin=printed)
        assert got.returncode == 0, got


def test_python_and_curl_read_the_same_netrc_line(vendor, tmp_path):
    file = tmp_path / "netrc"
    for token in [PLAIN, "made'up", "a#b", "$HOME", "machine", "default", "!~%&*()=+[]{}|;:,.<>/?"]:
        with stand_ins.drive("none") as drive:
            world = vendor(token, "--username", "alice@example.com", api=drive.address)
            file.write_text(world.succeed("get", "--format", "netrc"))
            file.chmod(0o600)
            read = netrc.netrc(file).authenticators("127.0.0.1")
            assert (read[0], read[2]) == ("alice@example.com", token)
        header = world.succeed("get", "--format", "header").strip().removeprefix("Authorization: ")
        with stand_ins.drive(header) as drive:
            got = curl(world, "--netrc-file", str(file), f"{drive.address}/drive/v3/about")
            assert got.returncode == 0, (token, got)


def test_a_netrc_file_is_not_made_of_what_its_readers_read_apart(vendor):
    for token in ["made up", 'made"up', "made\\up", "#made-up", "é"]:
        world = vendor(token, "--username", "x")
        refused = world.run("get", "--format", "netrc")
        assert (refused.returncode, refused.stdout) == (1, ""), token
