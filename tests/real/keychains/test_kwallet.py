"""The default key slot in a real KWallet, whose wallet is open or closed."""

import time

import pytest

from kwallet_world import KWallet

ALICE = ("acme", "--user", "alice")
TOKEN = "made-up-static-token"


@pytest.fixture
def kwallet(world):
    world.configure('[providers.acme]\nclient_id = "made-up"\n')
    made = KWallet(world)
    yield made
    made.close()


def login(world):
    return world.run("login", *ALICE, "--token-stdin", stdin=f"{TOKEN}\n")


def test_an_open_wallet_gives_the_key_where_nobody_can_be_asked(world, kwallet):
    kwallet.open()
    stored = login(world)
    assert stored.returncode == 0, stored
    for words in ((), ("--no-input",)):
        # A wallet that no program has unlocked says that it is locked.
        kwallet.open()
        assert world.get(*ALICE, *words) == TOKEN
    doctor = world.run("doctor")
    assert doctor.returncode == 0, doctor
    assert "the keychain (kwalletd5) keeps an entry" in doctor.stdout
    world.succeed("rotate-key")
    assert world.get(*ALICE) == TOKEN


def test_a_closed_wallet_is_told_at_once_where_nobody_can_be_asked(world, kwallet):
    kwallet.open()
    assert login(world).returncode == 0
    kwallet.lock()
    begun = time.monotonic()
    refused = world.run("get", *ALICE)
    assert refused.returncode == 5 and "the keychain is locked" in refused.stderr, refused
    assert time.monotonic() - begun < 3
