"""PostgreSQL, MariaDB and Redis from Debian, each in a directory that is thrown away.

They listen on a socket in that directory alone, and run as `nobody` where the tests are root's,
since PostgreSQL refuses to serve as root. What is stored in them is not known here.
"""

import getpass
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

# For all three, a second is long; a busy machine takes more.
PATIENCE = 60


class Database:
    """A server that is ready for clients; `env` is what these need to find it."""

    # Programs that have to be there, as paths with wildcards.
    needed = ()
    # What has the server end, whatever its clients do.
    ends_at = signal.SIGTERM

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tokctl-db-"))
        self.home.chmod(0o700)
        self.user = "nobody" if os.getuid() == 0 else getpass.getuser()
        if os.getuid() == 0:
            shutil.chown(self.home, "nobody")
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "HOME": str(self.home)}
        self.log = open(self.home / "log", "wb")
        self.server = None
        try:
            self.make()
            self.server = subprocess.Popen(
                self.as_user(self.command()), env=self.env, cwd=self.home,
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            )
            self.wait()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def as_user(command):
        if os.getuid() != 0:
            return command
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]

    def run(self, *command, stdin=None):
        """Runs a program beside the server, as its user; what it printed."""
        done = subprocess.run(
            self.as_user(list(command)), env=self.env, cwd=self.home, input=stdin, text=True,
            capture_output=True, timeout=PATIENCE, check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def wait(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.server.poll() is None, (self.home / "log").read_text()
            try:
                return self.ask()
            except AssertionError:
                assert time.monotonic() < deadline, (self.home / "log").read_text()
                time.sleep(0.1)

    def close(self):
        if self.server is not None:
            self.server.send_signal(self.ends_at)
            self.server.wait(PATIENCE)
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


class PostgreSQL(Database):
    # At SIGTERM it waits for its clients.
    ends_at = signal.SIGINT

    def programs(self):
        return pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])

    def make(self):
        data = str(self.home / "data")
        self.env |= {"PGHOST": str(self.home), "PGDATABASE": "postgres", "PGUSER": "made-up"}
        self.run(str(self.programs() / "initdb"), "--pgdata", data, "--username", "made-up",
                 "--auth", "trust", "--encoding", "UTF8", "--no-sync")

    def command(self):
        return [str(self.programs() / "postgres"), "-D", str(self.home / "data"), "-k",
                str(self.home), "-c", "listen_addresses=", "-c", "fsync=off",
                "-c", "unix_socket_permissions=0777"]

    def ask(self):
        self.run("psql", "-c", "select 1")

    def sql(self, statements):
        self.run("psql", "--set", "ON_ERROR_STOP=1", "--quiet", stdin=statements)


class MariaDB(Database):
    def make(self):
        data, socket = str(self.home / "data"), self.home / "socket"
        options = self.home / ".my.cnf"
        options.write_text(
            f"[mariadbd]\ndatadir={data}\nsocket={socket}\npid-file={self.home}/pid\n"
            "skip-networking\nskip-log-bin\n[client]\n"
            f"socket={socket}\nuser=made-up\n[mariadb-client]\ndatabase=tokens\n"
        )
        options.chmod(0o644)
        self.run("mariadb-install-db", f"--defaults-file={options}", f"--datadir={data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db")

    def command(self):
        # Without its tables of users it asks nobody for a password.
        return ["mariadbd", f"--defaults-file={self.home / '.my.cnf'}", "--skip-grant-tables"]

    def ask(self):
        self.run("mariadb", "--no-defaults", f"--socket={self.home / 'socket'}", "-e",
                 "create database if not exists tokens")

    def sql(self, statements):
        self.run("mariadb", f"--defaults-file={self.home / '.my.cnf'}", stdin=statements)


class Redis(Database):
    def make(self):
        pass

    def command(self):
        return ["redis-server", "--port", "0", "--unixsocket", str(self.home / "socket"),
                "--unixsocketperm", "777", "--save", "", "--dir", str(self.home)]

    def ask(self):
        self.send("PING")

    def send(self, *command):
        said = self.run("redis-cli", "-s", str(self.home / "socket"), *command)
        assert not said.startswith("(error)") and "Could not connect" not in said, said
