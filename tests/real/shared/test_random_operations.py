"""The same operations, chosen at random, on a vault in a file, on a shared one and on a dictionary.

Now and then a message between the shared vault's machine and the database is lost, so that a change
is carried out twice or not at all, or each change is carried out twice; and its members and data key
change all the while.
"""

import json
import random

import pytest

from message_proxy import MessageProxy
from rotating_server import RotatingServer
from shared_team import Team
from world import World

VENDOR = '[providers.vendor]\napi_auth = "bearer"\n'
USERS = ("a", "b@example.com", "c/d", "é")


class Compared:
    """One vault of each kind, and what both should hold: the token of each user."""

    def __init__(self, database, choice, twice):
        self.choice, self.model, self.members, self.twice = choice, {}, {}, twice
        self.proxy = MessageProxy(database.port)
        self.server = RotatingServer("strict")
        self.team = Team(database, self.server, self.proxy.port)
        self.file = World()
        self.file.use_new_key()
        for world in (self.file, self.team.alice):
            world.configure(VENDOR)
        self.witness = self.team.join("witness")
        self.witness.configure(VENDOR)
        self.count = 0

    def close(self):
        self.team.close()
        self.file.close()
        self.proxy.close()
        self.server.close()

    def on_both(self, *command, stdin=None, ends=(0,)):
        done = self.file.run(*command, stdin=stdin)
        assert done.returncode in ends, done
        code = self.on_shared(*command, stdin=stdin, ends=ends)
        # What was done before its confirmation was lost is not there to be done any more.
        assert code == done.returncode or self.was_cut, (command, code, done)

    def on_shared(self, *command, stdin=None, ends=(0,)):
        """Runs a command, with a message lost in one of three; then again, if that ended it."""
        self.was_cut = not self.twice and self.choice.random() < 1 / 3
        if self.twice:
            self.proxy.commit_twice()
        if self.was_cut:
            self.proxy.cut_at(self.choice.randrange(8, 60))
        first = self.team.alice.run(*command, stdin=stdin)
        assert self.proxy.commits % 2 == 0
        self.proxy.let_all_pass()
        if not self.was_cut or first.returncode in ends:
            assert first.returncode in ends, first
            return first.returncode
        assert first.returncode in (9, *ends), first
        again = self.team.alice.run(*command, stdin=stdin)
        assert again.returncode in (*ends, 2, 3), (first, again)
        return again.returncode

    def log_in(self):
        user, token = self.choice.choice(USERS), f"made-up-{self.choice.randrange(10**9)}"
        self.on_both("login", "vendor", "--user", user, "--token-stdin", stdin=token)
        self.model[user] = token

    def delete(self):
        user = self.choice.choice(USERS)
        ends = (0,) if user in self.model else (3,)
        self.on_both("delete", "vendor", "--user", user, "--yes", "--no-revoke", ends=ends)
        self.model.pop(user, None)

    def rotate(self):
        self.file.succeed("rotate-key")
        self.on_shared("rotate-key")

    def change_members(self):
        self.count += 1
        label = f"m{self.count}"
        machine = self.team.machine()
        public = machine.succeed("key", "public").strip()
        self.on_shared("member", "add", label, public)
        self.on_shared("member", "role", label, self.choice.choice(("admin", "reader")))
        if self.choice.random() < 0.7:
            self.on_shared("member", "remove", label, "--yes")

    def compare(self):
        for world in (self.file, self.team.alice, self.witness):
            listed = json.loads(world.succeed("list", "--json"))["credentials"] \
                if self.model or world is not self.file else []
            assert sorted(row["user"] for row in listed) == sorted(self.model)
        user = self.choice.choice(USERS)
        for world in (self.file, self.witness):
            got = world.run("get", "vendor", "--user", user)
            expected = self.model.get(user)
            assert got.returncode == (0 if expected else 3), got
            assert got.stdout.strip() == (expected or "")


@pytest.mark.parametrize("twice", [False, True], ids=["cut", "twice"])
@pytest.mark.parametrize("seed", range(2))
def test_both_engines_do_what_a_dictionary_does(database, seed, twice):
    choice = random.Random(seed)
    compared = Compared(database, choice, twice)
    try:
        compared.log_in()
        for _ in range(25):
            operation = choice.choices(
                (compared.log_in, compared.delete, compared.rotate, compared.change_members),
                (6, 4, 1, 1),
            )[0]
            operation()
            compared.compare()
    finally:
        compared.close()
