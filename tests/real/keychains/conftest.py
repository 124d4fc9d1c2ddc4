"""One login, whose key a keychain keeps."""

import pytest


class Login:
    """A static token of `acme/alice` in the vault of a world."""

    words = ("acme", "--user", "alice")
    token = "made-up-static-token"

    def __init__(self, world):
        self._world = world
        world.configure('[providers.acme]\nclient_id = "made-up"\n')

    def begin(self):
        """Store the token, which makes the vault and its key."""
        return self._world.run("login", *self.words, "--token-stdin", stdin=f"{self.token}\n")

    def works(self, *words):
        """Tell whether the token can be had."""
        return self._world.get(*self.words, *words) == self.token


@pytest.fixture
def login(world):
    return Login(world)


@pytest.fixture
def kept_by(login, world):
    """Run keychains in the world of the login, which end with the test."""
    running = []

    def start(keychain):
        running.append(keychain(world))
        return running[-1]

    yield start
    for keychain in running:
        keychain.close()
