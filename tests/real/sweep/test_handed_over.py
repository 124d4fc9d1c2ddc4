"""A login on its way to another machine, killed at each step of it: leaving, leaving at the second
try, and coming in.

`strace` delivers SIGKILL as the process enters its Nth call of each kind that changes a file or a
lock, for every N until a run gets through. Whatever the instant, the login is usable here, or the
bundle is in place or can be had: never both, and never neither. The server is a strict one: a
refresh token that is used by both ends the grant.
"""

import json
import shutil

import pytest

from due_vault import GET, DueVault
from kills import killed_at, with_injected
from rotating_server import RotatingServer

STEPS = ["openat", "flock", "fcntl", "pwrite64", "write", "fdatasync", "fsync", "ftruncate",
         "renameat2", "unlink"]
TO = ("--output", "alice.bundle")
MOVE = ("export", "acme/alice", "--move", "--yes", "--to", "key:bundle.key", *TO)
RESUME = ("export", "--resume", *TO)
THERE = ("--vault", "there/tokens.db")
IMPORT = (*THERE, "import", "bundle", "alice.bundle")


class Machines(DueVault):
    """One with the login, and one without, which has a vault of its own."""

    def __init__(self, server):
        super().__init__(server)
        key = self.home / "bundle.key"
        key.write_text(self.succeed("key", "generate"))
        key.chmod(0o600)
        self.env["TOKCTL_BUNDLE_KEY_FILE"] = str(key)
        self.bundle = self.home / "alice.bundle"

    def start_anew(self):
        super().start_anew()
        shutil.rmtree(self.home / "there", ignore_errors=True)
        for leftover in self.home.glob("alice.bundle*"):
            leftover.unlink()

    def status(self):
        [credential] = json.loads(self.succeed("list", "--json"))["credentials"]
        return credential["status"]

    def is_usable_here(self):
        """Whether the login is still here, and nowhere else."""
        if self.status() == "handed_over":
            assert self.run(*GET).returncode == 4
            assert self.run("refresh", *GET[1:]).returncode == 4
            return False
        for leftover in self.home.glob("alice.bundle*"):
            assert self.run(*THERE, "import", "bundle", leftover.name).returncode != 0, leftover
        assert self.get(*GET[1:]) == "access-2"
        # Nothing stays locked.
        self.succeed(*MOVE, timeout=10)
        return True

    def is_usable_there(self):
        self.succeed(*IMPORT)
        assert self.get(*THERE, *GET[1:]) == f"access-{self.server.issued}"
        assert self.server.alive and self.server.replays == 0


@pytest.fixture
def machines():
    server = RotatingServer("strict")
    made = Machines(server)
    yield made
    made.close()
    server.close()


def each_kill(world, prepare, *args):
    """Kills a run at each of its steps, each time in the state that `prepare` makes."""
    for step in STEPS:
        count = 1
        while True:
            prepare()
            if not killed_at(world, step, count, *args):
                break
            yield f"killed at {step} number {count}"
            count += 1


def test_a_move_that_is_killed_leaves_one_holder(machines):
    here = there = 0
    for what in each_kill(machines, machines.start_anew, *MOVE):
        try:
            if machines.is_usable_here():
                here += 1
                continue
            there += 1
            resumed = machines.run(*RESUME)
            assert resumed.returncode in (0, 3), resumed
            assert oct(machines.bundle.stat().st_mode & 0o777) == "0o600"
            machines.is_usable_there()
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
    assert here > 20 and there > 5, (here, there)
    print(f"\nkilled {here} times before the commit, {there} times after it")


def test_a_bundle_that_can_not_be_put_in_place_is_kept(machines):
    machines.start_anew()
    done = with_injected(machines, "renameat2", "error=ENOSPC", *MOVE)
    assert done.returncode == 1, done
    assert "tokctl export --resume --output moved.bundle" in done.stderr, done
    assert not machines.is_usable_here()
    machines.succeed(*RESUME)
    assert [file.name for file in machines.home.glob("alice.bundle*")] == ["alice.bundle"]
    machines.is_usable_there()


def test_a_second_try_that_is_killed_can_be_made_again(machines):
    machines.start_anew()
    assert killed_at(machines, "renameat2", 1, *MOVE)
    assert machines.status() == "handed_over" and not machines.bundle.exists()
    interrupted = machines.home / "interrupted"
    shutil.copytree(machines.vault.parent, interrupted)

    def prepare():
        machines.start_anew()
        shutil.rmtree(machines.vault.parent)
        shutil.copytree(interrupted, machines.vault.parent)

    kills = 0
    for what in each_kill(machines, prepare, *RESUME):
        kills += 1
        resumed = machines.run(*RESUME)
        assert resumed.returncode in (0, 3), f"{what}: {resumed}"
        machines.is_usable_there()
    assert kills > 20
    print(f"\nkilled {kills} times")


def test_a_bundle_whose_import_is_killed_comes_in_once(machines):
    machines.start_anew()
    machines.succeed(*MOVE)
    bundle = machines.bundle.read_text()

    def prepare():
        machines.start_anew()
        machines.bundle.write_text(bundle)

    came_in = kills = 0
    for what in each_kill(machines, prepare, *IMPORT):
        kills += 1
        again = machines.run(*IMPORT)
        if again.returncode != 0:
            came_in += 1
            assert again.returncode == 1 and "a bundle opens once" in again.stderr, f"{what}: {again}"
        assert machines.get(*THERE, *GET[1:]) == "access-2", what
        assert machines.server.replays == 0, what
    assert kills > 20 and came_in > 0, (kills, came_in)
    print(f"\nkilled {kills} times, {came_in} of them after the commit")
