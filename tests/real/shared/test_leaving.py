"""A member is removed, or loses the right to write: what is waited for, what is refused, and what is
said of what the member could read.
"""

import json
import signal
import threading
import time

import pytest

from rotating_server import RotatingServer
from shared_team import Team


@pytest.fixture
def stop():
    """Stops machines in their request, and ends them with the test."""
    begun = []

    def stop(team, world):
        begun.append(team.stop_in_its_request(world))
        return begun[-1]

    yield stop
    for process in begun:
        process.kill()
        process.communicate()


def test_nobody_removes_or_demotes_oneself(team):
    """Whoever makes the new data key signs every row with it, and knows it."""
    bob = team.join("bob", "--admin")
    team.log_in()
    token = team.alice.get("acme/x")
    before = team.alice.succeed("vault", "status")
    for command in (["remove", "alice", "--yes"], ["role", "alice", "reader"]):
        refused = team.alice.run("member", *command)
        assert refused.returncode == 2 and "itself" in refused.stderr, refused
        assert "member list" in refused.stderr, refused
    assert team.alice.succeed("vault", "status") == before
    # Another admin does it, and everything stays readable.
    bob.succeed("member", "remove", "alice", "--yes")
    assert bob.get("acme/x") == token
    assert team.alice.run("get", "acme/x").returncode == 5
    # An admin may give up being one, while there is another.
    carol = team.machine()
    public = carol.succeed("key", "public").strip()
    carol.succeed("vault", "join", bob.succeed("member", "add", "carol", public, "--admin").strip())
    bob.succeed("member", "role", "bob", "member")
    assert bob.run("member", "remove", "carol", "--yes").returncode == 2
    assert bob.get("acme/x") == carol.get("acme/x") == token


def test_the_last_admin_stays_and_nobody_goes_twice(team):
    bob = team.join("bob")
    for command in (["remove", "alice", "--yes"], ["role", "alice", "member"],
                    ["role", "alice", "reader"]):
        refused = team.alice.run("member", *command)
        assert refused.returncode == 2 and "last admin" in refused.stderr, refused
    public = bob.succeed("key", "public").strip()
    for label in ("bob", "BOB", "robert"):
        refused = team.alice.run("member", "add", label, public)
        assert refused.returncode == 2 and "bob" in refused.stderr, refused
    team.alice.succeed("member", "remove", "bob", "--yes")
    gone = team.alice.run("member", "remove", "bob", "--yes")
    assert gone.returncode == 3 and "member list" in gone.stderr, gone
    assert team.alice.run("member", "role", "bob", "reader").returncode == 3
    # A member is no admin, and is told so before anything is asked.
    carol = team.join("carol")
    refused = carol.run("member", "remove", "alice")
    assert refused.returncode == 2 and "only an admin" in refused.stderr, refused


def test_a_removal_waits_for_the_leavers_refresh(team):
    bob = team.join("bob")
    team.log_in()
    team.server.delay = 3
    process = bob.start("get", "acme/x")
    while not team.server.busy:
        time.sleep(0.01)
    begun = time.monotonic()
    team.alice.succeed("member", "remove", "bob", "--yes")
    assert time.monotonic() - begun > 1
    out, err = process.communicate(timeout=30)
    # It stored its answer while it still was a member.
    assert (process.returncode, out) == (0, "access-2\n"), err
    assert team.alice.get("acme/x") == "access-2"
    assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_an_answer_that_only_the_leaver_has_is_not_given_up_unasked(team, stop):
    bob = team.join("bob")
    team.log_in()
    stopped = stop(team, bob)
    team.end_leases()
    for command in (["remove", "bob", "--yes"], ["role", "bob", "reader"]):
        refused = team.alice.run("member", *command)
        assert refused.returncode == 9, refused
        for said in ("`bob` began a refresh of `acme/x`", "--force"):
            assert said in refused.stderr, refused
    listed = team.alice.succeed("member", "list")
    assert "bob\tmember" in listed, listed
    # It lives, and stores what it has: then nothing is in the way.
    stopped.send_signal(signal.SIGCONT)
    assert stopped.communicate(timeout=60)[0] == "access-2\n"
    team.alice.succeed("member", "remove", "bob", "--yes")
    assert team.alice.get("acme/x") == "access-2"
    assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_with_force_the_grants_are_named_that_may_be_lost(team, stop):
    bob = team.join("bob")
    team.log_in()
    stopped = stop(team, bob)
    team.end_leases()
    done = team.alice.run("member", "remove", "bob", "--yes", "--force", "--json")
    assert done.returncode == 0, done
    report = json.loads(done.stdout)
    assert [(one["provider"], one["user"]) for one in report["given_up"]] == [("acme", "x")]
    assert "if `acme/x` is refused, `tokctl login acme/x`" in done.stderr, done
    assert report["role"] is None and report["join_line"].endswith(report["head"])
    # What it has can't come in any more.
    stopped.send_signal(signal.SIGCONT)
    out, err = stopped.communicate(timeout=60)
    assert stopped.returncode == 1 and "no member" in err and out == "", (out, err)
    assert team.server.refreshes == 1
    # It lies sealed on its machine, and comes in if an admin takes the member back.
    public = bob.succeed("key", "public").strip()
    team.alice.succeed("member", "add", "bob", public)
    assert bob.get("acme/x") == team.alice.get("acme/x") == "access-2"
    assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_the_leaver_is_told_of_with_what_ends_each_credential(team):
    team.join("bob")
    team.log_in()
    team.alice.get("acme/x")
    team.alice.succeed("login", "jira", "--user", "pat", "--server", "https://jira.example.com",
                       "--token-stdin", stdin="made-up-token")
    done = team.alice.run("member", "remove", "bob", "--yes")
    assert done.returncode == 0, done
    for said in (
        "removed `bob`, and sealed everything anew",
        "what `bob` has read works until it ends or is revoked",
        "end what was granted for `acme/x` at the service; then `tokctl login acme/x`",
        "revoke `jira/pat` at the service; then `tokctl login jira/pat`",
        "replace join lines from before entry 3",
    ):
        assert said in done.stderr, (said, done)
    line = done.stdout.strip()
    assert line.count("\n") == 0 and "#3." in line, done
    # The line is one to join with, and the one from before is none for who was removed.
    fresh = team.machine()
    public = fresh.succeed("key", "public").strip()
    team.alice.succeed("member", "add", "fresh", public)
    fresh.succeed("vault", "join", line)
    assert fresh.get("acme/x") == "access-2"


