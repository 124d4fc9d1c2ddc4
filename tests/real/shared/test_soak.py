"""Two watchers on two machines, and a third that works, while everything fails now and then.

Connections break, fall silent or come late; watchers, rotations and other commands are killed or stopped;
data keys, members and roles change. Three minutes, or as many seconds as TOKCTL_SOAK says. No grant is
lost, no refresh token is spent twice but by whoever comes after a kill, and each machine's audit is whole.
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
# A command that fails has said that the vault is away or busy, or that its answer waits on this machine.
PASSING = (0, 1, 9)


class ShortLived(RotatingServer):
    def answer(self, expires_in):
        return super().answer(min(expires_in, LIFE))


class Soak:
    def __init__(self, database, choice):
        self.choice = choice
        self.proxy, self.server = MessageProxy(database.port), ShortLived("leeway")
        self.team = Team(database, self.server, self.proxy.port)
        self.bob, self.carol = self.team.join("bob"), self.team.join("carol")
        self.team.log_in()
        self.watchers = {world: self.watch(world) for world in (self.team.alice, self.bob)}
        self.done = dict.fromkeys(self.works, 0)
        self.got = self.failed = self.kills = self.guests = 0
        self.guest = None

    @property
    def works(self):
        return {
            "cut": self.cut, "kill": self.kill, "stop": self.stop, "kill_command": self.kill_command,
            "member": self.member, "role": self.role, "rotate": self.rotate, "get": self.get,
        }

    def close(self):
        for process in self.watchers.values():
            process.kill()
            process.wait()
        self.team.close()
        self.proxy.close()
        self.server.close()

    def watch(self, world):
        with open(world.home / "watcher", "ab") as log:
            return subprocess.Popen(
                [BINARY, "refresh", "--watch", "--every", "1s"], env=world.env, cwd=world.home,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    def no_watcher_has_ended(self):
        for world, process in self.watchers.items():
            assert process.poll() is None, (world.home / "watcher").read_text()[-2000:]

    def one(self):
        self.no_watcher_has_ended()
        work = self.choice.choices(list(self.works), (4, 2, 2, 2, 1, 1, 1, 8))[0]
        self.works[work]()
        self.done[work] += 1

    def cut(self):
        # Silence between the parts of what one end sends would keep the server's locks: before 17,
        # none of its limits is for that.
        how = self.choice.choice((
            {}, {}, {"silent": True, "flights": True}, {"late": 3}, {"late": 17, "flights": True},
        ))
        self.proxy.cut_at(self.choice.randrange(1, 60), **how)

    def kill(self):
        world = self.choice.choice(list(self.watchers))
        self.watchers[world].kill()
        self.watchers[world].wait()
        self.kills += 1
        self.watchers[world] = self.watch(world)

    def stop(self):
        process = self.choice.choice(list(self.watchers.values()))
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.choice.random() * 3)
        process.send_signal(signal.SIGCONT)

    def kill_command(self):
        command = self.choice.choice((["rotate-key"], ["refresh", "acme/x"], ["get", "acme/x"],
                                      ["member", "role", "carol", "admin"], ["list"]))
        process = self.team.alice.start(*command)
        time.sleep(self.choice.random() / 2)
        process.kill()
        process.communicate()
        self.kills += 1

    def run(self, world, *command, ends=PASSING):
        done = world.run(*command, timeout=200)
        self.failed += done.returncode != 0
        assert done.returncode in ends, done
        return done

    def member(self):
        """One comes, works, and goes; what was done before its confirmation was lost may be there already."""
        if self.guest is None:
            self.guests += 1
            self.guest = self.team.machine()
            public = self.guest.succeed("key", "public").strip()
            added = self.run(self.team.alice, "member", "add", f"guest-{self.guests}", public)
            if added.returncode == 0:
                line = added.stdout.strip()
                if self.run(self.guest, "vault", "join", line).returncode == 0:
                    self.got_token(self.guest)
        else:
            # It has joined, or could not: then it has no vault.
            self.run(self.guest, "audit", "--verify", ends=(0, 2, 3, 9))
            gone = self.run(self.team.alice, "member", "remove", f"guest-{self.guests}", "--yes",
                            ends=(*PASSING, 2, 3))
            if gone.returncode in (0, 2, 3):
                if gone.returncode == 0 and self.guest.run("vault", "status").returncode != 2:
                    refused = self.run(self.guest, "get", "acme/x", ends=(2, 5, 9))
                    assert refused.returncode != 0
                self.guest = None

    def role(self):
        role = self.choice.choice(("member", "admin"))
        self.run(self.team.alice, "member", "role", "carol", role, ends=(*PASSING, 2))

    def rotate(self):
        self.run(self.team.alice, "rotate-key")

    def get(self):
        self.got_token(self.choice.choice((self.carol, self.carol, self.bob)))

    def got_token(self, world):
        # A token that the kill of its refresh left in doubt is said to be so.
        done = self.run(world, "get", "acme/x", ends=(*PASSING, 6))
        self.got += done.returncode == 0

    def report(self):
        return {"got": self.got, "refreshes": self.server.refreshes, "twice": self.server.replays,
                "kills": self.kills, "passing failures": self.failed, **self.done}


def test_nothing_is_lost_while_machines_and_connections_come_and_go(database):
    seed = int(os.environ.get("TOKCTL_SEED", str(random.randrange(10**6))))
    print("TOKCTL_SEED =", seed, flush=True)
    soak = Soak(database, random.Random(seed))
    try:
        begun = told = time.monotonic()
        while time.monotonic() - begun < SECONDS:
            soak.one()
            assert soak.server.alive
            # Whoever was killed may have sent the token that the next one sends again.
            assert soak.server.replays <= soak.kills, soak.report()
            time.sleep(soak.choice.random())
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"{told - begun:.0f} s:", soak.report(), flush=True)
        soak.no_watcher_has_ended()
        for process in soak.watchers.values():
            process.terminate()
            process.wait(60)
        soak.proxy.let_all_pass()
        soak.team.end_leases()
        token = soak.carol.get("acme/x")
        assert token == f"access-{soak.server.issued}"
        # Who was removed opens no vault, nor an audit.
        for world in (soak.team.alice, soak.bob, soak.carol):
            world.succeed("audit", "--verify")
        print(soak.report())
        assert soak.got > SECONDS / 20
        assert soak.server.refreshes > SECONDS / 60
    finally:
        soak.close()
