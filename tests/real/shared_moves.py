"""Credentials that move between a vault in a file and a shared one: who has them, and what is where.

A machine here keeps its identity in a file that opens with a passphrase, as its vault does.
"""

import json
import shlex
import time

PASSPHRASE = "made-up-passphrase"
STATIC = "made-up-static"


def define_vendor(team, world):
    world.configure(team.server.definition() + "[providers.vendor]\napi_auth = 'bearer'\n")


def person(team):
    """A machine whose vault in a file has one rotating login and one static token."""
    world = team.machine()
    del world.env["TOKCTL_KEY"]
    define_vendor(team, world)
    world.env["TOKCTL_PASSPHRASE"] = PASSPHRASE
    world.succeed("login", "vendor", "--user", "y", "--token-stdin", stdin=STATIC)
    team.server.reset()
    world.succeed("login", "acme", "--user", "x")
    return world


def filled(team):
    """The machine of the team's admin, whose vault has the same two."""
    define_vendor(team, team.alice)
    team.alice.succeed("login", "vendor", "--user", "y", "--token-stdin", stdin=STATIC)
    team.log_in()
    return team.alice


def key_file(world, name="key"):
    """A file with a new key of a vault in a file."""
    file = world.home / name
    file.write_text(world.succeed("key", "generate"))
    file.chmod(0o600)
    return str(file)


def copied_to(world, *args, file="copy.db"):
    """Runs a backup of the shared vault; what opens the copy."""
    key = key_file(world)
    world.succeed("backup", file, *args, env={"TOKCTL_NEW_KEY_FILE": key})
    return {"TOKCTL_KEY_FILE": key}


def in_copy(world, opened, *command, file="copy.db"):
    """Runs tokctl on the vault in a file beside the shared one, whose identity is not at hand."""
    env = {name: value for name, value in world.env.items() if name != "TOKCTL_KEY"}
    saved, world.env = world.env, env
    try:
        return world.run("--vault", str(world.home / file), *command, env=opened)
    finally:
        world.env = saved


def file_of(world):
    return str(world.vault)


def listed(world, *vault):
    done = world.run(*vault, "list", "--json")
    assert done.returncode == 0, done
    return statuses(done)


def statuses(done):
    """What a `list` printed; nothing if it failed."""
    rows = json.loads(done.stdout)["credentials"] if done.returncode == 0 else []
    return {f'{row["provider"]}/{row["user"]}': row["status"] for row in rows}


def typed(world, done, **options):
    """Types the command of the hint with which tokctl ended."""
    hint = done.stderr.strip().splitlines()[-1]
    assert hint.startswith("hint: "), done
    hint = hint.removeprefix("hint: ")
    if "`" in hint:
        hint = hint.split("`")[1]
    words = shlex.split(hint)
    assert words[0] == "tokctl", hint
    return world.run(*words[1:], **options)


def wait_until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it took too long")
