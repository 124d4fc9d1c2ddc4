"""A refresh on a disk that is full, at every size at which that can happen.

A limit on the size of files stands in for the full disk: writes past it fail. Where it is met
before the request, nothing may be spent; after it, the answer has to survive beside the vault.
"""

import resource
import sqlite3

import pytest

from due_vault import GET, DueVault
from rotating_server import RotatingServer

STEP = 4096
ENOUGH = 256 * 1024


@pytest.fixture
def due():
    server = RotatingServer("strict")
    world = DueVault(server)
    yield world
    world.close()
    server.close()


def get_with_limit(world, limit):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = world.start(*GET, preexec_fn=limited)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def grown_log(world):
    """A reader that keeps the write-ahead log from starting over, after writes that filled it."""
    reader = sqlite3.connect(world.vault, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM credentials_2").fetchall()
    for _ in range(20):
        writer = sqlite3.connect(world.vault)
        writer.execute("UPDATE vault_2 SET copied_at = copied_at")
        writer.commit()
    return reader


@pytest.mark.parametrize("log", ["empty", "grown"])
def test_a_full_disk_costs_no_token(due, log):
    met = set()
    for limit in range(0, ENOUGH, STEP):
        due.start_anew()
        reader = grown_log(due) if log == "grown" else None
        code, out, err = get_with_limit(due, limit)
        what = f"with room for {limit} bytes: {code} {err}"
        assert code in (0, 1), what
        refreshes = due.server.refreshes
        met.add((code, refreshes))
        assert (out == "access-2\n") == (code == 0), what
        assert code == 0 or "hint: " in err, what
        if reader:
            reader.close()
        assert due.get(*GET[1:]) == "access-2", what
        assert due.server.refreshes == 1 and due.server.replays == 0, what
        if (code, log) == (0, "empty"):
            break
    assert (1, 0) in met, "nothing was found before the request"
    assert (0, 1) in met, "the limit was never enough"
    assert (1, 1) in met or log == "empty", "no answer had to be put beside the vault"
