"""The default key slot in a real KWallet, whose wallet is open or closed."""

import time

import pytest

from kwallet_world import KWallet


@pytest.fixture
def kwallet(kept_by):
    return kept_by(KWallet)


@pytest.mark.smoke
def test_an_open_wallet_gives_the_key_where_nobody_can_be_asked(world, login, kwallet):
    kwallet.open()
    stored = login.begin()
    assert stored.returncode == 0, stored
    for words in ((), ("--no-input",)):
        # A wallet that no program has unlocked says that it is locked.
        kwallet.open()
        assert login.works(*words)
    doctor = world.run("doctor")
    assert doctor.returncode == 0, doctor
    assert "the keychain (kwalletd5) keeps an entry" in doctor.stdout
    world.succeed("rotate-key")
    assert login.works()


def test_a_closed_wallet_is_told_at_once_where_nobody_can_be_asked(world, login, kwallet):
    kwallet.open()
    assert login.begin().returncode == 0
    kwallet.lock()
    begun = time.monotonic()
    refused = world.run("get", *login.words)
    assert refused.returncode == 5 and "the keychain is locked" in refused.stderr, refused
    assert time.monotonic() - begun < 3
