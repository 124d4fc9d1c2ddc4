"""A PostgreSQL cluster that machines share, and a pooler before it, each on loopback.

The cluster asks for passwords by SCRAM. What is stored in it is not known here, but by the names of
tokctl's tables.
"""

import os
import pathlib
import shutil
import socket
import subprocess

from databases import Database, PostgreSQL

PASSWORD = "made-up-password"
# Who owns the tables, and who may only read them.
OWNER, READER = "tok", "tok_reader"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class SharedDatabase(PostgreSQL):
    """A cluster with the database `vault`."""

    listens = "localhost"
    # The hosts that may log in with a password.
    hosts = "samehost"

    def __init__(self, authentication="scram-sha-256", settings=(), certificate=None):
        self.port = free_port()
        self.authentication = authentication
        self.settings = settings
        # A file with a key and its certificate, if the server is to speak TLS.
        self.certificate = certificate
        super().__init__()
        self.sql(
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}';"
            f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}';"
        )
        self.sql(f"CREATE DATABASE vault OWNER {OWNER};")

    def make(self):
        super().make()
        self.env["PGPORT"] = str(self.port)
        (self.home / "data" / "pg_hba.conf").write_text(
            f"local all made-up trust\nhost all all {self.hosts} {self.authentication}\n"
        )
        if self.certificate:
            own = self.home / "server.pem"
            shutil.copy(self.certificate, own)
            own.chmod(0o600)
            if os.getuid() == 0:
                shutil.chown(own, "nobody")
            self.settings = [*self.settings, "ssl=on", f"ssl_cert_file={own}", f"ssl_key_file={own}"]

    def command(self):
        kept = [part for part in super().command() if part != "listen_addresses="]
        options = [f"listen_addresses={self.listens}", f"port={self.port}", "max_connections=200"]
        # A flag stood before what was left out.
        kept = kept[:kept.index("-c")] + kept[kept.index("-c") + 1:]
        for option in (*options, *self.settings):
            kept += ["-c", option]
        return kept

    def address(self, user=OWNER, port=None):
        return f"postgres://{user}@127.0.0.1:{port or self.port}/vault"

    def ask_vault(self, statement):
        """Runs a statement as the superuser; the rows, each a list of texts."""
        out = self.run("psql", "-d", "vault", "-AtF", "\t", "-c", statement)
        return [line.split("\t") for line in out.splitlines()]

    def write_vault(self, statement):
        self.run("psql", "-d", "vault", "--quiet", "-c", statement)

    def stop(self):
        """Stops the server as a crash would."""
        self.server.kill()
        self.server.wait()

    def start_again(self):
        self.server = subprocess.Popen(
            self.as_user(self.command()), env=self.env, cwd=self.home,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )
        self.wait()


class PgBouncer(Database):
    """A pooler in transaction mode, with five connections to `database`."""

    listens = "127.0.0.1"
    # More lines of its settings.
    more = ""

    def __init__(self, database, size=5):
        self.database, self.size, self.port = database, size, free_port()
        super().__init__()

    def make(self):
        users = self.home / "users.txt"
        users.write_text("".join(f'"{user}" "{PASSWORD}"\n' for user in (OWNER, READER)))
        (self.home / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"vault = host=127.0.0.1 port={self.database.port} dbname=vault\n"
            "[pgbouncer]\n"
            f"listen_addr = {self.listens}\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {users}\n"
            f"pool_mode = transaction\ndefault_pool_size = {self.size}\nmax_client_conn = 500\n"
            + self.more
        )

    def command(self):
        found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        return [found or "pgbouncer", str(self.home / "pgbouncer.ini")]

    def ask(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError as error:
            raise AssertionError(error) from None


def remember_password(world):
    """Writes the password into the file where libpq looks for it."""
    file = pathlib.Path(world.home) / ".pgpass"
    file.write_text(f"*:*:*:*:{PASSWORD}\n")
    file.chmod(0o600)
