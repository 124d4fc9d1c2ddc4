"""What tokctl costs, as ratios to public tools that do less or the same. Run by tests/bench."""

import concurrent.futures
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

from bulk import bulk
from keyring_world import KeyringWorld
from many_grants import ManyGrants
from measuring import NULL, by_turns, peak_memory, program, report, start
from pizauth_daemon import PizauthDaemon
from rotating_server import RotatingServer
from world import BINARY, World

ALICE = ("get", "acme", "--user", "alice")


def prepare(world):
    world.configure('[providers.acme]\nclient_id = "made-up"\n')
    world.succeed(*("login", "acme", "--user", "alice", "--token-stdin"), stdin="made-up-token\n")


def key_slot(runs):
    world = World()
    try:
        world.use_new_key()
        prepare(world)
        get = [str(BINARY), *ALICE]
        query = "SELECT * FROM credentials_2 WHERE provider = 'acme' AND user = 'alice'"
        # A copy for each: sqlite3 takes the write-ahead log away when it ends, and whoever comes
        # next has to make it anew.
        copy = world.vault.with_name("copy.db")
        shutil.copy(world.vault, copy)
        select = [program("sqlite3"), str(copy), query]
        (cpu, wall), (their_cpu, their_wall) = by_turns(get, select, world.env, runs)
        report("get, key slot / sqlite3 SELECT, CPU", cpu, their_cpu, "ms", "at most 0.8")
        report("get, key slot / sqlite3 SELECT, wall", wall, their_wall, "ms", "none")
        pizauth = os.environ.get("PIZAUTH") or shutil.which("pizauth")
        if pizauth is not None:
            beside_pizauth(get, pizauth, world, runs)
        print(f"{'get, key slot, peak memory':52} {peak_memory(get, world.env):6.2f} MiB (aim under 12)")
    finally:
        world.close()


def beside_pizauth(get, pizauth, world, runs):
    """A program that does less: it asks its own daemon, which has its tokens in memory."""
    daemon = PizauthDaemon(pizauth, world)
    try:
        (cpu, wall), (their_cpu, their_wall) = by_turns(get, daemon.show, world.env, runs)
    finally:
        daemon.close()
    report("get, key slot / pizauth show, CPU", cpu, their_cpu, "ms", "at most 1.15")
    report("get, key slot / pizauth show, wall", wall, their_wall, "ms", "none")


def keychain_slot(runs):
    world = World()
    keyring = KeyringWorld(world)
    try:
        keyring.unlock()
        prepare(world)
        get = [str(BINARY), *ALICE]
        lookup = [program("secret-tool"), "lookup", "service", "tokctl"]
        (cpu, wall), (their_cpu, their_wall) = by_turns(get, lookup, world.env, runs)
        report("get, keychain slot / secret-tool, wall", wall, their_wall, "ms", "at most 0.4")
        report("get, keychain slot / secret-tool, CPU", cpu, their_cpu, "ms", "none")
        print(f"{'get, keychain slot, peak memory':52} {peak_memory(get, world.env):6.2f} MiB (aim under 12)")
    finally:
        keyring.close()
        world.close()


def crowd(world, size):
    """The time until `size` processes that start together have ended, in milliseconds."""
    begun = time.perf_counter()
    pids = [start([str(BINARY), *ALICE], world.env, NULL) for _ in range(size)]
    codes = [os.waitstatus_to_exitcode(os.wait4(pid, 0)[1]) for pid in pids]
    assert codes == size * [0], codes
    return (time.perf_counter() - begun) * 1000


def crowds(rounds, size=200, latency=0.5):
    """A crowd that needs one due token, beside the same crowd where it is fresh."""
    server = RotatingServer("strict", latency)
    world = World()
    try:
        world.use_new_key()
        world.configure(server.definition())
        world.follow_redirects()
        due, fresh = [], []
        for _ in range(rounds):
            server.reset()
            world.succeed("login", *ALICE[1:])
            due.append(crowd(world, size))
            assert server.refreshes == 1
            fresh.append(crowd(world, size))
        waited = statistics.median(due) - latency * 1000
        what = f"{size} get of one due token, less its answer / fresh"
        report(what, waited, statistics.median(fresh), "ms", "at most 1.5")
    finally:
        server.close()
        world.close()


def log_in(world, user):
    """Logs in without a browser: this process goes where the browser would be sent."""
    process = world.start("login", "acme", "--user", user, "--no-browser")
    for line in process.stderr:
        if line.strip().startswith("http://"):
            urllib.request.urlopen(line.strip()).read()
            break
    assert process.wait() == 0, process.stderr.read()


def refresh_all(runs, count=1000, jobs=64):
    """Many due credentials refreshed at once, beside the time that the answers alone take."""
    server = ManyGrants()
    world = World()
    try:
        world.use_new_key()
        world.configure(server.definition())
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: log_in(world, f"user-{number}"), range(count)))
        before = world.home / "before"
        shutil.copytree(world.vault.parent, before)
        command = [str(BINARY), "refresh", "--all", "--jobs", str(jobs)]
        measured = []
        for _ in range(runs):
            shutil.rmtree(world.vault.parent)
            shutil.copytree(before, world.vault.parent)
            world.forget_what_was_seen()
            os.sync()
            begun = time.perf_counter()
            _, status, usage = os.wait4(start(command, world.env, NULL), 0)
            wall = time.perf_counter() - begun
            assert status == 0, os.waitstatus_to_exitcode(status)
            measured.append((wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
        wall, cpu, memory = (statistics.median(of) for of in zip(*measured))
        ideal = count / jobs * server.latency
        report(f"refresh --all, {count} due, {jobs} jobs / answers", wall, ideal, "s", "at most 1.25")
        # This interpreter's own memory is counted in, so it is the upper bound.
        print(f"{'the same, peak memory, at most':52} {memory:6.2f} MiB (aim under 64)")
        print(f"{'the same, CPU':52} {cpu:6.2f} s")
    finally:
        world.close()
        server.close()


def main(runs):
    print(f"{runs} runs of each, by turns, medians")
    print(f"{'binary, stripped':52} {BINARY.stat().st_size / 2**20:6.2f} MiB (aim under 10)")
    key_slot(runs)
    keychain_slot(runs)
    crowds(max(3, runs // 8))
    refresh_all(max(3, runs // 8))
    bulk(max(3, runs // 8))


if __name__ == "__main__":
    main(int(sys.argv[1]))
