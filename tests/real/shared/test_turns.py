"""Many machines that want one credential at a time whose refresh token may be used once."""

import os
import signal
import subprocess
import time

import pytest

from kills import killed_at
from rotating_server import RotatingServer
from shared_team import Team
from world import BINARY


def crowd(worlds, each):
    """Starts `each` processes on each machine at once; what they printed, when all succeeded."""
    begun = [world.start("get", "acme/x") for _ in range(each) for world in worlds]
    printed = []
    for process in begun:
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, (out, err)
        printed.append(out)
    return printed


@pytest.mark.parametrize("way", ["team", "pooled"])
def test_fifty_processes_on_five_machines_send_one_request(request, way):
    team = request.getfixturevalue(way)
    machines = [team.alice, *(team.join(f"m{number}") for number in range(4))]
    for delay in (0, 1):
        team.server.delay = delay
        team.log_in()
        assert set(crowd(machines, 10)) == {"access-2\n"}
        assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_a_machine_that_died_before_its_request_costs_no_grant(team):
    bob = team.join("bob")
    team.log_in()
    count, kills = 1, 0
    while True:
        team.server.reset()
        team.log_in()
        killed = killed_at(team.alice, "sendto", count, "get", "acme/x")
        while team.server.busy:
            time.sleep(0.01)
        answered = team.server.refreshes
        team.end_leases()
        after = bob.run("get", "acme/x")
        if answered == 0 or not killed:
            assert after.returncode == 0, (count, after)
            assert (team.server.refreshes, team.server.replays) == (1, 0), count
        else:
            # The answer died with its machine, unless that keeps it: then it stores it first.
            assert after.returncode in (0, 4), (count, after)
        if not killed:
            break
        count, kills = count + 1, kills + 1
    assert kills > 5


def test_an_answer_that_was_not_stored_is_stored_by_the_next_command(team):
    """The database goes between the request and the answer, and comes back."""
    team.log_in()
    team.server.delay = 2
    process = team.alice.start("get", "acme/x")
    time.sleep(1)
    team.database.stop()
    out, err = process.communicate(timeout=60)
    assert process.returncode != 0 and out == "", (out, err)
    team.database.start_again()
    team.server.delay = 0
    assert team.server.refreshes == 1
    assert team.alice.get("acme/x") == "access-2"
    assert (team.server.refreshes, team.server.replays) == (1, 0)
    assert team.join("bob").get("acme/x") == "access-2"


def test_a_lease_that_runs_keeps_others_from_a_request(team):
    """A machine that is stopped in the middle of its request holds the turn until its lease ends."""
    bob = team.join("bob")
    team.log_in()
    team.server.delay = 3
    process = team.alice.start("get", "acme/x")
    time.sleep(1)
    begun = time.monotonic()
    assert bob.get("acme/x") == "access-2"
    assert time.monotonic() - begun < 8
    assert process.communicate(timeout=30)[0] == "access-2\n"
    assert (team.server.refreshes, team.server.replays) == (1, 0)


@pytest.fixture
def lenient(database):
    server = RotatingServer("leeway")
    made = Team(database, server)
    yield made
    made.close()
    server.close()


def test_a_machine_that_sleeps_past_its_lease_overwrites_nothing(lenient):
    """It is stopped in the middle of its request; another goes on, as the provider's leeway allows."""
    bob = lenient.join("bob")
    lenient.log_in()
    lenient.server.delay = 1
    process = lenient.alice.start("get", "acme/x")
    while not lenient.server.busy:
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    while lenient.server.busy:
        time.sleep(0.01)
    lenient.end_leases()
    assert bob.get("acme/x") == "access-3"
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "access-3\n"), err
    assert bob.get("acme/x") == lenient.alice.get("acme/x") == "access-3"
    assert lenient.server.refreshes == 2


def test_a_machine_that_slept_between_claim_and_request_claims_again(team):
    """Its own clock says that it slept: what the lease allowed is over."""
    team.log_in()
    # The claim is confirmed, and the process goes on six seconds later.
    slow = subprocess.run(
        ["strace", "--follow-forks", "--quiet=all", "--output", os.devnull, "--trace=socket",
         "--inject=socket:delay_enter=6000000:when=2", BINARY, "get", "acme/x"],
        env=team.alice.env, cwd=team.alice.home, capture_output=True, text=True, timeout=90,
        check=False, stdin=subprocess.DEVNULL, start_new_session=True,
    )
    assert slow.returncode == 0 and slow.stdout == "access-2\n", slow
    assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_machines_that_were_started_at_other_times_take_turns(team):
    """Their clocks that nobody sets are apart by days."""
    bob = team.join("bob")
    team.log_in()
    team.server.delay = 0.5

    def at(world, seconds):
        return subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--time", "--fork", f"--boottime={seconds}",
             f"--monotonic={seconds}", BINARY, "get", "acme/x"],
            env=world.env, cwd=world.home, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )

    begun = [at(team.alice, 0), at(bob, 1_000_000), at(team.alice, 0), at(bob, 1_000_000)]
    for process in begun:
        out, err = process.communicate(timeout=60)
        if "unshare" in err:
            pytest.skip(err)
        assert (process.returncode, out) == (0, "access-2\n"), err
    assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_a_rotation_that_died_keeps_others_waiting_for_seconds_alone(team):
    """It was announced, and waited for a refresh; those who wait for it don't ask all the time."""
    bob = team.join("bob")
    team.log_in("y")
    team.database.write_vault(
        "UPDATE tokctl_rows SET attempt = decode(repeat('07', 16), 'hex'), turn = 1,"
        " lease_until = (extract(epoch FROM now()) + 600) * 1000000")
    team.log_in()
    held = "SELECT count(*) FROM tokctl_vaults WHERE held_until > 0"
    before = int(team.database.ask_vault(held)[0][0])
    rotation = team.alice.start("rotate-key")
    deadline = time.monotonic() + 20
    while int(team.database.ask_vault(held)[0][0]) == before:
        assert rotation.poll() is None and time.monotonic() < deadline, rotation.communicate()
    # It is announced for as long as it waits.
    time.sleep(18)
    assert rotation.poll() is None
    rotation.kill()
    rotation.communicate()

    transactions = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'vault'"
    first, begun = int(team.database.ask_vault(transactions)[0][0]), time.monotonic()
    assert bob.get("acme/x") == "access-2"
    seconds = time.monotonic() - begun
    assert 5 < seconds < 25, seconds
    assert (team.server.refreshes, team.server.replays) == (1, 0)
    time.sleep(1.5)
    asked = int(team.database.ask_vault(transactions)[0][0]) - first
    assert asked < 20 * seconds, f"{asked} transactions in {seconds:.0f} seconds"
