"""What every test may ask for: a world, a keyring in it, an authorization server, a browser."""

import json
import time

import pytest

from authorization_server import AuthorizationServer
from keyring_world import KeyringWorld
from world import World


@pytest.fixture
def world():
    """A private world whose vault has no key slot chosen yet."""
    made = World()
    yield made
    made.close()


@pytest.fixture
def keyed(world):
    """A private world whose vault opens with `TOKCTL_KEY`."""
    world.use_new_key()
    return world


@pytest.fixture
def keyring(world):
    """A bus of its own for `world`, with nothing on it yet."""
    made = KeyringWorld(world)
    yield made
    made.close()


@pytest.fixture
def server():
    """A certified authorization server that nobody has asked anything yet."""
    made = AuthorizationServer()
    yield made
    made.close()


@pytest.fixture
def browser(world, tmp_path):
    """Chromium as `$BROWSER`; called, it gives the report on the last page it saw."""
    world.browse_with(tmp_path)

    def report():
        file = tmp_path / "page.json"
        deadline = time.monotonic() + 40
        while not file.exists():
            assert time.monotonic() < deadline, "the browser left no report"
            time.sleep(0.05)
        found = json.loads(file.read_text())
        assert "failed" not in found, found
        return found

    return report


@pytest.fixture
def logged_in(keyed, server, browser):
    """`acme` with a live grant of alice's, made in the browser; the world."""
    keyed.configure(server.provider())
    keyed.succeed("login", "acme", "--user", "alice")
    browser()
    return keyed
