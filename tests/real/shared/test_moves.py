"""Where a move goes, and what is said of what was moved: nothing is in two vaults, and nobody has to
guess which one has it."""

import json
import re
import shutil

import pytest

from kills import killed_at
from shared_moves import (
    STATIC,
    copied_to,
    file_of,
    filled,
    in_copy,
    key_file,
    listed,
    person,
    typed,
)
from shared_team import Team

BOTH = {"acme/x": "active", "vendor/y": "active"}


@pytest.fixture
def unfounded(database, strict):
    made = Team(database, strict, founded=False)
    yield made
    made.close()


def beside_key(team):
    """The team's admin, with a key for files beside the identity."""
    alice = filled(team)
    alice.env["TOKCTL_NEW_KEY_FILE"] = key_file(alice)
    return alice, {"TOKCTL_KEY_FILE": alice.env["TOKCTL_NEW_KEY_FILE"]}


def refuse(team, what):
    """The database lets nobody do `what` to its table any more, such as `DELETE ON tokctl_bundles`."""
    team.database.write_vault(
        "CREATE OR REPLACE FUNCTION made_up() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'made up'; END $$;"
        f"CREATE TRIGGER made_up BEFORE {what} FOR EACH ROW EXECUTE FUNCTION made_up();")


def allow(team, table):
    team.database.write_vault(f"DROP TRIGGER made_up ON {table};")


# --- the way back, for two files -----------------------------------------------------------------

def test_a_file_of_another_member_is_said_to_be_on_that_ones_machine(team):
    alice, opened = beside_key(team)
    bob = team.join("bob")
    alice.succeed("backup", "own.db", "--move", "--yes")
    place = f"may be used only in `{alice.home}/own.db` on a machine of `alice`"
    # As if it were on another machine.
    (alice.home / "own.db").rename(alice.home / "away.db")
    refused = bob.run("get", "acme/x")
    assert refused.returncode == 4 and place in refused.stderr, refused
    assert "let `alice` bring it back, or take another grant with `tokctl login acme/x`" in refused.stderr
    assert place in bob.succeed("why", "acme/x")
    # Where the file is, it is no file of somebody else.
    (alice.home / "away.db").rename(alice.home / "own.db")
    own = alice.run("get", "acme/x")
    assert f"may be used only in `{alice.home}/own.db`\n" in own.stderr, own
    assert in_copy(alice, opened, "get", "acme/x", file="own.db").stdout == "access-2\n"


def test_a_file_into_which_nothing_came_is_not_said_to_have_all(team):
    alice, opened = beside_key(team)
    first, second = (("backup", name, "--move", "--yes") for name in ("first.db", "second.db"))
    count = 0
    while not (alice.home / "first.db").exists():
        count += 1
        assert killed_at(alice, "sendto", count, *first)
    assert listed(alice) == BOTH, "it was killed too late"
    alice.succeed(*second)
    assert in_copy(alice, opened, "get", "acme/x", file="second.db").stdout == "access-2\n"
    told = alice.run(*first)
    assert told.returncode == 3 and "all was moved" not in told.stderr, told
    assert f"2 credentials were moved into `{alice.home}/second.db`" in told.stderr, told
    shown = typed(alice, told, env={"TOKCTL_KEY": "", **opened})
    assert shown.returncode == 0 and "acme" in shown.stdout, shown
    # Where they are, it has nothing to do.
    again = alice.run(*second)
    assert again.returncode == 0 and "nothing is left to move" in again.stderr, again


def test_what_may_have_arrived_goes_into_no_other_file(team):
    alice, opened = beside_key(team)
    # It arrives, and the vault that it left can't forget it.
    refuse(team, "DELETE ON tokctl_bundles")
    assert alice.run("backup", "first.db", "--move", "--yes").returncode != 0
    other = alice.run("backup", "second.db", "--move", "--yes")
    assert other.returncode == 1 and "first.db` was interrupted" in other.stderr, other
    assert not (alice.home / "second.db").exists()
    lost = alice.run("get", "acme/x")
    assert lost.returncode == 4 and f"hint: tokctl backup {alice.home}/first.db" in lost.stderr, lost
    allow(team, "tokctl_bundles")
    done = typed(alice, other)
    assert done.returncode == 0, done
    assert in_copy(alice, opened, "get", "acme/x", file="first.db").stdout == "access-2\n"
    assert alice.run("backup", "second.db", "--move", "--yes").returncode == 3
    assert (team.server.refreshes, team.server.replays) == (1, 0)


