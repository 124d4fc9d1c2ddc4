"""Carrying credentials between a vault in a file and a shared one: all of them at once, and in bundles."""

import pytest

from kills import killed_at
from shared_moves import (
    PASSPHRASE,
    STATIC,
    copied_to,
    file_of,
    filled,
    in_copy,
    key_file,
    listed,
    person,
    statuses,
    wait_until,
)
from shared_team import Team


@pytest.fixture
def unfounded(database, strict):
    made = Team(database, strict, founded=False)
    yield made
    made.close()


def assert_moved(world, address):
    shared = ("--vault", "team")
    assert listed(world, *shared) == {"acme/x": "active", "vendor/y": "active"}
    assert set(listed(world).values()) == {"handed_over"}
    assert world.run("get", "acme/x").returncode == 4
    assert world.succeed(*shared, "get", "vendor/y") == STATIC + "\n"
    return shared


def test_a_vault_in_a_file_moves_into_a_new_one_whole(unfounded):
    world = person(unfounded)
    line = world.succeed("vault", "init", unfounded.address(), "--name", "team",
                         "--from", file_of(world)).strip()
    assert line.startswith(unfounded.address() + "#1.")
    shared = assert_moved(world, unfounded.address())
    assert world.succeed(*shared, "get", "acme/x") == "access-2\n"
    assert (unfounded.server.refreshes, unfounded.server.replays) == (1, 0)
    assert world.run("doctor").returncode in (0, 1)
    world.succeed("audit", "--verify")
    # Once more, it has nothing to do and prints the line again.
    again = world.succeed("vault", "init", unfounded.address(), "--name", "team",
                          "--from", file_of(world)).strip()
    assert again == line
    # Whoever joins has them too.
    bob = unfounded.machine()
    public = bob.succeed("key", "public").strip()
    line = world.succeed(*shared, "member", "add", "bob", public).strip()
    bob.succeed("vault", "join", line)
    assert bob.succeed("get", "acme/x") == "access-2\n"
    # What a vault has that others use is not mixed with what a file has.
    other = person(unfounded)
    other.env |= {name: world.env[name] for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
    other.env["TOKCTL_PASSPHRASE"] = PASSPHRASE
    file = str(other.home / "other.db")
    other.succeed("--vault", file, "login", "vendor", "--user", "z", "--token-stdin", stdin=STATIC)
    refused = other.run("vault", "init", unfounded.address(), "--name", "team", "--from", file)
    assert refused.returncode == 2 and "help shared" in refused.stderr, refused
    assert listed(other, "--vault", file) == {"vendor/z": "active"}


def test_an_identity_in_the_environment_does_not_open_the_file(unfounded):
    world = person(unfounded)
    world.env["TOKCTL_KEY"] = world.succeed("key", "generate", "--identity").strip()
    world.succeed("vault", "init", unfounded.address(), "--from", file_of(world), "--name", "team")
    assert world.succeed("--vault", "team", "get", "vendor/y") == STATIC + "\n"


def test_what_can_not_be_moved_now_founds_no_vault(unfounded):
    world = person(unfounded)
    # The request of a refresh is sent, and its answer never stored.
    unfounded.server.delay = 5
    process = world.start("refresh", "acme/x")
    wait_until(lambda: unfounded.server.busy)
    process.kill()
    process.communicate()
    unfounded.server.delay = 0
    done = world.run("vault", "init", unfounded.address(), "--from", file_of(world))
    assert done.returncode == 6, done
    hint = done.stderr.strip().splitlines()[-1]
    assert hint == f"hint: tokctl --vault {file_of(world)} why acme/x", done
    world.succeed(*hint.removeprefix("hint: tokctl ").split())
    assert not (world.home / "data" / "tokctl" / "vaults.toml").exists()
    assert listed(world)["vendor/y"] == "active"


def test_an_interrupted_move_can_go_into_a_bundle_which_the_identity_opens(unfounded):
    world = person(unfounded)
    proxy_down = unfounded.address()
    world.succeed("vault", "init", proxy_down, "--name", "team")
    # The database goes away between the two: what the file handed over waits in it.
    unfounded.database.write_vault(
        "ALTER TABLE tokctl_rows ADD CONSTRAINT made_up CHECK (length(label) < 0) NOT VALID")
    try:
        done = world.run("vault", "init", proxy_down, "--name", "team", "--from", file_of(world))
    finally:
        unfounded.database.write_vault("ALTER TABLE tokctl_rows DROP CONSTRAINT made_up")
    assert done.returncode != 0 and "is kept" in done.stderr, done
    assert f"hint: tokctl vault init {proxy_down}" in done.stderr, done
    assert world.run("get", "vendor/y").returncode == 4
    world.succeed("export", "--resume", "--yes", "--output", "moved.bundle")
    world.succeed("--vault", "team", "import", "bundle", "moved.bundle")
    assert_moved(world, proxy_down)
    again = world.run("--vault", "team", "import", "bundle", "moved.bundle")
    assert again.returncode == 1, again
    world.succeed("--vault", "team", "import", "bundle", "moved.bundle", "--if-new")


# --- back --------------------------------------------------------------------------------------

def test_a_copy_has_what_two_may_hold(team):
    alice = filled(team)
    opened = copied_to(alice)
    assert in_copy(alice, opened, "get", "vendor/y").stdout == STATIC + "\n"
    inert = in_copy(alice, opened, "get", "acme/x")
    assert inert.returncode == 4, inert
    assert alice.get("acme/x") == "access-2"
    assert (team.server.refreshes, team.server.replays) == (1, 0)
    assert (alice.home / "copy.db").stat().st_mode & 0o777 == 0o600
    taken = alice.run("backup", "copy.db")
    assert taken.returncode == 1 and "not there yet" in taken.stderr, taken


def test_the_way_back_moves_all_of_it(team):
    alice = filled(team)
    bob = team.join("bob")
    refused = alice.run("backup", "copy.db", "--move")
    assert refused.returncode != 0 and not (alice.home / "copy.db").exists(), refused
    opened = copied_to(alice, "--move", "--yes")
    assert in_copy(alice, opened, "get", "acme/x").stdout == "access-2\n"
    assert bob.run("get", "acme/x").returncode == 4
    assert bob.run("get", "vendor/y").returncode == 4
    assert (team.server.refreshes, team.server.replays) == (1, 0)
    assert in_copy(alice, opened, "doctor").returncode == 0
    assert in_copy(alice, opened, "audit", "--verify").returncode == 0
    # And in again.
    assert in_copy(alice, opened, "refresh", "acme/x").returncode == 0
    assert (team.server.refreshes, team.server.replays) == (2, 0)


# --- killed anywhere -----------------------------------------------------------------------------

class IntoShared:
    """A vault in a file, all of which goes into a new shared one."""

    def __init__(self, database, strict):
        self.team = Team(database, strict, founded=False)
        self.world = person(self.team)
        self.command = ("vault", "init", self.team.address(), "--name", "team",
                        "--from", file_of(self.world))

    def seen(self):
        """The state of the rotating login in the vault that it leaves, and in the other."""
        left = statuses(self.world.run("list", "--json"))
        other = statuses(self.world.run("--vault", "team", "list", "--json"))
        return left.get("acme/x"), other.get("acme/x")

    def get(self, account):
        return self.world.run("--vault", "team", "get", account)


class IntoFile:
    """A shared vault, all of which goes into a new file."""

    def __init__(self, database, strict):
        self.team = Team(database, strict)
        self.world = filled(self.team)
        self.opened = {"TOKCTL_KEY_FILE": key_file(self.world)}
        self.world.env["TOKCTL_NEW_KEY_FILE"] = self.opened["TOKCTL_KEY_FILE"]
        self.command = ("backup", "copy.db", "--move", "--yes")

    def seen(self):
        left = listed(self.world)
        other = statuses(in_copy(self.world, self.opened, "list", "--json"))
        return left["acme/x"], other.get("acme/x")

    def get(self, account):
        return in_copy(self.world, self.opened, "get", account)


# Where the credential is active, in the vault that it leaves and in the other; and in neither.
ALL = {("active", None), ("handed_over", None), ("handed_over", "active")}


# What is sent to the database, and what is written to a file: each third or tenth time.
@pytest.mark.parametrize(("step", "stride"), [("sendto", 3), ("pwrite64", 10)])
@pytest.mark.parametrize("way", [IntoShared, IntoFile])
def test_a_move_that_is_killed_anywhere_is_finished_by_the_same_command(
        database, strict, way, step, stride):
    count, seen, killed = 0, set(), True
    while killed:
        count += stride
        move = way(database, strict)
        try:
            killed = killed_at(move.world, step, count, *move.command)
            if killed:
                # Never both, whatever the moment; and what is in neither is known to be missing.
                active = move.seen()
                assert active.count("active") <= 1, count
                if "active" not in active:
                    doctor = move.world.run("doctor")
                    assert "hint: tokctl why" in doctor.stdout, doctor
                seen.add(active)
                move.world.succeed(*move.command)
            assert move.seen() == ("handed_over", "active")
            assert move.get("vendor/y").stdout == STATIC + "\n"
            assert move.get("acme/x").stdout == "access-2\n"
            assert (strict.refreshes, strict.replays) == (1, 0)
        finally:
            move.team.close()
    assert step != "sendto" or len(seen & ALL) > 1, seen


# --- bundles -----------------------------------------------------------------------------------

def bundle_key(world):
    file = world.home / "bundle.key"
    if not file.exists():
        file.write_text(world.succeed("key", "generate"))
        file.chmod(0o600)
    return f"key:{file}"


def test_a_member_brings_the_credentials_of_a_file_into_a_vault_that_others_use(team):
    world = person(team)
    identity = world.succeed("key", "public").strip()
    world.succeed("vault", "join", team.alice.succeed("member", "add", "w", identity).strip(),
                  "--name", "team")
    key = bundle_key(world)
    world.succeed("export", "--all", "--move", "--yes", "--to", key, "--output", "all.bundle")
    world.succeed("--vault", "team", "import", "bundle", "all.bundle", "--key-file",
                  key.removeprefix("key:"))
    assert team.alice.get("acme/x") == "access-2"
    assert team.alice.get("vendor/y") == STATIC
    assert (team.server.refreshes, team.server.replays) == (1, 0)
    # Once, whoever brings it.
    (team.alice.home / "all.bundle").write_text((world.home / "all.bundle").read_text())
    again = ("import", "bundle", "all.bundle", "--key-file", key.removeprefix("key:"))
    refused = team.alice.run(*again)
    assert refused.returncode == 1 and "opens once" in refused.stderr, refused
    team.alice.succeed(*again, "--if-new")


def test_a_credential_leaves_a_shared_vault_for_a_file(team):
    alice, bob = filled(team), team.join("bob")
    key = bundle_key(alice)
    alice.succeed("export", "acme/x", "--move", "--yes", "--to", key, "--output", "x.bundle")
    assert bob.run("get", "acme/x").returncode == 4
    assert bob.get("vendor/y") == STATIC
    alice.succeed("export", "vendor/y", "--to", key, "--output", "y.bundle")
    for name in ("x", "y"):
        opened = {"TOKCTL_KEY_FILE": key.removeprefix("key:")}
        done = in_copy(alice, opened, "import", "bundle", str(alice.home / f"{name}.bundle"),
                       "--key-file", key.removeprefix("key:"))
        assert done.returncode == 0, done
    assert in_copy(alice, opened, "get", "acme/x").stdout == "access-2\n"
    assert (team.server.refreshes, team.server.replays) == (1, 0)
    assert bob.get("vendor/y") == STATIC


def test_what_another_machine_is_renewing_does_not_move(team):
    alice, bob = filled(team), team.join("bob")
    key = bundle_key(alice)
    export = ("export", "acme/x", "--move", "--yes", "--to", key, "--output", "x.bundle")
    team.server.delay = 3
    renewing = bob.start("get", "acme/x")
    wait_until(lambda: team.server.busy)
    # It waits for the new token, and moves that.
    alice.succeed(*export)
    out, err = renewing.communicate()
    team.server.delay = 0
    assert renewing.returncode == 0 and out == "access-2\n", err
    assert bob.run("get", "acme/x").returncode == 4
    opened = {"TOKCTL_KEY_FILE": key.removeprefix("key:")}
    done = in_copy(alice, opened, "import", "bundle", str(alice.home / "x.bundle"),
                   "--key-file", key.removeprefix("key:"))
    assert done.returncode == 0, done
    assert in_copy(alice, opened, "refresh", "acme/x").returncode == 0
    assert (team.server.refreshes, team.server.replays) == (2, 0)


def test_what_a_machine_that_died_was_renewing_does_not_move(team):
    alice, bob = filled(team), team.join("bob")
    export = ("export", "acme/x", "--move", "--yes", "--to", bundle_key(alice), "--output", "b")
    team.server.delay = 30
    renewing = bob.start("get", "acme/x")
    wait_until(lambda: team.server.busy)
    renewing.kill()
    renewing.communicate()
    team.server.delay = 0
    team.end_leases()
    refused = alice.run(*export)
    assert refused.returncode == 6 and "hint: tokctl why acme/x" in refused.stderr, refused
    assert not (alice.home / "b").exists()


def test_a_move_out_of_a_shared_vault_is_resumed_by_its_member_alone(team):
    alice, bob = filled(team), team.join("bob")
    taken = alice.home / "x.bundle"
    export = ("export", "acme/x", "--move", "--yes", "--to", bundle_key(alice), "--output",
              "x.bundle")
    # Killed where the bundle's file is to get its name.
    assert killed_at(alice, "renameat2,linkat,link,rename", 1, *export) or taken.exists()
    if taken.exists():
        taken.unlink()
    assert alice.run("get", "acme/x").returncode == 4
    assert bob.run("export", "--resume", "--output", "b").returncode == 3
    alice.succeed("export", "--resume", "--output", "x.bundle")
    assert "tokctl-bundle-" in taken.read_text()
    assert alice.run("export", "--resume", "--output", "x.bundle").returncode == 3
    dump = team.database.run("pg_dump", "-d", "vault", "--inserts")
    assert "tokctl-bundle" not in dump and b"tokctl-bundle".hex() not in dump


def test_a_reader_neither_brings_in_nor_takes_out(team):
    alice = filled(team)
    ci = team.reader("ci")
    key = bundle_key(ci)
    alice.succeed("export", "vendor/y", "--to", bundle_key(alice), "--output", "y.bundle")
    (ci.home / "y.bundle").write_text((alice.home / "y.bundle").read_text())
    for command in (
        ["export", "vendor/y", "--to", key, "--output", "b"],
        ["export", "vendor/y", "--move", "--yes", "--to", key, "--output", "b"],
        ["import", "bundle", "y.bundle", "--key-file", bundle_key(alice).removeprefix("key:")],
        ["backup", "copy.db"],
        ["backup", "copy.db", "--move", "--yes"],
    ):
        refused = ci.run(*command)
        assert refused.returncode == 2 and "may only read" in refused.stderr, refused
        assert not (ci.home / "b").exists() and not (ci.home / "copy.db").exists()
    assert alice.get("vendor/y") == STATIC
