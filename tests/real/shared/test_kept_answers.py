"""Answers that only one machine has: what becomes of them when others were faster, when the database
is away, and when it comes back as it was a moment before.
"""

import json
import signal
import subprocess
import time

import pytest

from rotating_server import RotatingServer
from shared_team import Team
from test_failover import keep_a_copy, put_back
from world import BINARY


class Refusing(RotatingServer):
    """Refuses a spent refresh token, and leaves its grant alone."""

    def __init__(self):
        super().__init__("strict")

    def token(self, form):
        with self.lock:
            spent = form["grant_type"] == "refresh_token" and (
                form["refresh_token"] != f"refresh-{self.issued}")
            if spent:
                self.replays += 1
                return 400, {"error": "invalid_grant"}
        return super().token(form)


@pytest.fixture
def refusing(database):
    server = Refusing()
    made = Team(database, server)
    yield made
    made.close()
    server.close()


def go_on(process):
    process.send_signal(signal.SIGCONT)
    return process.communicate(timeout=90)


def kept(world):
    return json.loads(world.succeed("vault", "status", "--json"))["kept"]


def test_a_late_answer_replaces_the_verdict_about_the_token_that_it_spent(refusing):
    """The holder sleeps past its lease; another machine is refused; then the holder goes on."""
    bob = refusing.join("bob")
    refusing.log_in()
    process = refusing.stop_in_its_request(refusing.alice)
    try:
        refusing.end_leases()
        refused = bob.run("get", "acme/x")
        assert refused.returncode == 4, refused
        assert "login" in bob.succeed("list")
        out, err = go_on(process)
        assert (process.returncode, out) == (0, "access-2\n"), err
        assert bob.get("acme/x") == refusing.alice.get("acme/x") == "access-2"
        bob.succeed("refresh", "acme/x")
        assert refusing.alice.get("acme/x") == "access-3"
    finally:
        process.kill()


def test_a_late_answer_replaces_a_verdict_that_was_reached_twice(refusing):
    bob = refusing.join("bob")
    refusing.log_in()
    process = refusing.stop_in_its_request(refusing.alice)
    try:
        refusing.end_leases()
        for _ in range(2):
            assert bob.run("refresh", "acme/x").returncode == 4
        refusing.alice.succeed("rotate-key")
        out, err = go_on(process)
        assert (process.returncode, out) == (0, "access-2\n"), err
        assert bob.get("acme/x") == "access-2"
    finally:
        process.kill()


def test_a_late_answer_that_died_with_its_process_replaces_the_verdict_too(refusing):
    """It was on the disk, and not in the database: the next command on that machine stores it."""
    bob = refusing.join("bob")
    refusing.log_in()
    refusing.server.delay = 0.5
    # Killed at the first message to the database after the answer is on the disk.
    subprocess.run(
        ["strace", "--follow-forks", "--quiet=all", "--output", "/dev/null", "--trace=fdatasync",
         "--inject=fdatasync:signal=KILL", BINARY, "get", "acme/x"],
        env=refusing.alice.env, cwd=refusing.alice.home, check=False, timeout=60,
        stdin=subprocess.DEVNULL, start_new_session=True, capture_output=True,
    )
    assert refusing.server.refreshes == 1
    refusing.end_leases()
    assert bob.run("get", "acme/x").returncode == 4
    # Any command does it, and says so.
    listed = refusing.alice.run("list")
    assert listed.returncode == 0 and "stored the new token for `acme/x`" in listed.stderr, listed
    assert bob.get("acme/x") == refusing.alice.get("acme/x") == "access-2"


