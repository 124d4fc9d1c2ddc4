"""The default key slot in a real KeePassXC: open, locked, and asking before it gives an entry."""

import time

import pytest

from keepassxc_world import KeePassXC


@pytest.fixture
def keepassxc(kept_by):
    return kept_by(KeePassXC)


def refused_at_once(world, *words):
    begun = time.monotonic()
    result = world.run(*words)
    assert result.returncode == 5, result
    assert time.monotonic() - begun < 3
    assert not result.stdout, result
    return result.stderr


@pytest.mark.smoke
def test_an_open_database_keeps_the_key_and_what_was_deleted_is_told_to_lie_in_its_bin(
    world, login, keepassxc
):
    keepassxc.open(confirm=False)
    stored = login.begin()
    assert stored.returncode == 0, stored
    assert login.works()
    (before,) = keepassxc.entries(1)
    assert before.startswith("secrets/tokctl: key of the vault ")

    doctor = world.run("doctor")
    assert doctor.returncode == 0, doctor
    assert "the keychain (keepassxc) is open" in doctor.stdout

    rotated = world.run("rotate-key")
    assert rotated.returncode == 0, rotated
    assert "recycle bin" in rotated.stderr and "is gone" not in rotated.stderr, rotated
    title = before.split("/", 1)[1]
    # Nothing but the old and the new one: no trial was left behind.
    after = keepassxc.entries(2)
    assert f"Recycle Bin/{title}" in after and f"secrets/{title}" not in after, after
    assert login.works()


def test_one_that_asks_a_person_takes_the_key_and_says_which_setting_gives_it_unasked(
    world, login, keepassxc
):
    keepassxc.open(confirm=True)
    stored = login.begin()
    assert stored.returncode == 0, stored
    keepassxc.entries(1)
    for words in (("get", *login.words), ("rotate-key",), ("doctor",)):
        if words == ("doctor",):
            said = world.run(*words).stdout
            assert "locked" not in said, said
        else:
            said = refused_at_once(world, *words)
        assert "(keepassxc) is open, but asks a person first" in said
        assert "Confirm when passwords are retrieved by clients" in said
    keepassxc.entries(1)

    keepassxc.open(confirm=False)
    assert login.works()


def test_a_locked_database_is_told_at_once_and_leaves_nothing(world, login, keepassxc):
    keepassxc.lock()
    refused = login.begin()
    assert refused.returncode == 5 and "the keychain is locked" in refused.stderr, refused
    keepassxc.entries(0)
    assert world.run("list").returncode == 3
