"""Many machines that want one credential at a time whose refresh token may be used once."""

import time

import pytest

from kills import killed_at


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


def test_the_wrong_clock_of_a_machine_decides_nothing(team):
    """The clock of the database says when a token is due. (faketime is not needed for that: the
    database's own time is in the row.)"""
    team.log_in()
    assert team.alice.get("acme/x") == "access-2"
    assert team.alice.get("acme/x") == "access-2"
    assert team.server.refreshes == 1
