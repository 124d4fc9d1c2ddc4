"""What a shared vault costs, as ratios to what was measured a moment before on this machine."""

import statistics
import subprocess
import time

import pytest

from many_grants import ManyGrants
from shared_database import PASSWORD
from shared_team import Team
from world import BINARY


def median(command, env, home, count=15):
    times = []
    for _ in range(count):
        begun = time.monotonic()
        done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        times.append(time.monotonic() - begun)
        assert done.returncode == 0, done
    return statistics.median(times)


def test_a_get_takes_less_than_the_client_of_the_database(team):
    team.log_in()
    team.alice.get("acme/x")
    env = team.alice.env | {"PGPASSWORD": PASSWORD}
    psql = ["psql", "-XAt", team.address(), "-c", "SELECT 1"]
    get = [str(BINARY), "get", "acme/x"]
    ratio = median(get, env, team.alice.home) / median(psql, env, team.alice.home)
    print(f"get / psql -c: {ratio:.2f}")
    assert ratio <= 0.6 or BINARY.parent.name == "debug", ratio


def test_fifty_machines_get_their_token_through_five_connections(pooled):
    pooled.log_in()
    pooled.alice.get("acme/x")
    begun = [pooled.alice.start("get", "acme/x") for _ in range(50)]
    for process in begun:
        out, err = process.communicate(timeout=90)
        assert (process.returncode, out, err) == (0, "access-2\n", "")


@pytest.fixture
def crowded(database, pooler):
    """A team whose vault has a thousand tokens, and which reaches the database by five connections."""
    server = ManyGrants()
    team = Team(database, server, pooler.port)
    team.take_in(1000)
    yield team
    team.close()
    server.close()


def test_a_thousand_tokens_are_renewed_through_five_connections(crowded):
    """64 of them at once. How much longer than the answers it takes depends on the processors, which the
    database, the pooler and the server share with it here; one after the other would be 64."""
    refresh = [str(BINARY), "refresh", "--all", "--jobs", "64"]
    taken = median(refresh, crowded.alice.env, crowded.alice.home, 3)
    ratio = taken / (1000 / 64 * crowded.server.latency)
    print(f"a thousand refreshed by 64 at once / the answers: {ratio:.2f}")
    assert ratio <= 16 or BINARY.parent.name == "debug", ratio
