"""A shared vault in a database of its own, with the machines that use it, which can be put back as they
were before a case, so that many cases run one after another, and many beside each other.
"""

import queue
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

from message_proxy import MessageProxy
from rotating_server import RotatingServer
from shared_database import OWNER
from shared_team import Team

# In the order in which rows can be put back.
TABLES = ("tokctl_vaults", "tokctl_roster", "tokctl_slots", "tokctl_rows")
# What a machine keeps between two commands.
KEPT = ("config", "data", "state")


class OwnDatabase:
    """A database beside `vault` in the same cluster."""

    lock = threading.Lock()
    count = 0

    def __init__(self, cluster):
        with self.lock:
            OwnDatabase.count += 1
            self.name = f"stage_{self.count}"
            # From the same template, one at a time.
            cluster.sql(f"CREATE DATABASE {self.name} OWNER {OWNER};")
        self.cluster, self.port = cluster, cluster.port

    def address(self, user=OWNER, port=None):
        return f"postgres://{user}@127.0.0.1:{port or self.port}/{self.name}"

    def ask_vault(self, statement):
        out = self.cluster.run("psql", "-d", self.name, "-AtF", "\t", "-c", statement)
        return [line.split("\t") for line in out.splitlines()]

    def write_vault(self, statement):
        self.cluster.run("psql", "-d", self.name, "--quiet", "--single-transaction", "-c", statement)


class Stage(Team):
    """alice and bob, whose connections go through `proxy`, and the credential `acme/x`, which is due."""

    def __init__(self, cluster, policy="strict"):
        own = OwnDatabase(cluster)
        self.proxy = MessageProxy(own.port)
        super().__init__(own, RotatingServer(policy), self.proxy.port)
        self.bob = self.join("bob")
        # Who is no member yet, and one who may be removed.
        self.guest = self.machine()
        self.guest_key = self.guest.succeed("key", "public").strip()
        carol = self.machine().succeed("key", "public").strip()
        self.alice.succeed("member", "add", "carol", carol)
        self.log_in()
        self.keep()

    def keep(self):
        """Remembers everything as it is now."""
        for world in self.worlds:
            for name in KEPT:
                if (world.home / name).exists():
                    shutil.copytree(world.home / name, world.home / "kept" / name, dirs_exist_ok=True)
        copies = "".join(
            f"DROP TABLE IF EXISTS kept_{table}; CREATE TABLE kept_{table} AS TABLE {table};"
            for table in TABLES
        )
        self.database.write_vault(copies)
        self.issued = self.server.issued

    def put_back(self):
        """Everything is as it was, and no connection is left from before."""
        self.proxy.let_all_pass()
        self.server.reset()
        self.server.issued, self.server.delay = self.issued, 0
        # A transaction that nobody ends any more would keep its locks.
        gone = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid();"
        )
        emptied = "".join(f"DELETE FROM {table};" for table in reversed(TABLES))
        filled = "".join(f"INSERT INTO {table} TABLE kept_{table};" for table in TABLES)
        self.database.write_vault(gone + emptied + filled)
        for world in self.worlds:
            for name in KEPT:
                shutil.rmtree(world.home / name, ignore_errors=True)
                if (world.home / "kept" / name).exists():
                    shutil.copytree(world.home / "kept" / name, world.home / name)

    def generation(self):
        return int(self.database.ask_vault("SELECT generation FROM tokctl_vaults")[0][0])

    def close(self):
        super().close()
        self.proxy.close()
        self.server.close()


class Stages:
    """As many stages as are in use at once, made when they are first needed."""

    def __init__(self, cluster, policy="strict"):
        self.cluster, self.policy = cluster, policy
        self.free, self.made = queue.SimpleQueue(), []

    def run(self, cases, beside):
        """Runs each of `cases`, functions of a stage, `beside` of them at once; what failed."""

        def one(case):
            try:
                stage = self.free.get_nowait()
            except queue.Empty:
                stage = Stage(self.cluster, self.policy)
                self.made.append(stage)
            try:
                stage.put_back()
                case(stage)
                return None
            except AssertionError as error:
                return str(error)
            finally:
                self.free.put(stage)

        with ThreadPoolExecutor(beside) as pool:
            return [failure for failure in pool.map(one, cases) if failure is not None]

    def close(self):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(Stage.close, self.made))
