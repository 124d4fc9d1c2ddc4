"""Machines whose clock of the day is wrong, each in its own way: that of the database decides."""

import platform
import signal
import sys
import time

import pytest

from rotating_server import RotatingServer
from shared_team import Team
from world import BINARY, HERE

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="wrong_clock.py is for x86_64")

HOUR = 3600


class ShortLived(RotatingServer):
    life = HOUR

    def answer(self, expires_in):
        return super().answer(min(expires_in, self.life))


@pytest.fixture
def people(database):
    """A team whose alice is 23 hours ahead, whose bob is 23 behind, and whose carol is right."""
    server = ShortLived("strict")
    team = Team(database, server)
    team.bob, team.carol = team.join("bob"), team.join("carol")
    set_clock(team.alice, 23 * HOUR)
    set_clock(team.bob, -23 * HOUR)
    yield team
    team.close()
    server.close()


def set_clock(world, ahead):
    world.program = [sys.executable, HERE / "wrong_clock.py", str(ahead), BINARY]


def all_of(people):
    return people.alice, people.bob, people.carol


def test_no_machine_thinks_a_token_over_or_alive_by_its_own_clock(people):
    people.log_in()
    begun = [world.start("get", "acme/x") for _ in range(3) for world in all_of(people)]
    for process in begun:
        out, err = process.communicate(timeout=90)
        assert (process.returncode, out) == (0, "access-2\n"), err
    assert (people.server.refreshes, people.server.replays) == (1, 0)

    people.server.life = 3
    assert people.alice.succeed("refresh", "acme/x") == ""
    for number, world in enumerate((people.bob, people.alice, people.carol), 4):
        time.sleep(4)
        # For bob it lasts until tomorrow, and for alice nothing does.
        assert world.get("acme/x") == f"access-{number}"
    assert (people.server.refreshes, people.server.replays) == (5, 0)
    for world in all_of(people):
        world.succeed("audit", "--verify")
        assert "acme" in world.succeed("list")


def test_a_member_comes_and_goes_whatever_the_clocks_say(people):
    people.log_in()
    guest = people.machine()
    set_clock(guest, -20 * HOUR)
    line = people.alice.succeed("member", "add", "guest", guest.succeed("key", "public").strip())
    guest.succeed("vault", "join", line.strip())
    assert guest.get("acme/x") == people.bob.get("acme/x") == "access-2"
    people.alice.succeed("member", "remove", "guest", "--yes")
    assert guest.run("get", "acme/x").returncode == 5
    assert people.bob.get("acme/x") == people.carol.get("acme/x") == "access-2"
    assert (people.server.refreshes, people.server.replays) == (1, 0)


@pytest.mark.parametrize("ahead", [25 * HOUR, -25 * HOUR])
def test_a_clock_that_is_more_than_a_day_away_is_said_and_nothing_is_sent(people, ahead):
    people.log_in()
    set_clock(people.bob, ahead)
    for command in (["get", "acme/x"], ["refresh", "acme/x"], ["login", "acme", "--user", "y"],
                    ["delete", "acme/x", "--yes", "--no-revoke"]):
        refused = people.bob.run(*command)
        assert refused.returncode == 7 and "clock" in refused.stderr, refused
    assert people.server.refreshes == 0
    assert people.carol.succeed("list").count("acme") == 1


@pytest.mark.parametrize("policy", ["strict", "leeway"])
def test_a_holder_that_is_stopped_past_its_lease_overwrites_nothing(database, policy):
    """In real time: the lease ends by itself, another machine goes on, and the first one wakes up."""
    server = RotatingServer(policy)
    team = Team(database, server)
    try:
        bob = team.join("bob")
        team.log_in()
        server.delay = 1
        process = team.alice.start("get", "acme/x")
        while not server.busy:
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        got = bob.run("get", "acme/x")
        assert 40 < time.monotonic() - begun < 50, "it waits for the lease, and no longer"
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
        if policy == "leeway":
            assert (got.returncode, got.stdout) == (0, "access-3\n"), got
            assert (process.returncode, out) == (0, "access-3\n"), err
        else:
            # The one try, once the token was used up.
            assert got.returncode == 4, got
        assert (server.refreshes, server.replays) == (2, 1)
        after = [world.run("get", "acme/x") for world in (team.alice, bob)]
        assert after[0].stdout == after[1].stdout
        assert (server.refreshes, server.replays) == (2, 1)
    finally:
        team.close()
        server.close()
