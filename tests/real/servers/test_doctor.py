"""`doctor` on a real gnome-keyring, in every state a machine can have it.

It says which state that is, within seconds, and leaves the keyring as it was.
"""

import fcntl
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import termios
import time
from contextlib import closing

import pytest

from keyring_world import end
from world import BINARY

ALICE = ("acme", "--user", "alice")
CONFIG = '[providers.acme]\nclient_id = "made-up"\n'


@pytest.fixture
def kept(world, keyring):
    """A vault with a token in it, its key in the unlocked keyring."""
    world.configure(CONFIG)
    keyring.unlock()
    world.succeed("login", *ALICE, "--token-stdin", stdin="made-up-token\n")
    return world


def examined(world, code, *arguments):
    """What `doctor` finds: result and message with hint, by the check's name."""
    begun = time.monotonic()
    result = world.run("doctor", "--json", *arguments)
    assert time.monotonic() - begun < 35, "a keychain that hangs is asked again and again"
    assert result.returncode == code, result
    found = {}
    for check in json.loads(result.stdout)["checks"]:
        told = (check["result"], f"{check['message']} | {check['hint']}")
        found.setdefault(check["name"], []).append(told)
    return found


def one(found, name):
    [told] = found[name]
    return told


def entries(keyring):
    """The names of tokctl's entries in the keyring."""
    found = keyring.secret_tool("search", "--all", "--unlock", "service", "tokctl")
    text = (found.stdout + found.stderr).decode()
    prefix = "attribute.username = "
    return {line[len(prefix):] for line in text.splitlines() if line.startswith(prefix)}


def ask(world, sql):
    with closing(sqlite3.connect(world.vault)) as vault, vault:
        return vault.execute(sql).fetchall()


def test_an_unlocked_keyring_is_tried_and_left_as_it_was(kept, keyring):
    before = entries(keyring)
    found = examined(kept, 0)
    result, message = one(found, "keychain")
    assert result == "ok" and "gnome-keyring-d" in message, message
    result, message = one(found, "keychain_entries")
    assert result == "ok" and message.startswith("1 of this vault, 0 of others"), message
    result, message = one(found, "slots")
    assert result == "ok" and "`keychain` slot" in message and "opens" in message, message
    assert one(found, "credentials")[0] == "ok"
    assert entries(keyring) == before and len(before) == 1


def test_a_locked_keyring_is_told_and_nobody_is_prompted(kept, keyring):
    keyring.lock()
    keyring.prompt_silently()
    found = examined(kept, 1)
    for name in ("unlock", "keychain"):
        result, message = one(found, name)
        assert result == "finding" and "locked" in message and "unlock the keychain" in message
    assert one(found, "credentials")[0] == "unknown"
    assert one(found, "integrity")[0] == "ok"


def test_a_locked_keyring_is_in_order_where_nothing_needs_it(kept, keyring):
    kept.env["TOKCTL_NEW_PASSPHRASE"] = "made up for a test"
    kept.succeed("key", "add", "passphrase")
    del kept.env["TOKCTL_NEW_PASSPHRASE"]
    kept.env["TOKCTL_PASSPHRASE"] = "made up for a test"
    keyring.lock()
    found = examined(kept, 0)
    result, message = one(found, "keychain")
    assert result == "ok" and "locked" in message, message
    slots = dict((message.split(" slot ")[0], result) for result, message in found["slots"])
    assert slots == {"the `keychain`": "unknown", "the `passphrase`": "ok"}


def test_a_bus_without_a_keyring_is_told(kept, keyring):
    keyring.close()
    again = type(keyring)(kept)
    try:
        found = examined(kept, 1)
    finally:
        again.close()
    assert one(found, "keychain")[0] == "finding"
    assert one(found, "keychain_entries")[0] == "unknown"


def test_a_keyring_that_hangs_is_given_up(kept, keyring):
    keyring.keyring.send_signal(signal.SIGSTOP)
    try:
        found = examined(kept, 1)
    finally:
        keyring.keyring.send_signal(signal.SIGCONT)
    result, message = one(found, "keychain")
    assert result == "finding" and "did not answer within 10 s" in message, message
    assert one(found, "integrity")[0] == "ok"


def test_a_terminal_shows_what_is_waited_for(kept, keyring):
    kept.env["TOKCTL_NEW_PASSPHRASE"] = "made up for a test"
    kept.succeed("key", "add", "passphrase")
    kept.env["TOKCTL_PASSPHRASE"] = "made up for a test"
    keyring.keyring.send_signal(signal.SIGSTOP)
    parent, child = pty.openpty()
    process = None
    try:
        process = subprocess.Popen(
            [BINARY, "doctor"], env=kept.env | {"TERM": "xterm"}, stdin=child,
            stdout=subprocess.DEVNULL, stderr=child, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(child)
        shown = b""
        while b"opening the key slots" not in shown or b"trying the keychain" not in shown:
            assert select.select([parent], [], [], 15)[0], shown
            shown += os.read(parent, 4096)
    finally:
        keyring.keyring.send_signal(signal.SIGCONT)
        end(process)
        os.close(parent)


def test_a_keyring_that_deletes_nothing_is_found(kept, keyring):
    keyring.refuse("Item.Delete")
    result, message = one(examined(kept, 1), "keychain")
    assert result == "finding" and "does not delete" in message, message
    keyring.refuse()
    # What it could not delete is told the next time, with what deletes it.
    result, message = one(examined(kept, 0), "keychain_entries")
    assert result == "hint" and "secret-tool clear service tokctl username doctor/" in message


def test_a_slot_whose_entry_is_gone_is_found(kept, keyring):
    kept.succeed("key", "add", "recovery")
    assert keyring.secret_tool("clear", "service", "tokctl").returncode == 0
    result, message = one(examined(kept, 1), "unlock")
    assert result == "finding" and "no such entry" in message, message


def test_an_entry_without_a_slot_is_told_and_left_to_whoever_needs_it(kept, keyring):
    [(vault,)] = ask(kept, "SELECT lower(hex(vault_id)) FROM vault_2")
    name = f"{vault}/0011223344556677"
    stored = keyring.secret_tool(
        "store", "--label=tokctl vault key", "service", "tokctl", "username", name, stdin=b"x"
    )
    assert stored.returncode == 0
    result, message = one(examined(kept, 0), "keychain_entries")
    assert result == "hint" and name in message, message
    assert message.endswith("another copy of this vault may need it | None"), message


def test_a_copy_does_not_lead_to_the_loss_of_the_vaults_key(kept, keyring, tmp_path):
    copy = tmp_path / "copy.db"
    kept.succeed("backup", str(copy))
    kept.succeed("rotate-key")
    [current] = entries(keyring)
    result, message = one(examined(kept, 1, "--vault", str(copy)), "keychain_entries")
    assert result == "hint" and current in message, message
    assert message.endswith("| None"), message


def test_what_an_interrupted_rotation_left_is_found_and_mended(kept, keyring):
    [old] = entries(keyring)
    keyring.refuse("Item.Delete")
    kept.succeed("rotate-key")
    keyring.refuse()
    found = examined(kept, 1)
    for name, words, hint in (
        ("keychain_entries", old, "tokctl rotate-key"),
        ("leftovers", "1 keychain entry", "tokctl doctor --repair"),
    ):
        finding = [message for result, message in found[name] if result == "finding"]
        assert len(finding) == 1 and words in finding[0] and hint in finding[0], finding
    kept.succeed("doctor", "--repair", "--yes")
    assert one(examined(kept, 0), "keychain_entries")[0] == "ok"
