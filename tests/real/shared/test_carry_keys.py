"""Moves between two vaults, each under a secret of its own: the identity's and the file's can both be
given, whatever they are."""

import pytest

from keyring_world import KeyringWorld
from shared_moves import STATIC, define_vendor, key_file, listed
from shared_team import Team

FILES = ("keychain", "key", "passphrase")
IDENTITIES = (*FILES, "variable")


class Machine:
    """A machine with a keyring, whose identity is kept in one way, and whose file opens in another."""

    def __init__(self, team, file, identity):
        self.team = team
        self.world = team.machine()
        self.keyring = KeyringWorld(self.world)
        self.keyring.unlock()
        in_variable = self.world.env.pop("TOKCTL_KEY")
        define_vendor(team, self.world)
        # What opens the identity, what opens the file alone, and what opens it beside the identity.
        self.identity = {
            "keychain": {},
            "key": {"TOKCTL_KEY_FILE": key_file(self.world, "identity.key")},
            "passphrase": {"TOKCTL_PASSPHRASE": "made-up-of-identity"},
            "variable": {"TOKCTL_KEY": in_variable},
        }[identity]
        key, passphrase = key_file(self.world, "file.key"), "made-up-of-file"
        self.file = {
            "keychain": {},
            "key": {"TOKCTL_KEY_FILE": key},
            "passphrase": {"TOKCTL_PASSPHRASE": passphrase},
        }[file]
        self.beside = {
            "keychain": {},
            "key": {"TOKCTL_NEW_KEY_FILE": key},
            "passphrase": {"TOKCTL_NEW_PASSPHRASE": passphrase},
        }[file]
        self.slot = file
        self.world.succeed("key", "public", env=self.identity)

    def ways(self):
        """What can be set for both: the file's secret in a variable of its own, or, where that is free,
        in the usual one."""
        yield self.identity | self.beside
        if not self.identity.keys() & self.file.keys() and self.identity.keys() | self.file.keys() != {
                "TOKCTL_KEY", "TOKCTL_KEY_FILE"}:
            yield self.identity | self.file

    def fill(self):
        self.world.succeed("login", "vendor", "--user", "y", "--token-stdin", "--key-slot", self.slot,
                           stdin=STATIC, env=self.file)

    def init(self, name):
        return ("vault", "init", self.team.address(), "--name", name, "--from", str(self.world.vault))

    def close(self):
        self.keyring.close()


@pytest.fixture
def machine(database, strict, file, identity):
    team = Team(database, strict, founded=False)
    made = Machine(team, file, identity)
    yield made
    made.close()
    team.close()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_both_secrets_can_be_given(machine):
    world = machine.world
    machine.fill()
    for number, env in enumerate(machine.ways()):
        name, copy = f"team{number}", str(world.home / f"copy{number}.db")
        world.succeed(*machine.init(name), env=env)
        shared = ("--vault", name)
        world.succeed(*shared, "backup", copy, "--key-slot", machine.slot, env=env)
        assert world.succeed("--vault", copy, "get", "vendor/y", env=machine.file) == STATIC + "\n"
        # The way back, into the file that it left.
        world.succeed(*shared, "backup", str(world.vault), "--move", "--yes", env=env)
        assert world.succeed("get", "vendor/y", env=machine.file) == STATIC + "\n"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_the_bundle_of_an_interrupted_move_goes_into_a_file(machine):
    world, database = machine.world, machine.team.database
    machine.fill()
    for env in machine.ways():
        database.write_vault("DROP TABLE IF EXISTS tokctl_rows, tokctl_slots, tokctl_roster, "
                             "tokctl_bundles, tokctl_vaults CASCADE")
        (world.home / "data" / "tokctl" / "vaults.toml").unlink(missing_ok=True)
        (world.home / "moved.bundle").unlink(missing_ok=True)
        world.succeed("vault", "init", machine.team.address(), "--name", "team", env=machine.identity)
        database.write_vault("ALTER TABLE tokctl_rows ADD CONSTRAINT made_up CHECK (false) NOT VALID")
        refused = world.run(*machine.init("team"), env=env)
        database.write_vault("ALTER TABLE tokctl_rows DROP CONSTRAINT made_up")
        assert refused.returncode != 0 and "is kept" in refused.stderr, refused
        world.succeed("export", "--resume", "--yes", "--output", "moved.bundle", env=machine.file)
        world.succeed("import", "bundle", "moved.bundle", env=env)
        assert world.succeed("get", "vendor/y", env=machine.file) == STATIC + "\n"


@pytest.mark.parametrize(("file", "identity"), [("key", "passphrase"), ("passphrase", "key"),
                                                ("key", "variable"), ("passphrase", "variable")])
def test_a_secret_that_is_missing_is_asked_for_by_the_variable_that_takes_it(machine):
    world = machine.world
    machine.fill()
    (variable,) = machine.beside
    refused = world.run(*machine.init("team"), env=machine.identity)
    assert refused.returncode == 5, refused
    assert f"`{world.vault}`" in refused.stderr and f"set {variable} to" in refused.stderr, refused
    world.succeed(*machine.init("team"), env=machine.identity | machine.beside)
    refused = world.run("--vault", "team", "backup", "c.db", "--key-slot", machine.slot,
                        env=machine.identity)
    if machine.slot == "key" and "TOKCTL_KEY_FILE" in machine.identity:
        return
    assert refused.returncode in (2, 5), refused
    assert f"TOKCTL_NEW_{machine.slot.upper()}" in refused.stderr, refused
    assert not (world.home / "c.db").exists()


@pytest.mark.parametrize(("file", "identity"), [("key", "variable")])
def test_a_bad_file_is_named_by_its_own_variable(machine):
    world = machine.world
    machine.fill()
    bad = world.home / "bad"
    bad.write_text("made up\n")
    bad.chmod(0o600)
    for path, word in ((bad, "holds no key"), (world.home / "nowhere", "can't be used")):
        env = machine.identity | {"TOKCTL_NEW_KEY_FILE": str(path)}
        refused = world.run(*machine.init("team"), env=env)
        assert refused.returncode == 5, refused
        assert f"TOKCTL_NEW_KEY_FILE {word}" in refused.stderr, refused
        assert "TOKCTL_KEY_FILE" not in refused.stderr, refused
    assert listed(world) == {"vendor/y": "active"}
