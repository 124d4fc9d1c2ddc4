"""Machines that share a vault: worlds with an identity each, which joined what the first founded."""

import signal
import time

from shared_database import READER, remember_password
from world import World


class Team:
    """A vault in `database`, founded by `alice`, with one provider whose server is `server`."""

    def __init__(self, database, server, port=None, founded=True):
        self.database, self.server = database, server
        self.port = port
        self.worlds = []
        if founded:
            self.alice = self.machine()
            self.alice.succeed("vault", "init", self.address(), "--label", "alice")

    def address(self, **user):
        return self.database.address(port=self.port, **user)

    def machine(self):
        """A machine with an identity of its own, which knows no vault yet."""
        world = World()
        self.worlds.append(world)
        remember_password(world)
        world.configure(self.server.definition())
        world.follow_redirects()
        world.env["TOKCTL_KEY"] = world.succeed("key", "generate", "--identity").strip()
        return world

    def join(self, label, *options, user=None):
        """A machine whose member is `label`, added by alice."""
        world = self.machine()
        public = world.succeed("key", "public").strip()
        line = self.alice.succeed("member", "add", label, public, *options).strip()
        if user is not None:
            line = self.address(user=user) + "#" + line.split("#")[1]
        world.succeed("vault", "join", line)
        return world

    def reader(self, label):
        """A machine whose member may only read, in the database too."""
        self.database.write_vault(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
        return self.join(label, "--reader", user=READER)

    def log_in(self, user="x"):
        """A credential whose token is due from its first moment on."""
        self.server.reset()
        self.alice.succeed("login", "acme", "--user", user)

    def take_in(self, count):
        """Many credentials, whose tokens are over."""
        row = "{0},access-of-{0},refresh-of-{0},2023-01-01 00:00:00+00\n"
        (self.alice.home / "etsy_users.csv").write_text(
            "user_id,access_token,refresh_token,token_expires_at\n"
            + "".join(map(row.format, range(count)))
        )
        self.alice.succeed("import", "refresh-service", "etsy_users.csv", "--provider", "acme",
                           "--take-over")

    def stop_in_its_request(self, world):
        """A machine that is stopped while the provider answers it: only it can have the answer."""
        self.server.delay = 0.5
        process = world.start("get", "acme/x")
        while not self.server.busy:
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)
        while self.server.busy:
            time.sleep(0.01)
        self.server.delay = 0
        return process

    def end_leases(self):
        """As if 45 seconds had passed."""
        self.database.write_vault("UPDATE tokctl_rows SET lease_until = 0")

    def close(self):
        for world in self.worlds:
            world.close()
