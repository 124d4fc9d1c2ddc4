"""Connections that break at each message of each command, in both directions.

A message is lost and the connection reset; or it and all that follows are lost and nobody is told; or it
comes six seconds late, when the time for sending a request is over; or so late that its sender has given
up and done the work again. Whatever the message, the command comes to its end with what it should do done
or not begun, the provider sees a refresh token once, and another machine goes on within 50 seconds.

TOKCTL_CUT_STEP=7 tries each seventh message.
"""

import json
import os
import time
from functools import partial

import pytest

from shared_stage import Stages, TABLES

STEP = int(os.environ.get("TOKCTL_CUT_STEP", "1"))
# How a message fails, and how many cases run beside each other: those that wait cost little else.
WAYS = {
    "lost": ({}, 4),
    "silent": ({"silent": True, "flights": True}, 24),
    "late": ({"late": 6, "flights": True}, 24),
    "given_up": ({"late": 17, "flights": True}, 24),
}


@pytest.fixture(scope="module")
def stages(database):
    made = Stages(database)
    yield made
    made.close()


class Case:
    """A command, run by alice, what is made ready for it, and what must hold behind it."""

    command = ()

    def ready(self, stage):
        pass

    def run(self, stage):
        return stage.alice.run(*self.command)

    def check(self, stage, done):
        """With `done` as it ended: 0, or 9 with nothing done."""

    def both_get_the_token(self, stage):
        """One request, whoever sends it; the other machine need not wait longer than a lease."""
        for world in (stage.bob, stage.alice):
            begun = time.monotonic()
            got = world.run("get", "acme/x")
            assert (got.returncode, got.stdout) == (0, "access-2\n"), got
            assert time.monotonic() - begun < 50, "another machine waited"
        assert (stage.server.refreshes, stage.server.replays) == (1, 0)


class Get(Case):
    command = ("get", "acme/x")

    def check(self, stage, done):
        if done.returncode == 0:
            assert stage.server.refreshes == 1
            assert done.stdout in ("access-2\n", "")
        else:
            # What can't be reached at first is told at once, and nothing was sent.
            assert stage.server.refreshes == 0
        self.both_get_the_token(stage)


class Refresh(Get):
    command = ("refresh", "acme/x")


class Login(Case):
    command = ("login", "acme", "--user", "y")

    def check(self, stage, done):
        users = {row["user"] for row in listed(stage.bob)}
        assert users == ({"x", "y"} if done.returncode == 0 else {"x"})
        self.both_get_the_token(stage)


class LoginAgain(Case):
    command = ("login", "acme", "--user", "x")

    def check(self, stage, done):
        assert [row["user"] for row in listed(stage.bob)] == ["x"]
        self.both_get_the_token(stage)


class Import(Case):
    command = ("login", "vendor", "--user", "z", "--token-stdin")

    def ready(self, stage):
        for world in (stage.alice, stage.bob):
            world.configure(stage.server.definition() + '[providers.vendor]\napi_auth = "bearer"\n')

    def run(self, stage):
        return stage.alice.run(*self.command, stdin="made-up-token")

    def check(self, stage, done):
        got = stage.bob.run("get", "vendor/z")
        assert got.returncode == (0 if done.returncode == 0 else 3), got
        self.both_get_the_token(stage)


class Delete(Case):
    command = ("delete", "acme/x", "--yes", "--no-revoke")

    def check(self, stage, done):
        assert len(listed(stage.bob)) == (0 if done.returncode == 0 else 1)


class List(Case):
    command = ("list",)

    def check(self, stage, done):
        assert (done.stdout.count("\n") > 0) == (done.returncode == 0)
        self.both_get_the_token(stage)


class Status(Case):
    command = ("vault", "status")

    def check(self, stage, done):
        self.both_get_the_token(stage)


class Add(Case):
    @property
    def command(self):
        return ("member", "add", "guest", self.key)

    def ready(self, stage):
        self.key = stage.guest_key

    def check(self, stage, done):
        assert ("guest" in members(stage)) == (done.returncode == 0)
        if done.returncode == 0:
            stage.guest.succeed("vault", "join", done.stdout.strip())
            assert len(listed(stage.guest)) == 1
        self.both_get_the_token(stage)


class Remove(Case):
    command = ("member", "remove", "carol", "--yes")

    def check(self, stage, done):
        assert ("carol" in members(stage)) == (done.returncode != 0)
        assert stage.generation() == (2 if done.returncode == 0 else 1)
        self.both_get_the_token(stage)


class Role(Case):
    command = ("member", "role", "carol", "admin")

    def check(self, stage, done):
        expected = "admin" if done.returncode == 0 else "member"
        assert members(stage)["carol"] == expected
        self.both_get_the_token(stage)


class Demote(Case):
    """Who may write no longer gets a new data key between."""

    command = ("member", "role", "carol", "reader")

    def check(self, stage, done):
        expected = "reader" if done.returncode == 0 else "member"
        assert members(stage)["carol"] == expected
        self.both_get_the_token(stage)


class Rotate(Case):
    command = ("rotate-key",)

    def check(self, stage, done):
        assert stage.generation() == (2 if done.returncode == 0 else 1)
        self.both_get_the_token(stage)


