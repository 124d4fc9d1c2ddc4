"""The keyring worlds themselves, by libsecret's own client: a world that is not what its name says
would make every test in `test_keychain.py` worthless."""

import time

ENTRY = ("store", "--label=made up", "service", "made-up", "account", "alice")


def test_an_unlocked_keyring_keeps_a_secret(keyring):
    keyring.unlock()
    assert keyring.secret_tool(*ENTRY, stdin=b"made-up").returncode == 0
    assert keyring.secret_tool("lookup", "service", "made-up").stdout == b"made-up"


def test_a_locked_keyring_gives_nothing_until_it_is_unlocked(keyring):
    keyring.unlock()
    keyring.secret_tool(*ENTRY, stdin=b"made-up")
    keyring.lock()
    assert keyring.secret_tool("lookup", "service", "made-up").stdout == b""
    keyring.unlock()
    assert keyring.secret_tool("lookup", "service", "made-up").stdout == b"made-up"


def test_a_bus_without_a_keyring_answers_at_once(keyring):
    begun = time.monotonic()
    assert keyring.secret_tool("lookup", "service", "made-up").returncode != 0
    assert time.monotonic() - begun < 2
