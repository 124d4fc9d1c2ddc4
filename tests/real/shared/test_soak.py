"""Two watchers on two machines, and a third that works, while everything fails now and then.

Three minutes, or as many seconds as TOKCTL_SOAK says. Nobody's grant is lost, no refresh token is
spent twice, and each machine's audit is whole.
"""

import os
import random
import signal
import subprocess
import time

from message_proxy import MessageProxy
from rotating_server import RotatingServer
from shared_team import Team
from world import BINARY

SECONDS = int(os.environ.get("TOKCTL_SOAK", "180"))
# A token lives so short that it is due all the time.
LIFE = 20


class ShortLived(RotatingServer):
    def answer(self, expires_in):
        return super().answer(min(expires_in, LIFE))


def watch(world):
    return subprocess.Popen(
        [BINARY, "refresh", "--watch", "--every", "1s"], env=world.env, cwd=world.home,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process, how):
    process.send_signal(how)
    process.wait(60)


def test_nothing_is_lost_while_machines_and_connections_come_and_go(database):
    seed = int(os.environ.get("TOKCTL_SEED", str(random.randrange(10**6))))
    print("TOKCTL_SEED =", seed)
    chosen = random.Random(seed)
    proxy, server = MessageProxy(database.port), ShortLived("leeway")
    team = Team(database, server, proxy.port)
    try:
        bob, carol = team.join("bob"), team.join("carol")
        team.log_in()
        watchers = {world: watch(world) for world in (team.alice, bob)}
        deadline, got, guests = time.monotonic() + SECONDS, 0, 0
        while time.monotonic() < deadline:
            what = chosen.choice(["cut", "kill", "stop", "member", "rotate", "get", "get", "get"])
            if what == "cut":
                proxy.cut_at(chosen.randrange(1, 60))
            elif what == "kill":
                world = chosen.choice(list(watchers))
                end(watchers[world], signal.SIGKILL)
                watchers[world] = watch(world)
            elif what == "stop":
                world = chosen.choice(list(watchers))
                watchers[world].send_signal(signal.SIGSTOP)
                time.sleep(chosen.random() * 3)
                watchers[world].send_signal(signal.SIGCONT)
            elif what == "member":
                guests += 1
                guest = team.machine()
                public = guest.succeed("key", "public").strip()
                team.alice.run("member", "add", f"guest-{guests}", public)
                team.alice.run("member", "remove", f"guest-{guests}", "--yes", timeout=150)
            elif what == "rotate":
                team.alice.run("rotate-key", timeout=150)
            else:
                done = carol.run("get", "acme/x", timeout=150)
                assert done.returncode in (0, 6, 9), done
                got += done.returncode == 0
            time.sleep(chosen.random())
        for process in watchers.values():
            end(process, signal.SIGTERM)
        proxy.let_all_pass()
        team.end_leases()
        assert server.alive
        token = carol.get("acme/x")
        assert token == f"access-{server.issued}"
        assert got > SECONDS / 20
        for world in (team.alice, bob, carol):
            world.succeed("audit", "--verify")
        print("refreshes", server.refreshes, "twice", server.replays, "got", got)
    finally:
        team.close()
        proxy.close()
        server.close()
