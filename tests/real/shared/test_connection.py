"""The way to the database: where its address comes from, what proves who it is, and each failure with
the exit code by which scripts tell them apart.
"""

import json
import socket
import threading
import time

import pytest

from many_grants import ManyGrants
from rotating_server import RotatingServer
from shared_database import OWNER, PASSWORD, SharedDatabase, free_port
from shared_team import Team
from tls import Authority


def refused(world, code, *words, address=None):
    """Runs a `list` that has to fail with `code`; what it said."""
    command = ["list"] if address is None else ["--vault", address, "list"]
    done = world.run(*command)
    assert done.returncode == code, done
    assert all(word in done.stderr for word in words), done.stderr
    assert PASSWORD not in done.stderr and done.stdout == "", done
    return done.stderr


def with_pin(team, address):
    return address + "#" + json.loads(team.alice.succeed("vault", "status", "--json"))["head"]


def test_the_address_may_come_from_a_service_and_from_the_environment(team):
    pin = with_pin(team, "")
    port = str(team.database.port)
    (team.alice.home / ".pg_service.conf").write_text(
        f"[team]\nhost=127.0.0.1\nport={port}\nuser={OWNER}\ndbname=vault\n"
    )
    assert team.alice.succeed("--vault", f"service=team{pin}", "list") == ""
    env = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": OWNER, "PGDATABASE": "vault"}
    assert team.alice.succeed("--vault", f"postgres://{pin}", "list", env=env) == ""
    assert team.alice.succeed("--vault", f"postgres://{pin}", "list",
                              env={"PGSERVICE": "team"}) == ""


def test_a_password_comes_from_a_private_file_or_the_environment(team):
    (team.alice.home / ".pgpass").chmod(0o644)
    refused(team.alice, 5, OWNER)
    assert team.alice.succeed("list", env={"PGPASSWORD": PASSWORD}) == ""
    done = team.alice.run("list", env={"PGPASSWORD": "wrong"})
    assert done.returncode == 5 and "wrong" not in done.stderr, done
    (team.alice.home / ".pgpass").chmod(0o600)
    assert team.alice.succeed("list") == ""


def test_many_are_refreshed_at_once_over_as_many_connections_as_there_are(database):
    server = ManyGrants()
    team = Team(database, server)
    try:
        team.take_in(20)
        for limit in (1, 3, -1):
            # A command's connection is counted a moment longer than the command lives.
            while database.ask_vault(f"SELECT 1 FROM pg_stat_activity WHERE usename = '{OWNER}'"):
                time.sleep(0.05)
            database.write_vault(f"ALTER ROLE {OWNER} CONNECTION LIMIT {limit}")
            done = team.alice.run("refresh", "--all", "--jobs", "20")
            assert (done.returncode, done.stderr) == (0, "refreshed 20, skipped 0, failed 0\n"), done
    finally:
        database.write_vault(f"ALTER ROLE {OWNER} CONNECTION LIMIT -1")
        team.close()
        server.close()


def test_who_is_away_or_full_is_said_and_nothing_is_lost(team):
    away = with_pin(team, f"postgres://{OWNER}@127.0.0.1:{free_port()}/vault")
    assert "nothing is lost" in refused(team.alice, 9, "refused", address=away)
    team.database.write_vault(f"ALTER ROLE {OWNER} CONNECTION LIMIT 0")
    try:
        refused(team.alice, 9, "connections")
    finally:
        team.database.write_vault(f"ALTER ROLE {OWNER} CONNECTION LIMIT -1")
    team.database.write_vault(f"REVOKE SELECT ON tokctl_rows FROM {OWNER}")
    try:
        refused(team.alice, 5, "permission denied")
    finally:
        team.database.write_vault(f"GRANT SELECT ON tokctl_rows TO {OWNER}")
    assert team.alice.succeed("list") == ""


def test_other_engines_and_weak_modes_are_refused(team):
    for address, word in [
        ("mysql://u@127.0.0.1/d", "MySQL"),
        ("redis://127.0.0.1", "Redis"),
        ("postgres://u@db.example/d?sslmode=require", "sslmode"),
        ("postgres://u@db.example/d?nonsense=1", "nonsense"),
    ]:
        refused(team.alice, 2, word, address=with_pin(team, address))


@pytest.mark.parametrize("method", ["password", "md5"])
def test_no_password_goes_out_in_clear(strict, method):
    database = SharedDatabase(authentication=method, settings=["password_encryption=md5"])
    try:
        team = Team(database, strict, founded=False)
        done = team.machine().run("vault", "init", database.address(), "--label", "alice")
        assert done.returncode == 2 and "password" in done.stderr, done
        team.close()
    finally:
        database.close()


class Eavesdropper:
    """Listens where a database should, asks for the password in clear, and keeps what comes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.heard = self.listener.getsockname()[1], b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.listener.accept()
        client.recv(1000)
        client.sendall(b"R\0\0\0\x08\0\0\0\x03")
        client.settimeout(2)
        try:
            self.heard = client.recv(1000)
        except OSError:
            pass
        client.close()


def test_a_neighbour_that_listens_at_the_port_learns_no_password(team):
    neighbour = Eavesdropper()
    refused(team.alice, 2, "password", address=with_pin(
        team, f"postgres://{OWNER}@127.0.0.1:{neighbour.port}/vault"))
    assert neighbour.heard == b""


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A cluster with a certificate for `localhost`, which takes no connection without TLS."""
    files = tmp_path_factory.mktemp("tls")
    authority = Authority(files)
    authority.context("localhost")
    made = SharedDatabase(certificate=files / "localhost.pem")
    yield made, authority
    made.close()


def test_over_tls_the_server_has_to_prove_its_name(secured):
    database, authority = secured
    server = RotatingServer("strict")
    address = f"postgres://{OWNER}@localhost:{database.port}/vault?sslmode=verify-full"
    trusted = f"{address}&sslrootcert={authority.file}"

    class Secured(Team):
        def address(self, **_):
            return trusted

    team = Secured(database, server)
    try:
        team.log_in()
        assert team.alice.get("acme") == "access-2"
        # Nobody trusts this authority by default.
        stderr = refused(team.alice, 2, "prove", address=with_pin(team, address))
        assert "sslrootcert" in stderr
        other = f"postgres://{OWNER}@127.0.0.1:{database.port}/vault?sslmode=verify-full" \
            f"&sslrootcert={authority.file}"
        refused(team.alice, 2, "prove", address=with_pin(team, other))
        nothing = f"{address}&sslrootcert=/nowhere"
        refused(team.alice, 2, "/nowhere", address=with_pin(team, nothing))
    finally:
        team.close()
        server.close()


def test_a_server_without_tls_is_no_server_elsewhere(team):
    address = f"postgres://{OWNER}@localhost:{team.database.port}/vault?sslmode=verify-full"
    refused(team.alice, 2, "TLS", address=with_pin(team, address))