def test_a_file_that_was_deleted_is_made_again_and_gets_what_waits(team):
    alice, opened = beside_key(team)
    refuse(team, "DELETE ON tokctl_bundles")
    assert alice.run("backup", "first.db", "--move", "--yes").returncode != 0
    allow(team, "tokctl_bundles")
    (alice.home / "first.db").unlink()
    shutil.rmtree(alice.home / "first.db.d", ignore_errors=True)
    alice.succeed("backup", "first.db", "--move", "--yes")
    assert in_copy(alice, opened, "get", "acme/x", file="first.db").stdout == "access-2\n"


def interrupted(team, world):
    """A move into first.db that arrived, which the vault that it left does not know."""
    refuse(team, "DELETE ON tokctl_bundles")
    assert world.run("backup", "first.db", "--move", "--yes").returncode != 0
    allow(team, "tokctl_bundles")


def test_what_is_on_its_way_to_a_file_is_no_bundle_for_others(team):
    alice, opened = beside_key(team)
    interrupted(team, alice)
    found = alice.run("doctor")
    assert found.returncode == 1 and "hint: tokctl why" in found.stdout, found
    assert f"tokctl backup {alice.home}/first.db --move" in alice.run("why", "acme/x").stdout
    refused = alice.run("export", "--resume", "--output", "moved.bundle")
    assert refused.returncode == 1 and "first.db` was interrupted" in refused.stderr, refused
    assert not (alice.home / "moved.bundle").exists()
    assert typed(alice, refused).returncode == 0
    assert in_copy(alice, opened, "get", "acme/x", file="first.db").stdout == "access-2\n"


def test_whoever_wants_the_bundle_nevertheless_gets_it(team):
    alice, _ = beside_key(team)
    interrupted(team, alice)
    alice.succeed("export", "--resume", "--yes", "--output", "moved.bundle")
    assert (alice.home / "moved.bundle").exists()


def test_who_may_only_read_afterwards_is_told_of_what_waits(team):
    alice, bob = filled(team), team.join("bob")
    bob.env["TOKCTL_NEW_KEY_FILE"] = key_file(bob)
    interrupted(team, bob)
    command = f"`tokctl backup {bob.home}/first.db --move --yes`"
    for change in (("remove", "bob"), ("role", "bob", "reader")):
        done = alice.run("member", *change)
        assert f"let `bob` type {command} first" in done.stderr, done


# --- into a shared vault -------------------------------------------------------------------------

def init(team, world, name):
    return ("vault", "init", team.address(), "--name", name, "--from", file_of(world))


def test_what_waits_for_one_vault_goes_into_no_other(unfounded):
    world = person(unfounded)
    world.succeed("vault", "init", unfounded.address(), "--name", "one")
    world.succeed("vault", "init", unfounded.address(), "--name", "two")
    refuse(unfounded, "INSERT ON tokctl_rows")
    assert world.run(*init(unfounded, world, "one")).returncode != 0
    allow(unfounded, "tokctl_rows")
    for name in ("two", "three"):
        other = world.run(*init(unfounded, world, name))
        assert other.returncode == 1 and "the vault `one` was interrupted" in other.stderr, other
    lost = world.run("get", "vendor/y")
    assert lost.returncode == 4, lost
    done = typed(world, lost)
    assert done.returncode == 0, done
    assert listed(world, "--vault", "one") == BOTH and listed(world, "--vault", "two") == {}
    told = world.run(*init(unfounded, world, "three"))
    assert told.returncode == 3 and "moved into the vault `one`" in told.stderr, told
    assert typed(world, told).stdout.startswith("acme"), told
    assert unfounded.server.replays == 0


def test_the_file_says_which_vault_has_what_left_it(unfounded):
    world = person(unfounded)
    world.succeed(*init(unfounded, world, "team"))
    for command in (["get", "vendor/y"], ["get", "vendor"], ["refresh", "acme/x"],
                    ["run", "--env", "TOKEN=vendor/y", "--", "printenv", "TOKEN"],
                    ["env", "TOKEN=vendor/y"], ["check", "vendor/y"]):
        refused = world.run(*command)
        assert refused.returncode in (1, 4) and "the vault `team`" in refused.stderr, refused
        hint = refused.stderr.strip().splitlines()[-1]
        assert re.match(rf"hint: tokctl {command[0]} .*--vault team", hint), refused
        if command[0] != "check":
            assert typed(world, refused).returncode == 0, refused
    # What works for one of two does not for both.
    world.succeed("login", "vendor", "--user", "z", "--token-stdin", stdin=STATIC)
    refused = world.run("run", "--env", "A=vendor/y", "--env", "B=vendor/z", "--", "true")
    assert refused.returncode == 4, refused
    assert refused.stderr.endswith("hint: tokctl --vault team get vendor/y\n"), refused
    assert typed(world, refused).stdout == STATIC + "\n"
    why = world.succeed("why", "vendor/y").splitlines()
    assert "the vault `team`" in why[0] and why[-1] == "tokctl --vault team get vendor/y", why
    for command in ("list", "status"):
        told = world.run(command)
        assert "moved from this file into `team`: `tokctl --vault team list`" in told.stderr, told
    # Whoever took it back logs in again here, and is told nothing of it.
    error = json.loads(world.run("get", "vendor/y", "--json").stderr)
    assert error["error"]["code"] == "login_required" and "--vault team" in error["error"]["hint"]


