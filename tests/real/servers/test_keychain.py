"""The default key slot on a real gnome-keyring, in every state a machine can have it.

A keychain that gives nothing is exit 5, at once where nobody can answer, and never a new key.
"""

import base64
import fcntl
import os
import pty
import select
import signal
import sqlite3
import subprocess
import termios
import time

import pytest

from keyring_world import end
from world import BINARY

ALICE = ("acme", "--user", "alice")
TOKEN = "made-up-static-token"
CONFIG = '[providers.acme]\nclient_id = "made-up"\n'


def store(world):
    """`login` with a static token; the vault and its keychain slot are made on the way."""
    return world.run("login", *ALICE, "--token-stdin", stdin=f"{TOKEN}\n")


def rows(world):
    """Everything in the vault but the pages' own housekeeping."""
    with sqlite3.connect(f"file:{world.vault}?mode=ro", uri=True) as vault:
        return list(vault.iterdump())


@pytest.fixture
def kept(world, keyring):
    """A world with alice's token in it, its key in the unlocked keyring."""
    world.configure(CONFIG)
    keyring.unlock()
    stored = store(world)
    assert stored.returncode == 0, stored
    return world


def refuses_at_once(world):
    """`get` without a terminal: exit 5, quickly, with a hint and no token."""
    before = rows(world)
    begun = time.monotonic()
    result = world.run("get", *ALICE)
    took = time.monotonic() - begun
    assert result.returncode == 5, result
    assert took < 3, f"took {took:.1f} s"
    assert result.stdout == ""
    assert "hint: " in result.stderr, result.stderr
    assert rows(world) == before
    return result.stderr


def entries(keyring):
    """The entries that libsecret's client finds for tokctl, as it prints them."""
    found = keyring.secret_tool("search", "--all", "--unlock", "service", "tokctl")
    return (found.stdout + found.stderr).decode()


@pytest.mark.smoke
def test_a_new_process_finds_the_key(kept):
    assert kept.get(*ALICE) == TOKEN


@pytest.mark.smoke
def test_secret_tool_sees_the_entry(kept, keyring):
    assert "attribute.service = tokctl" in entries(keyring)


def test_the_key_outlives_the_keyring_daemon(kept, keyring):
    keyring.lock()
    keyring.unlock()
    assert kept.get(*ALICE) == TOKEN


@pytest.mark.smoke
def test_a_locked_keyring_is_told_at_once(kept, keyring):
    keyring.lock()
    assert "lock" in refuses_at_once(kept).lower()


def test_without_a_terminal_no_prompt_is_waited_for(kept, keyring):
    keyring.lock()
    keyring.prompt_silently()
    refuses_at_once(kept)


def test_a_bus_without_a_keyring_is_told_at_once(kept, keyring):
    keyring.close()
    again = type(keyring)(kept)
    try:
        refuses_at_once(kept)
    finally:
        again.close()


def test_a_machine_without_a_bus_is_told_at_once(kept):
    del kept.env["DBUS_SESSION_BUS_ADDRESS"]
    refuses_at_once(kept)


def test_without_a_keyring_a_login_makes_no_vault_that_nobody_could_open(world):
    world.configure(CONFIG)
    result = store(world)
    assert result.returncode == 5, result
    assert "--key-slot" in result.stderr or "TOKCTL_KEY" in result.stderr, result.stderr
    assert TOKEN not in result.stderr
    assert world.run("get", *ALICE).returncode == 3


def test_a_deleted_entry_is_never_replaced_by_a_new_key(kept, keyring):
    before = rows(kept)
    assert keyring.secret_tool("clear", "service", "tokctl").returncode == 0
    refuses_at_once(kept)
    again = store(kept)
    assert again.returncode == 5, again
    assert rows(kept) == before
    assert "attribute.service" not in entries(keyring)


def test_a_keyring_that_lost_everything_gets_no_new_key(kept, keyring):
    keyring.forget()
    refuses_at_once(kept)
    assert store(kept).returncode == 5


def test_two_entries_of_one_name_open_the_vault_and_a_change_of_keys_tells_of_them(kept, keyring):
    name = entries(keyring).split("attribute.username = ")[1].split()[0]
    doubled = ("--label=doubled", "service", "tokctl", "username", name, "from", "elsewhere")
    other_key = base64.b64encode(b"made-up-secret-of-32-bytes-here!")
    stored = keyring.secret_tool("store", *doubled, stdin=other_key)
    assert stored.returncode == 0, stored
    assert entries(keyring).count(name) == 2
    assert kept.get(*ALICE) == TOKEN
    rotated = kept.run("rotate-key")
    assert rotated.returncode == 0, rotated
    assert "more than one entry" in rotated.stderr, rotated
    assert name not in entries(keyring)
    assert kept.get(*ALICE) == TOKEN


def test_list_needs_no_keyring(kept, keyring):
    keyring.lock()
    assert "alice" in kept.succeed("list")


def test_a_prompt_on_a_terminal_can_be_given_up(kept, keyring):
    keyring.lock()
    keyring.prompt_silently()
    parent, child = pty.openpty()
    process = None
    try:
        process = subprocess.Popen(
            [BINARY, "get", *ALICE],
            env=kept.env,
            stdin=child,
            stdout=subprocess.PIPE,
            stderr=child,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(child)
        # It says that it waits for the person, and is still there.
        assert select.select([parent], [], [], 5)[0], "waits for a prompt and doesn't say so"
        assert "keychain" in os.read(parent, 4096).decode()
        time.sleep(0.5)
        assert process.poll() is None
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
        assert process.returncode in (130, -signal.SIGINT)
        assert time.monotonic() - begun < 3
        assert out == b""
    finally:
        end(process)
        os.close(parent)
