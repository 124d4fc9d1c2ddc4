"""What very many credentials cost: a command for one of them as much as among ten, and one for all of
them no more memory."""

import statistics
import subprocess
import time

import pytest

from measuring import watched_memory
from world import BINARY, World

BULK = BINARY.parent / "examples" / "bulk"
FEW, MANY, RUNS = 10, 100_000, 15
CONFIG = '[providers.acme]\nclient_id = "made-up"\n[providers.other]\nclient_id = "made-up"\n'
TOKEN = "made-up\n"
NO_MATCH = "protocol=https\nhost=git.example\n\n"
# The words of a command, and its stdin. `{}` is another number in each run.
ONE_ROW = {
    "get PROVIDER --user": ("get acme --user alice", None),
    "get --user": ("get --user alice", None),
    "login": ("login acme/new-{} --token-stdin", TOKEN),
    "delete": ("delete acme/new-{} --yes", None),
    "git-credential get": ("git-credential get", NO_MATCH),
    "list PROVIDER": ("list other", None),
    "list PROVIDER that has none": ("list nothing", None),
    "completion": ("__complete bash tokctl get acme/user-00000{}", None),
}


@pytest.fixture(scope="module")
def worlds():
    made = {count: made_up(count) for count in (FEW, MANY)}
    yield made
    for world in made.values():
        world.close()


def made_up(count):
    world = World()
    world.use_new_key()
    world.configure(CONFIG)
    world.succeed("login", "acme/alice", "--token-stdin", stdin=TOKEN)
    subprocess.run([BULK, "fill", world.vault, str(count)], env=world.env, check=True)
    world.succeed("login", "other/bob", "--token-stdin", stdin=TOKEN)
    for number in range(RUNS):
        world.succeed("login", f"acme/new-{number}", "--token-stdin", stdin=TOKEN)
    return world


@pytest.mark.parametrize("name", ONE_ROW)
def test_what_is_about_one_credential_costs_as_much_among_very_many(worlds, name):
    words, stdin = ONE_ROW[name]
    costs = {FEW: [], MANY: []}
    for number in range(RUNS):
        for count, world in worlds.items():
            begun = time.perf_counter()
            result = world.run(*words.format(number).split(), stdin=stdin)
            costs[count].append(1000 * (time.perf_counter() - begun))
            assert result.returncode == (3 if "none" in name else 0), result
    few, many = (statistics.median(costs[count]) for count in (FEW, MANY))
    print(f"{name}: {few:.1f} ms among {FEW}, {many:.1f} ms among {MANY}: {many / few:.2f}")
    # On a quiet machine it is less than 1.5.
    assert many < 2.5 * few


@pytest.mark.parametrize(
    "words", ["list --json", "status", "status --json", "doctor", "refresh --all"]
)
def test_what_is_about_all_of_them_takes_no_more_memory(worlds, words):
    memory = watched_memory([str(BINARY), *words.split()], worlds[MANY].env)
    print(f"{words}: {memory:.1f} MiB among {MANY}")
    assert memory < 40