def test_two_admins_change_the_members_at_once(team):
    """Each gets what was asked for, one behind the other."""
    bob = team.join("bob", "--admin")
    team.log_in()
    token = team.alice.get("acme/x")
    strings = {label: team.machine().succeed("key", "public").strip() for label in "cdef"}
    for turn in range(3):
        begun = [
            team.alice.start("rotate-key"),
            bob.start("rotate-key"),
            team.alice.start("member", "add", "c", strings["c"]),
            bob.start("member", "add", "d", strings["d"]),
        ]
        for process in begun:
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, (out, err)
        assert team.alice.get("acme/x") == bob.get("acme/x") == token
        begun = [
            team.alice.start("member", "remove", "c", "--yes"),
            bob.start("member", "remove", "d", "--yes"),
            bob.start("rotate-key"),
        ]
        for process in begun:
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, (out, err)
    members = {line.split("\t")[0] for line in bob.succeed("member", "list").splitlines()}
    assert members == {"alice", "bob"}
    heads = {json.loads(world.succeed("vault", "status", "--json"))["head"]
             for world in (team.alice, bob)}
    assert len(heads) == 1
    assert team.alice.get("acme/x") == bob.get("acme/x") == token


def test_a_rotation_that_dies_holds_nobody_up_for_long(team, stop):
    """It is killed while it waits for a refresh; its announcement ends by itself."""
    bob = team.join("bob")
    team.log_in()
    stopped = stop(team, bob)
    rotation = team.alice.start("rotate-key")
    while team.database.ask_vault(
        "SELECT 1 FROM tokctl_vaults WHERE held_until > extract(epoch FROM now()) * 1000000"
    ) == []:
        time.sleep(0.05)
    for process in (rotation, stopped):
        process.kill()
        process.communicate()
    begun = time.monotonic()
    team.end_leases()
    # The token is over, so the refresh is tried again: by a strict provider it is refused.
    carol = team.join("carol")
    done = carol.run("get", "acme/x")
    assert done.returncode == 4, done
    assert 2 < time.monotonic() - begun < 25
    # A login mends it, and the next rotation finds nothing in its way.
    team.log_in()
    team.alice.succeed("rotate-key")
    assert carol.get("acme/x") == "access-2"


def test_rotations_and_refreshes_at_once_lose_nothing(database):
    """Claims, answers, logins and rotations meet in every order; each credential stays whole."""
    class ShortLived(RotatingServer):
        def answer(self, expires_in):
            return super().answer(min(expires_in, 1))

    server = ShortLived("tolerant")
    team = Team(database, server)
    try:
        bob, carol = team.join("bob", "--admin"), team.join("carol")
        team.log_in()
        over, wrong = threading.Event(), []

        def work(world, *command, fine):
            number = 0
            while not over.is_set():
                number += 1
                words = [word.replace("%", str(number)) for word in command]
                done = world.run(*words, timeout=150)
                if done.returncode not in fine:
                    wrong.append(done)

        workers = [
            threading.Thread(target=work, args=(team.alice, "rotate-key"), kwargs={"fine": (0,)}),
            threading.Thread(target=work, args=(bob, "rotate-key"), kwargs={"fine": (0,)}),
            threading.Thread(target=work, args=(bob, "refresh", "acme/x"), kwargs={"fine": (0,)}),
            threading.Thread(target=work, args=(carol, "refresh", "acme/x"), kwargs={"fine": (0,)}),
            threading.Thread(target=work, args=(carol, "login", "acme", "--user", "y%"),
                             kwargs={"fine": (0,)}),
        ]
        for worker in workers:
            worker.start()
        time.sleep(20)
        over.set()
        for worker in workers:
            worker.join()
        assert not wrong, wrong[0]
        rows = json.loads(carol.succeed("list", "--json"))["credentials"]
        logins = [row["user"] for row in rows if row["user"] != "x"]
        # No login was lost to a rotation.
        assert sorted(int(user[1:]) for user in logins) == list(range(1, len(logins) + 1))
        assert len(logins) > 2
        for row in rows:
            assert bob.run("get", f"acme/{row['user']}").returncode == 0, row
        generation = json.loads(bob.succeed("vault", "status", "--json"))["generation"]
        assert generation > 3
    finally:
        team.close()
        server.close()