@pytest.mark.parametrize("meanwhile", ["login", "deletion"])
def test_a_late_answer_overwrites_nothing_else(refusing, meanwhile):
    bob = refusing.join("bob")
    refusing.log_in()
    process = refusing.stop_in_its_request(refusing.alice)
    try:
        refusing.end_leases()
        assert bob.run("get", "acme/x").returncode == 4
        if meanwhile == "login":
            refusing.server.reset()
            bob.succeed("login", "acme", "--user", "x")
            assert bob.get("acme/x") == "access-2"
            bob.succeed("refresh", "acme/x")
            out, err = go_on(process)
            assert (process.returncode, out) == (0, "access-3\n"), err
            assert bob.get("acme/x") == refusing.alice.get("acme/x") == "access-3"
        else:
            bob.succeed("delete", "acme/x", "--yes", "--no-revoke")
            go_on(process)
            assert process.returncode == 3
            assert refusing.alice.run("get", "acme/x").returncode == 3
            assert refusing.alice.succeed("list") == ""
    finally:
        process.kill()


def test_an_answer_is_kept_for_ten_minutes_and_the_status_tells(team):
    team.log_in()
    assert kept(team.alice) == []
    assert team.alice.get("acme/x") == "access-2"
    found = kept(team.alice)
    assert [one["account"] for one in found] == ["acme/x"] and found[0]["until"], found
    assert "kept here   acme/x, its last answer, until" in team.alice.succeed("vault", "status")
    spills = list(team.alice.home.glob("state/**/*.spill"))
    assert len(spills) == 1 and spills[0].read_bytes()[:4] != bytes(4)
    # Eleven minutes later, by what the file says.
    whole = spills[0].read_bytes()
    at = 4 + int.from_bytes(whole[:4], "little") + 24
    stored = int.from_bytes(whole[at:at + 8], "little")
    assert abs(stored - time.time()) < 60
    aged = whole[:at] + (stored - 660).to_bytes(8, "little") + whole[at + 8:]
    spills[0].write_bytes(aged)
    team.alice.succeed("list")
    assert kept(team.alice) == []
    assert spills[0].read_bytes()[:64] == bytes(64)


def test_any_command_stores_what_the_database_does_not_have(alone):
    """The database goes between the request and the answer, and comes back."""
    bob = alone.join("bob")
    for command in (["list"], ["vault", "status"], ["member", "list"], ["get", "acme/x"]):
        alone.log_in()
        alone.server.delay = 1.5
        process = alone.alice.start("get", "acme/x")
        while not alone.server.busy:
            time.sleep(0.01)
        alone.database.stop()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 1 and out == "", (out, err)
        alone.database.start_again()
        alone.server.delay = 0
        done = alone.alice.run(*command)
        assert done.returncode == 0, done
        if command[0] != "get":
            assert "stored the new token for `acme/x`" in done.stderr, (command, done)
        assert alone.server.refreshes == 1
        assert bob.get("acme/x") == "access-2"
        assert (alone.server.refreshes, alone.server.replays) == (1, 0)


def test_a_service_stores_it_within_a_second(alone):
    alone.log_in()
    alone.server.delay = 1.5
    # The first look is the only one for an hour.
    watch = alone.alice.start("refresh", "--watch", "--every", "1h")
    try:
        while not alone.server.busy:
            time.sleep(0.01)
        alone.database.stop()
        while alone.server.busy:
            time.sleep(0.01)
        time.sleep(1)
        alone.database.start_again()
        bob = None
        deadline = time.monotonic() + 25
        while bob is None or bob.run("list", "--json").stdout.find('"last_refreshed_at": null') > 0:
            assert time.monotonic() < deadline
            bob = bob or alone.join("bob")
            time.sleep(0.2)
        assert bob.get("acme/x") == "access-2"
        assert (alone.server.refreshes, alone.server.replays) == (1, 0)
    finally:
        watch.terminate()
        watch.communicate()


def test_a_row_that_fell_back_by_two_refreshes_is_mended(alone):
    bob = alone.join("bob")
    alone.log_in()
    keep_a_copy(alone.database)
    assert alone.alice.get("acme/x") == "access-2"
    alone.alice.succeed("refresh", "acme/x")
    put_back(alone.database)
    mended = alone.alice.run("get", "acme/x")
    assert (mended.returncode, mended.stdout) == (0, "access-3\n"), mended
    assert "stored it again" in mended.stderr, mended
    assert bob.get("acme/x") == "access-3"
    assert (alone.server.refreshes, alone.server.replays) == (2, 0)