class Join(Case):
    def ready(self, stage):
        self.line = stage.alice.succeed("member", "add", "guest", stage.guest_key).strip()

    def run(self, stage):
        return stage.guest.run("vault", "join", self.line)

    def check(self, stage, done):
        if done.returncode != 0:
            stage.guest.succeed("vault", "join", self.line)
        assert len(listed(stage.guest)) == 1
        self.both_get_the_token(stage)


class Init(Case):
    def ready(self, stage):
        away = "".join(f"ALTER TABLE {table} SET SCHEMA away;" for table in TABLES)
        stage.database.write_vault("CREATE SCHEMA IF NOT EXISTS away;" + away)

    def run(self, stage):
        self.world = stage.machine()
        return self.world.run("vault", "init", stage.address(), "--label", "founder")

    def check(self, stage, done):
        try:
            if done.returncode != 0:
                assert vaults(stage) == 0, "a vault that nobody knows of"
                self.world.succeed("vault", "init", stage.address(), "--label", "founder")
            assert vaults(stage) == 1
            assert listed(self.world) == []
        finally:
            stage.database.write_vault("".join(
                f"DROP TABLE IF EXISTS {table} CASCADE; ALTER TABLE away.{table} SET SCHEMA public;"
                for table in TABLES
            ))


CASES = [Get, Refresh, Login, LoginAgain, Import, Delete, List, Status, Add, Remove, Role, Demote, Rotate,
         Join, Init]


def listed(world):
    return json.loads(world.succeed("list", "--json"))["credentials"]


def members(stage):
    found = json.loads(stage.alice.succeed("member", "list", "--json"))
    return {member["label"]: member["role"] for member in found["members"]}


def vaults(stage):
    there = stage.database.ask_vault("SELECT to_regclass('tokctl_vaults') IS NOT NULL")
    return int(stage.database.ask_vault("SELECT count(*) FROM tokctl_vaults")[0][0]) \
        if there == [["t"]] else 0


def count_messages(kind, how, stage):
    """How many messages the command takes when none fails."""
    case = kind()
    case.ready(stage)
    stage.proxy.cut_at(10**6, **how)
    done = case.run(stage)
    count = stage.proxy.seen
    stage.proxy.let_all_pass()
    assert done.returncode == 0, done
    case.check(stage, done)
    kind.count = count


def cut(kind, how, number, stage):
    case = kind()
    case.ready(stage)
    stage.proxy.cut_at(number, **how)
    done = case.run(stage)
    stage.proxy.let_all_pass()
    try:
        assert done.returncode in (0, 9), done
        case.check(stage, done)
    except AssertionError as error:
        raise AssertionError(f"{kind.__name__} at {number} with {how}: {error}\n{done}") from error


def done_twice(kind, stage):
    case = kind()
    case.ready(stage)
    stage.proxy.commit_twice()
    done = case.run(stage)
    commits = stage.proxy.commits
    stage.proxy.let_all_pass()
    assert done.returncode == 0, done
    assert commits % 2 == 0 and (commits > 0) == (kind not in (List, Status, Join)), (kind, commits)
    case.check(stage, done)


def test_every_change_may_be_carried_out_twice(stages):
    """The word that it was committed is lost each time, so it is done again."""
    failed = stages.run([partial(done_twice, kind) for kind in CASES], 2)
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("answers, code, told", [
    # As often as one command asks.
    ([(429, {"error": "slow_down"})] * 4, 6, ["refresh_failed"]),
    ([(503, {})], 6, ["refresh_failed"]),
    ([(401, {"error": "invalid_client"})], 2, ["refresh_failed"]),
    ([(400, {"error": "invalid_grant"})], 4, ["login_required"]),
])
def test_what_a_refused_refresh_leaves_may_be_written_twice(stages, answers, code, told):
    def case(stage):
        log = stage.alice.home / "hooks"
        log.unlink(missing_ok=True)
        hooks = "".join(
            f"on_{name} = ['/bin/sh', '-c', 'echo {name} >> {log}']\n"
            for name in ("login_required", "refresh_failed"))
        stage.alice.configure(hooks + stage.server.definition())
        stage.server.refusals = list(answers)
        stage.proxy.commit_twice()
        refused = stage.alice.run("get", "acme/x")
        assert refused.returncode == code, refused
        assert stage.server.refusals == [], "it was sent"
        assert (log.read_text().split() if log.exists() else []) == told
        stage.database.write_vault("UPDATE tokctl_rows SET lease_until = 0")
        after = stage.alice.run("get", "acme/x")
        if code == 4:
            assert after.returncode == 4 and stage.server.refreshes == 0, after
        else:
            assert (after.returncode, after.stdout) == (0, "access-2\n"), after
            assert (stage.server.refreshes, stage.server.replays) == (1, 0)
            assert stage.bob.get("acme/x") == "access-2"

    failed = stages.run([case], 1)
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("way", WAYS)
def test_every_command_survives_a_failure_at_each_message(stages, way):
    how, beside = WAYS[way]
    failed = stages.run([partial(count_messages, kind, how) for kind in CASES], 4)
    assert not failed, "\n".join(failed)
    # What takes longest, first.
    cases = [partial(cut, kind, how, number)
             for kind in sorted(CASES, key=lambda kind: kind.count, reverse=True)
             for number in range(1, kind.count + 1, STEP)]
    print(way, len(cases), "cases", {kind.__name__: kind.count for kind in CASES})
    failed = stages.run(cases, beside)
    assert not failed, f"{len(failed)} of {len(cases)}:\n" + "\n".join(failed)
    assert len(cases) > 100 / STEP
