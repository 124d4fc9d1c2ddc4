"""The compose file with PostgreSQL, without the containers: its settings, commands and places."""

import pathlib
import time

import pytest
import yaml

from rotating_server import RotatingServer
from shared_database import OWNER, SharedDatabase
from world import World

FILE = pathlib.Path(__file__).resolve().parents[3] / "packaging" / "compose-shared.yaml"


class ByItsSocket(SharedDatabase):
    """A cluster that asks nobody at its socket for a password, as PostgreSQL's image does."""

    def make(self):
        super().make()
        (self.home / "data" / "pg_hba.conf").write_text("local all all trust\n")


@pytest.fixture
def by_its_socket():
    made = ByItsSocket()
    yield made
    made.close()


def test_the_refresh_service_keeps_tokens_fresh_beside_the_database(by_its_socket, tmp_path):
    compose = yaml.safe_load(FILE.read_text())
    services = compose["services"]
    refresh, typed = services["refresh"], services["tokctl"]
    assert refresh["read_only"] and refresh["volumes"] == typed["volumes"]
    assert "socket:/var/run/postgresql" in services["db"]["volumes"]
    assert services["db"]["environment"]["POSTGRES_USER"] == OWNER

    server, world = RotatingServer("strict"), World()
    try:
        identity = tmp_path / "identity"
        identity.write_text(world.succeed("key", "generate", "--identity"))
        identity.chmod(0o600)
        places = {"/state": str(tmp_path / "state"), "/run/secrets/identity": str(identity)}
        world.env |= {name: places.get(value, value) for name, value in refresh["environment"].items()}
        world.configure(server.definition())
        world.follow_redirects()
        address = f"postgres://{OWNER}@/vault?host={by_its_socket.home}&port={by_its_socket.port}"
        init = next(line for line in FILE.read_text().splitlines() if " vault init " in line)
        assert "'postgres://tok@/tokctl?host=/var/run/postgresql' --label refresh" in init
        world.succeed("vault", "init", address, "--label", "refresh")
        world.succeed("login", "acme", "--user", "bot")
        every = refresh["command"].index("--every") + 1
        command = [*refresh["command"][:every], "1s"]
        watching = world.start(*command)
        deadline = time.monotonic() + 30
        while server.refreshes == 0 and time.monotonic() < deadline:
            time.sleep(0.1)
        watching.terminate()
        _, err = watching.communicate(timeout=20)
        assert server.refreshes > 0, err
        assert world.get("acme/bot").startswith("access-")
        assert server.replays == 0
    finally:
        server.close()
        world.close()
