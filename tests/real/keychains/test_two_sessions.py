"""Two login sessions of one person, each with a keyring daemon of its own over the same files."""

import pytest

from keyring_world import KeyringWorld
from world import World


@pytest.fixture
def other():
    made = World()
    yield made
    made.close()


def test_a_session_whose_keyring_is_out_of_date_never_advises_to_give_the_vault_up(
    world, login, keyring, other
):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        other.env[name] = world.env[name]
    keyring.unlock()
    stale = KeyringWorld(other)
    try:
        stale.unlock()
        stored = login.begin()
        assert stored.returncode == 0, stored
        refused = other.run("get", *login.words)
        assert refused.returncode == 5, refused
        assert "(gnome-keyring-daemon)" in refused.stderr, refused
        assert "log out and in again" in refused.stderr, refused
        assert "move" not in refused.stderr and "org.freedesktop" not in refused.stderr, refused
        assert login.works()
    finally:
        stale.close()
