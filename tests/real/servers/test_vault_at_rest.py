"""The vault file as others see it: readable by any SQLite, and no secret anywhere near it."""

import stat
import subprocess

import pytest

ALICE = ("acme", "--user", "alice")


def sqlite3(file, query):
    """Asks the system's own `sqlite3`."""
    done = subprocess.run(
        ["sqlite3", file, query], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


@pytest.mark.smoke
def test_any_sqlite_reads_the_clear_columns(keyed):
    keyed.configure('[providers.acme]\nclient_id = "made-up"\n')
    keyed.succeed("login", *ALICE, "--token-stdin", stdin="made-up-token\n")
    assert sqlite3(keyed.vault, "SELECT provider, user FROM credentials_2") == "acme|alice"
    assert sqlite3(keyed.vault, "PRAGMA integrity_check") == "ok"
    assert sqlite3(keyed.vault, "PRAGMA journal_mode") == "wal"
    assert sqlite3(keyed.vault, "SELECT typeof(sealed) FROM credentials_2") == "blob"


def test_no_secret_is_in_any_file(keyed, server, browser):
    secret = "made-up-post-secret"
    keyed.configure(server.provider("post", "client_secret_post", "ACME_SECRET"))
    keyed.succeed("login", *ALICE, env={"ACME_SECRET": secret})
    browser()
    keyed.succeed("refresh", *ALICE)
    keyed.succeed("login", "jira", "--server", "https://jira.example", "--user", "bob",
                  "--token-stdin", stdin="made-up-personal-access-token\n")
    secrets = [secret, "made-up-personal-access-token", keyed.env["TOKCTL_KEY"]]
    secrets += server.seen()["issued"]
    assert len(secrets) == 7

    files = [file for file in keyed.home.rglob("*") if file.is_file()]
    assert keyed.vault in files
    for file in files:
        content = file.read_bytes()
        for value in secrets:
            assert value.encode() not in content, f"a secret is in {file}"


def test_the_vault_is_private(logged_in):
    folder = logged_in.vault.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.rglob("*"):
        if file.is_file():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
