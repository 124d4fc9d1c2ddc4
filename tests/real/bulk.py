"""What `rotate-key` and `list --json` cost in a vault with very many credentials."""

import os
import shutil
import subprocess

from due_vault import DueVault
from measuring import by_turns, program, report, watched_memory
from rotating_server import RotatingServer
from world import BINARY

BULK = BINARY.parent / "examples" / "bulk"
MANY, FEWER = 100_000, 10_000
COLUMNS = """provider, user, kind, status, server_url, username, scopes, expires_at, refreshable,
             login_by, created_at, updated_at, last_refreshed_at"""
ROTATE = [str(BINARY), "rotate-key"]
LIST = [str(BINARY), "list", "--json"]


def bulk(runs):
    server = RotatingServer("strict")
    world = DueVault(server)
    try:
        memory = {}
        for count in (FEWER, MANY):
            world.start_anew()
            subprocess.run([BULK, "fill", world.vault, str(count)], env=world.env, check=True)
            memory[count] = [watched_memory(command, world.env) for command in (ROTATE, LIST)]
        lists(world, runs)
        rotations(world, runs)
        for name, fewer, many in zip(("rotate-key", "list --json"), memory[FEWER], memory[MANY]):
            what = f"{name}, peak memory, {MANY} / {FEWER} rows"
            print(f"{what:52} {many:6.2f} / {fewer:6.2f} MiB (aim under 64)")
    finally:
        world.close()
        server.close()


def lists(world, runs):
    # A copy, since sqlite3 takes the write-ahead log away when it ends.
    copy = world.vault.with_name("copy.db")
    shutil.copy(world.vault, copy)
    query = f"SELECT {COLUMNS} FROM credentials_2 ORDER BY provider, user"
    select = [program("sqlite3"), "-json", str(copy), query]
    (cpu, wall), (their_cpu, their_wall) = by_turns(LIST, select, world.env, runs, 1)
    report(f"list --json, {MANY} rows / sqlite3 -json, wall", wall, their_wall, "ms", "at most 1.1")
    report("the same, CPU", cpu, their_cpu, "ms", "none")
    copy.unlink()


def rotations(world, runs):
    copy = world.vault.with_name("copy.db")
    shutil.copy(world.vault, copy)
    copy.chmod(0o600)
    os.sync()
    rewrite = [str(BULK), "rewrite", str(copy)]
    (cpu, wall), (their_cpu, their_wall) = by_turns(ROTATE, rewrite, world.env, runs, 1)
    report(f"rotate-key, {MANY} rows / rewritten, wall", wall, their_wall, "ms", "at most 1.6")
    report("the same, CPU", cpu, their_cpu, "ms", "none")
