"""A refresh whose process was killed, where the files of the locks are gone as well: nobody can tell
whether its request is still on its way, so the next process waits for the time of its lease.

The clock that counts from the system's start is stepped in both directions, and the system is taken
for one that was started anew. `unshare` does either for one process; it needs root.
"""

import os
import subprocess
import time

import pytest

from due_vault import GET, DueVault
from kills import killed_at
from rotating_server import RotatingServer
from world import BINARY

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the clocks of a process need root")

# Long enough to be killed in between.
DELAY = 0.5
# More than any lease lasts, in seconds.
LONG = 100_000
STEPS = ["openat", "flock", "pwrite64", "fdatasync", "fsync", "connect", "sendto", "recvfrom",
         "write", "writev"]


@pytest.fixture(params=["strict", "tolerant"])
def server(request):
    made = RotatingServer(request.param)
    yield made
    made.close()


@pytest.fixture
def due(server):
    world = DueVault(server)
    yield world
    world.close()


def at_another_time(world, offset):
    """Runs a `get` whose clock from the system's start is `offset` seconds ahead."""
    return beside(world, ["unshare", "--time", "--fork", f"--boottime={offset}", BINARY, *GET])


def after_a_start(world):
    """Runs a `get` in a system that seems to have been started anew."""
    other = world.home / "boot_id"
    other.write_text("00000000-0000-4000-8000-000000000000\n")
    script = 'mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"'
    return beside(world, ["unshare", "--mount", "sh", "-c", script, "sh", other, BINARY, *GET])


def beside(world, command):
    return subprocess.run(
        command, env=world.env, cwd=world.home, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )


def remove_locks(world):
    for lock in (world.vault.parent / "tokens.db.d").glob("*.lock"):
        lock.unlink()


def wait_for_the_server(server):
    deadline = time.monotonic() + 10
    while server.busy:
        assert time.monotonic() < deadline, "the server never ended a request"
        time.sleep(0.005)


def kill_in_the_request(due, server):
    due.start_anew()
    server.delay = DELAY
    process = due.start(*GET)
    deadline = time.monotonic() + 10
    while not server.busy:
        assert time.monotonic() < deadline, "no request came"
        time.sleep(0.005)
    process.kill()
    process.communicate()
    wait_for_the_server(server)
    server.delay = 0
    assert server.refreshes == 1


def went_on(server, done):
    """Whether a `get` made its one try at once: the answer to the killed one is lost."""
    assert server.refreshes == 2, done
    if server.policy == "strict":
        assert done.returncode == 4, done
    else:
        assert done.returncode == 0 and done.stdout == f"access-{server.issued}\n", done


@pytest.mark.parametrize("offset", [LONG, -1])
def test_a_clock_that_was_stepped_ends_the_lease(due, server, offset):
    if offset < 0:
        # As far back as there is room.
        offset = -int(float(open("/proc/uptime").read().split()[0])) + 1
    kill_in_the_request(due, server)
    remove_locks(due)
    begun = time.monotonic()
    went_on(server, at_another_time(due, offset))
    assert time.monotonic() - begun < 10


def test_another_start_of_the_system_ends_the_lease(due, server):
    kill_in_the_request(due, server)
    remove_locks(due)
    begun = time.monotonic()
    went_on(server, after_a_start(due))
    assert time.monotonic() - begun < 10


def test_without_either_the_lease_is_waited_for_and_ends(due, server):
    kill_in_the_request(due, server)
    remove_locks(due)
    begun = time.monotonic()
    done = due.run(*GET)
    assert time.monotonic() - begun > 5, "the lease was cut short"
    went_on(server, done)


def test_with_the_lock_in_place_nothing_is_waited_for(due, server):
    kill_in_the_request(due, server)
    begun = time.monotonic()
    went_on(server, due.run(*GET))
    assert time.monotonic() - begun < 5


def test_a_kill_at_any_step_and_no_lock_file_loses_no_token(due, server):
    kills = lost = 0
    for step in STEPS:
        count = 1
        while True:
            due.start_anew()
            if not killed_at(due, step, count, *GET):
                break
            kills += 1
            wait_for_the_server(server)
            remove_locks(due)
            what = f"killed at {step} number {count}"
            answered = server.refreshes == 1
            after = after_a_start(due)
            if after.returncode == 0:
                assert server.alive, what
                assert after.stdout == f"access-{server.issued}\n", f"{what}: {after}"
                assert server.refreshes <= 2, what
            else:
                assert after.returncode == 4, f"{what}: {after}"
                assert server.policy == "strict" and answered, f"{what}: it was not lost"
                assert server.replays == 1, f"{what}: one try is the only hope"
                lost += 1
            # What this machine saw was kept along the way, and stands in nobody's way.
            due.succeed("doctor", "--accept-older", "--yes")
            count += 1
    assert kills > 50, "strace did not kill"
    print(f"\nkilled {kills} times, {lost} answers lost")