def test_what_comes_back_into_its_file_works_there_again(unfounded):
    world = person(unfounded)
    world.succeed(*init(unfounded, world, "team"))
    world.succeed("--vault", "team", "backup", file_of(world), "--move", "--yes")
    assert listed(world) == BOTH
    assert world.get("acme/x") == "access-2" and world.get("vendor/y") == STATIC
    gone = world.run("--vault", "team", "get", "vendor/y")
    assert gone.returncode == 4 and file_of(world) in gone.stderr, gone
    assert typed(world, gone).stdout == STATIC + "\n"
    # And once more there.
    world.succeed(*init(unfounded, world, "team"))
    assert listed(world, "--vault", "team") == BOTH
    assert (unfounded.server.refreshes, unfounded.server.replays) == (1, 0)


def test_a_copy_says_who_has_the_login_that_it_can_not_hold(team):
    alice = filled(team)
    opened = copied_to(alice)
    refused = in_copy(alice, opened, "get", "acme/x")
    assert refused.returncode == 4 and "the vault `vault`" in refused.stderr, refused
    assert typed(alice, refused).stdout == "access-2\n"


def test_a_file_that_was_put_back_moves_nothing_until_that_is_accepted(unfounded):
    world = person(unfounded)
    file, kept = world.vault, world.home / "kept.db"
    world.succeed("backup", str(kept))
    assert world.get("acme/x") == "access-2"
    other = file.rename(world.home / "elsewhere.db")
    assert other
    shutil.copy(kept, other)
    refused = world.run("vault", "init", unfounded.address(), "--name", "team", "--from", str(other))
    assert refused.returncode == 7, refused
    assert f"`tokctl --vault {other} doctor --accept-older --yes`" in refused.stderr, refused
    assert not (world.home / "data" / "tokctl" / "vaults.toml").exists()
    assert typed(world, refused).returncode in (0, 1)
    world.succeed("vault", "init", unfounded.address(), "--name", "team", "--from", str(other))
    assert listed(world, "--vault", "team")["vendor/y"] == "active"


def test_a_move_has_no_bound(unfounded):
    world = person(unfounded)
    # More than the four megabytes that a bundle holds.
    tokens = [f"{n:08}" * 6400 for n in range(75)]
    for n, token in enumerate(tokens):
        world.succeed("login", "vendor", "--user", f"u{n}", "--token-stdin", stdin=token)
    key = key_file(world)
    refused = world.run("export", "--all", "--move", "--yes", "--to", f"key:{key}", "--output", "b")
    assert refused.returncode == 1 and "a bundle holds 4 MB" in refused.stderr, refused
    done = world.run(*init(unfounded, world, "team"), timeout=300)
    assert done.returncode == 0 and "moved 77 credentials into `team`" in done.stderr, done
    assert set(listed(world, "--vault", "team").values()) == {"active"}
    assert world.succeed("--vault", "team", "get", "vendor/u7").strip() == tokens[7]
    world.succeed("--vault", "team", "backup", "back.db", "--move", "--yes", timeout=300)
    assert len(listed(world, "--vault", "back.db")) == 77
    assert world.succeed("--vault", "back.db", "get", "vendor/u7").strip() == tokens[7]


def test_a_move_that_was_interrupted_between_two_parts_goes_on(unfounded):
    world = person(unfounded)
    for n in range(60):
        world.succeed("login", "vendor", "--user", f"u{n}", "--token-stdin", stdin=f"{n:08}" * 6400)
    world.succeed("vault", "init", unfounded.address(), "--name", "team")
    # The first part comes in, and a row of a later one does not.
    unfounded.database.write_vault(
        "CREATE OR REPLACE FUNCTION made_up() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF (SELECT count(*) FROM tokctl_rows) > 30 THEN RAISE EXCEPTION 'made up'; END IF;"
        "RETURN NEW; END $$;"
        "CREATE TRIGGER made_up BEFORE INSERT ON tokctl_rows FOR EACH ROW EXECUTE FUNCTION made_up();")
    assert world.run(*init(unfounded, world, "team")).returncode != 0
    allow(unfounded, "tokctl_rows")
    states = listed(world)
    assert set(states.values()) == {"active", "handed_over"}, "all of it was in one part"
    world.succeed(*init(unfounded, world, "team"))
    assert len(listed(world, "--vault", "team")) == 62
    assert set(listed(world).values()) == {"handed_over"}
