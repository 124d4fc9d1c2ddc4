"""Fifty processes on five machines with networks of their own, which want one credential at a time whose
refresh token may be used once: with the database itself, and through a pooler with five connections.
"""

import os
import shutil
import signal
import time

import pytest

from network_namespaces import Network
from rotating_server import RotatingServer
from shared_database import OWNER, PgBouncer, SharedDatabase
from shared_team import Team
from tls import Authority

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="namespaces of networks are root's to make")

# The name in the certificate; nobody looks it up.
HOST = "db.example"
EACH = 10


class NetworkedDatabase(SharedDatabase):
    """A cluster in the middle of `network`, which proves by TLS that it is `HOST`."""

    hosts = "samenet"

    def __init__(self, network, certificate):
        self.network = network
        self.listens = f"{network.address},127.0.0.1"
        super().__init__(certificate=certificate)

    def as_user(self, command):
        return [*self.network.middle.prefix, *super().as_user(command)]


class NetworkedPooler(PgBouncer):
    def __init__(self, network, database, certificate):
        self.network, self.listens, self.certificate = network, network.address, certificate
        super().__init__(database)

    def make(self):
        own = self.home / "server.pem"
        shutil.copy(self.certificate, own)
        shutil.chown(own, "nobody")
        self.more = f"client_tls_sslmode = require\nclient_tls_key_file = {own}\nclient_tls_cert_file = {own}\n"
        super().make()

    def as_user(self, command):
        return [*self.network.middle.prefix, *super().as_user(command)]

    def ask(self):
        try:
            self.network.middle.socket((self.listens, self.port), False).close()
        except OSError as error:
            raise AssertionError(error) from None


class NetworkedTeam(Team):
    """A member on each machine of `network`, `worlds`, and the authorization server on the loopback of
    all of them."""

    def __init__(self, network, database, authority, policy, port):
        self.network, self.authority = network, authority
        self.free = list(network.machines)
        server = RotatingServer(policy)
        for machine in network.machines:
            server.also_at(machine.socket(("127.0.0.1", server.server.server_port), True))
        super().__init__(database, server, port)
        for number in range(len(self.free)):
            self.join(f"m{number}")

    def address(self, **_):
        port = self.port or self.database.port
        return (f"postgres://{OWNER}@{HOST}:{port}/vault?hostaddr={self.network.address}"
                f"&sslrootcert={self.authority.file}")

    def machine(self):
        place = self.free.pop(0)
        world = super().machine()
        world.program = [*place.prefix, *world.program]
        return world

    def crowd(self, each=EACH):
        return [world.start("get", "acme/x") for _ in range(each) for world in self.worlds]

    def close(self):
        super().close()
        self.server.close()


@pytest.fixture(scope="module")
def network():
    made = Network(5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def places(network, tmp_path_factory):
    """The database, its authority, and the ports of the database and of the pooler."""
    files = tmp_path_factory.mktemp("tls")
    authority = Authority(files)
    authority.context(HOST)
    database = NetworkedDatabase(network, files / f"{HOST}.pem")
    pooler = NetworkedPooler(network, database, files / f"{HOST}.pem")
    yield database, authority, {"directly": None, "pooled": pooler.port}
    pooler.close()
    database.close()


@pytest.fixture
def team_of(network, places):
    made = []

    def make(policy, way):
        database, authority, ports = places
        made.append(NetworkedTeam(network, database, authority, policy, ports[way]))
        return made[-1]

    yield make
    for team in made:
        team.close()


def printed(processes):
    """How each process ended, and what it printed."""
    ends = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    return {(code, out) for out, _, code in ends}, ends


@pytest.mark.parametrize("way", ["directly", "pooled"])
def test_fifty_processes_in_five_networks_send_one_request(team_of, way):
    team = team_of("strict", way)
    for delay in (0, 1):
        team.log_in()
        team.server.delay = delay
        found, ends = printed(team.crowd())
        assert found == {(0, "access-2\n")}, (delay, sorted(set(ends)))
        assert (team.server.refreshes, team.server.replays) == (1, 0)


@pytest.mark.parametrize("way", ["directly", "pooled"])
def test_when_the_holder_is_killed_one_more_is_sent_as_the_policy_has_it(team_of, way):
    teams = [team_of("strict", way), team_of("leeway", way)]
    crowds = []
    begun = time.monotonic()
    for team in teams:
        team.log_in()
        team.server.delay = 3
        # Its machine has others that wait behind it, and they are no wiser.
        holder = team.alice.start("get", "acme/x")
        while not team.server.busy:
            assert holder.poll() is None, holder.communicate()
            time.sleep(0.01)
        crowds.append(team.crowd())
        # Its answer is on the way, and nobody will read it.
        os.killpg(holder.pid, signal.SIGKILL)
        holder.communicate()
    for team, crowd in zip(teams, crowds):
        found, ends = printed(crowd)
        if team.server.policy == "leeway":
            assert found == {(0, "access-3\n")}, ends
        else:
            # The token was used up, and the one try ended the grant: each is told so.
            assert found == {(4, "")}, ends
        assert (team.server.refreshes, team.server.replays) == (2, 1), team.server.policy
    assert time.monotonic() - begun > 45, "the lease of the one that was killed was cut short"
