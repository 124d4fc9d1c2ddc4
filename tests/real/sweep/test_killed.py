"""A refresh that is killed at each of its steps, against servers of each reuse policy.

`strace` delivers SIGKILL as the process enters its Nth call of each kind that changes a file, a
lock or a connection, for every N until a refresh gets through. Whatever the instant, the next
`get` must bring a live token; only where a strict server's answer died with the process is a new
login the one thing left, and then it is said.
"""

import time

import pytest

from due_vault import GET, DueVault
from kills import killed_at
from rotating_server import RotatingServer

STEPS = ["openat", "flock", "pwrite64", "fdatasync", "fsync", "connect", "sendto", "recvfrom",
         "write", "writev", "unlink", "ftruncate"]


@pytest.fixture(params=["strict", "leeway", "tolerant"])
def server(request):
    made = RotatingServer(request.param)
    yield made
    made.close()


@pytest.fixture
def due(server):
    world = DueVault(server)
    yield world
    world.close()


def wait_for_the_server(server):
    """The request of a process that was killed may still be on its way."""
    deadline = time.monotonic() + 10
    while True:
        with server.lock:
            if server.busy == 0:
                return
        assert time.monotonic() < deadline, "the server never ended a request"
        time.sleep(0.005)


@pytest.mark.smoke
@pytest.mark.parametrize("server", ["strict"], indirect=True)
def test_a_kill_before_the_request_costs_nothing(due, server):
    assert killed_at(due, "pwrite64", 1, *GET)
    assert server.refreshes == 0
    assert due.get(*GET[1:]) == "access-2"
    assert server.refreshes == 1


def test_a_kill_at_any_step_loses_no_token(due, server):
    kills = lost = 0
    for step in STEPS:
        count = 1
        while True:
            due.start_anew()
            if not killed_at(due, step, count, *GET):
                break
            kills += 1
            wait_for_the_server(server)
            what = f"killed at {step} number {count}"
            answered = server.refreshes == 1
            begun = time.monotonic()
            after = due.run(*GET)
            assert time.monotonic() - begun < 10, f"{what}: a lock stayed"
            if after.returncode == 0:
                assert server.alive, what
                assert after.stdout == f"access-{server.issued}\n", what
                assert server.refreshes <= 2, what
            else:
                assert after.returncode == 4, f"{what}: {after}"
                assert "tokctl login acme/alice" in after.stderr, what
                assert server.policy == "strict" and answered, f"{what}: it was not lost"
                assert server.replays == 1, f"{what}: one try is the only hope"
                lost += 1
            count += 1
    # Both sides of the moment at which an answer can't be saved were met.
    assert 0 < lost < kills / 2 if server.policy == "strict" else lost == 0, (lost, kills)
    assert kills > 50, "strace did not kill"
