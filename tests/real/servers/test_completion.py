"""Completion that knows the vault, in real shells at a terminal."""

import pytest

import terminal_shell
from world import BINARY

# Everything that a shell gives a meaning to.
HOSTILE = "mal o'x $(touch pwned) `touch pwned` \"q\" \\ ; touch pwned & | * ? [a] {b,c} ~ # !! <> é"


@pytest.fixture
def vault(keyed):
    """A vault with a few names, and a world that can't open it."""
    keyed.configure('[providers.vendor]\napi_auth = "bearer"\n')
    for user in ("alice@example.com", "c:d=e@f", HOSTILE):
        keyed.succeed("login", "vendor", "--user", user, "--token-stdin", stdin="made-up\n")
    del keyed.env["TOKCTL_KEY"]
    return keyed


def state(world):
    return {path: path.read_bytes() for path in world.vault.parent.rglob("*") if path.is_file()}


@pytest.mark.smoke
@pytest.mark.parametrize("start", [terminal_shell.bash, terminal_shell.zsh, terminal_shell.fish])
def test_names_from_the_vault_are_completed_and_stay_words(start, vault):
    before = state(vault)
    shell = start(vault, BINARY)
    try:
        for line, expected in [
            ("tokctl get ven", ["get", "vendor"]),
            ("tokctl get --user ali", ["get", "--user", "alice@example.com"]),
            ("tokctl get vendor -u alice@ex", ["get", "vendor", "-u", "alice@example.com"]),
            ("tokctl get --user=ali", ["get", "--user=alice@example.com"]),
            ("tokctl get --user c:d", ["get", "--user", "c:d=e@f"]),
            ("tokctl get --user mal", ["get", "--user", HOSTILE]),
            ("tokctl get --user=mal", ["get", "--user=" + HOSTILE]),
            ("tokctl get --user mal\\ o", ["get", "--user", HOSTILE]),
            ("tokctl get -uali", ["get", "-ualice@example.com"]),
            ("tokctl why vendor/mal", ["why", f"vendor/{HOSTILE}"]),
            ("tokctl why vendor/c:", ["why", "vendor/c:d=e@f"]),
            ("tokctl why tokctl://vendor/al", ["why", "tokctl://vendor/alice%40example.com"]),
            # Where nothing is stored, one can log in.
            ("tokctl login shop", ["login", "shopify"]),
            # Commands and flags as ever.
            ("tokctl get --form", ["get", "--format"]),
            ("tokctl rotate", ["rotate-key"]),
            ("tokctl get --user zzz", ["get", "--user", "zzz"]),
        ]:
            assert shell.complete(line)[1:] == expected, line
        assert shell.made() == []
    finally:
        shell.close()
    assert state(vault) == before


def test_names_are_completed_in_quotes(vault):
    shell = terminal_shell.bash(vault, BINARY)
    try:
        for line, expected in [
            ("tokctl get --user \"ali", ["get", "--user", "alice@example.com"]),
            ("tokctl get --user 'ali", ["get", "--user", "alice@example.com"]),
            ("tokctl get --user=\"ali", ["get", "--user=alice@example.com"]),
            ("tokctl get --user 'c:d=", ["get", "--user", "c:d=e@f"]),
            ("tokctl why \"vendor/ali", ["why", "vendor/alice@example.com"]),
        ]:
            assert shell.complete(line)[1:] == expected, line
    finally:
        shell.close()


def test_fish_knows_the_sources_of_an_import(vault):
    shell = terminal_shell.fish(vault, BINARY)
    try:
        assert shell.complete("tokctl import rcl")[1:] == ["import", "rclone"]
        assert shell.complete("tokctl completions fi")[1:] == ["completions", "fish"]
    finally:
        shell.close()


def test_another_vault_on_the_command_line_is_the_one_that_is_read(vault, tmp_path):
    elsewhere = tmp_path / "vault.db"
    key = vault.succeed("key", "generate").strip()
    login = ["login", "github", "--user", "zoe", "--token-stdin", "--vault", str(elsewhere)]
    vault.succeed(*login, stdin="made-up\n", env={"TOKCTL_KEY": key})
    shell = terminal_shell.bash(vault, BINARY)
    try:
        words = shell.complete(f"tokctl --vault '{elsewhere}' get git")
        assert words[1:] == ["--vault", str(elsewhere), "get", "github"]
    finally:
        shell.close()


def test_whatever_goes_wrong_a_key_press_brings_no_message(vault):
    for broken in (None, b"not a vault", b""):
        vault.vault.unlink(missing_ok=True)
        if broken is not None:
            vault.vault.write_bytes(broken)
        for words in (["get", ""], ["get", "--user", ""], ["why", ""]):
            result = vault.run("__complete", "zsh", "tokctl", *words)
            assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    result = vault.run("__complete", "zsh", "tokctl", "no-such-command", "")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
