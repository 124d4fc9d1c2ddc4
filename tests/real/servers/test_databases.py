"""The stores of other tools in the databases that these are run with, taken in whole.

The tables are as the documentation of each tool has them. How they are dumped is said in the manual
of `tokctl import`; the tests type what stands there.
"""

import json
import pathlib
import subprocess
import time

import pytest

from databases import MariaDB, PostgreSQL, Redis
from rotating_server import RotatingServer
from world import BINARY

PAGE = pathlib.Path(__file__).parents[3] / "man" / "tokctl-import.1"

DRIVE = "https://www.googleapis.com/auth/drive"

# What differs between the two: the name of a type, and how a text is bounded to be a key.
POSTGRESQL = {"time": "TIMESTAMPTZ", "key": "TEXT", "serial": "SERIAL", "truth": "BOOLEAN"}
MARIADB = {"time": "DATETIME", "key": "VARCHAR(191)", "serial": "INTEGER AUTO_INCREMENT",
           "truth": "BOOLEAN"}

SCHEMA = """
CREATE TABLE tokens (user_id {key} PRIMARY KEY, access_token TEXT NOT NULL,
    refresh_token TEXT NOT NULL, token_type TEXT NOT NULL, expires_at {time} NOT NULL,
    created_at {time} DEFAULT CURRENT_TIMESTAMP, updated_at {time} DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE etsy_users (user_id {key} PRIMARY KEY, access_token TEXT, refresh_token TEXT,
    token_expires_at {time} NULL, updated_at {time} NULL);
CREATE TABLE shopify_stores (id {key} PRIMARY KEY, shop_domain TEXT, access_token TEXT,
    is_active {truth}, updated_at {time} NULL);
CREATE TABLE oauth_tokens (id {serial} PRIMARY KEY, user_id VARCHAR(100) UNIQUE,
    tokens VARCHAR(1000));
CREATE TABLE jira_tokens (id {serial} PRIMARY KEY, user_id {key} NOT NULL UNIQUE,
    token TEXT NOT NULL, server_url TEXT NOT NULL, username TEXT, created_at {time} NULL,
    updated_at {time} NULL);
CREATE TABLE gdrive_tokens (id {serial} PRIMARY KEY, user_id {key} NOT NULL UNIQUE,
    token TEXT NOT NULL, refresh_token TEXT, token_uri TEXT, client_id TEXT, client_secret TEXT,
    scopes TEXT, expiry {time} NULL, created_at {time} NULL, updated_at {time} NULL);
"""

PAUTH = {
    "alice": {"access_token": "made-up-pauth-1", "refresh_token": "made-up-pauth-2",
              "token_type": "bearer", "expires_in": 3600, "scope": "repo read:org"},
    'bob "the, tab\\" o\'x': {"access_token": "made-up-pauth-3", "token_type": "bearer",
                             "scope": "repo"},
}

NOW = "2025-01-01 00:00:00"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def rows(escaped):
    """The rows of all tables; `escaped` doubles what the database takes for an escape in a text."""
    statements = [
        f"INSERT INTO tokens VALUES ('user_{number}', 'made-up-salla-{number}', "
        f"'made-up-salla-refresh-{number}', 'Bearer', '2100-01-0{number} 02:00:00', '{NOW}', '{NOW}')"
        for number in (1, 2, 3)
    ]
    statements += [
        f"INSERT INTO etsy_users VALUES ('{number}-uuid', '{number}.made-up-etsy', "
        f"'{number}.made-up-refresh', '2100-01-0{number} 02:00:00', '{NOW}')"
        for number in (1, 2)
    ]
    statements += [
        "INSERT INTO shopify_stores VALUES ('s-1', 'one.myshopify.com', 'made-up-shop-1', TRUE, NULL)",
        "INSERT INTO shopify_stores VALUES ('s-2', 'two.myshopify.com', 'made-up-shop-2', FALSE, NULL)",
    ]
    statements += [
        "INSERT INTO oauth_tokens (user_id, tokens) VALUES "
        f"({quoted(escaped(user))}, {quoted(escaped(json.dumps(tokens)))})"
        for user, tokens in PAUTH.items()
    ]
    statements += [
        "INSERT INTO jira_tokens (user_id, token, server_url, username) VALUES "
        "('alice@example.com', 'made-up-jira-1', 'https://issues.example.com', NULL)",
        "INSERT INTO jira_tokens (user_id, token, server_url, username) VALUES "
        "('bob@example.com', 'made-up-jira-2', 'https://made-up.atlassian.net', 'bob@example.com')",
        "INSERT INTO gdrive_tokens (user_id, token, refresh_token, token_uri, client_id, "
        "client_secret, scopes, expiry) VALUES ('alice@example.com', 'made-up-drive-1', "
        "'made-up-drive-2', 'https://oauth2.googleapis.com/token', 'made-up-id', "
        f"'made-up-secret', {quoted(json.dumps([DRIVE]))}, '2100-01-01 02:00:00')",
    ]
    return "".join(f"{statement};\n" for statement in statements)


# What each table makes, as `list --json` and `get --format json` show it.
def static(token, **more):
    return {"access_token": token, "refreshable": False, "expires_at": None} | more


def grant(token, refresh, end, **more):
    # A token whose end nobody knows is renewed at its first use, so it is never seen.
    seen = {"access_token": token} if end else {}
    return seen | {"refresh_token": refresh, "refreshable": True, "expires_at": end} | more


EXPECTED = {
    "tokens": {
        f"salla/user_{number}": grant(
            f"made-up-salla-{number}", f"made-up-salla-refresh-{number}",
            f"2100-01-0{number}T02:00:00Z", token_type="Bearer")
        for number in (1, 2, 3)
    },
    "etsy_users": {
        f"etsy/{number}-uuid": grant(
            f"{number}.made-up-etsy", f"{number}.made-up-refresh", f"2100-01-0{number}T02:00:00Z")
        for number in (1, 2)
    },
    "shopify_stores": {
        "shopify/one.myshopify.com": static(
            "made-up-shop-1", server_url="https://one.myshopify.com", status="active"),
        "shopify/two.myshopify.com": static(
            "made-up-shop-2", server_url="https://two.myshopify.com", status="inactive"),
    },
    "oauth_tokens": {
        "acme/alice": grant("made-up-pauth-1", "made-up-pauth-2", None,
                            scopes=["repo", "read:org"]),
        f"acme/{list(PAUTH)[1]}": static("made-up-pauth-3", scopes=["repo"]),
    },
    "jira_tokens": {
        "jira-dc/alice@example.com": static(
            "made-up-jira-1", server_url="https://issues.example.com", username=None),
        "jira/bob@example.com": static(
            "made-up-jira-2", server_url="https://made-up.atlassian.net",
            username="bob@example.com"),
    },
    "gdrive_tokens": {
        "gdrive/alice@example.com": grant(
            "made-up-drive-1", "made-up-drive-2", "2100-01-01T02:00:00Z", scopes=[DRIVE]),
    },
}

SOURCES = {
    "tokens": "salla",
    "etsy_users": "refresh-service",
    "shopify_stores": "refresh-service",
    "oauth_tokens": "pauth",
    "jira_tokens": "agentllm",
    "gdrive_tokens": "agentllm",
}


def recipes(program):
    """The lines of the manual that begin with this program, each with those that belong to it."""
    found, lines = [], []
    for block in PAGE.read_text().split("\n.EX\n")[1:]:
        text = block.split("\n.EE")[0]
        text = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
        for line in text.splitlines():
            lines.append(line)
            # A command goes on below itself, further in.
            if "tokctl import" in line:
                command = "\n".join(lines)
                if command.startswith(program):
                    found.append(command)
                lines = []
        lines = []
    assert found, f"the manual has no recipe with {program}"
    return found


class TokenServer(RotatingServer):
    """Takes every refresh token as one of its own, and remembers it."""

    def __init__(self):
        super().__init__("tolerant")
        self.spent = []

    def token(self, form):
        self.spent.append(form["refresh_token"])
        return 200, {"access_token": "made-up-new", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def token_server():
    made = TokenServer()
    yield made
    made.close()


@pytest.fixture(scope="module", params=[PostgreSQL, MariaDB])
def database(request):
    made = request.param()
    try:
        is_mariadb = isinstance(made, MariaDB)
        escaped = (lambda text: text.replace("\\", "\\\\")) if is_mariadb else (lambda text: text)
        kinds = MARIADB if is_mariadb else POSTGRESQL
        zone = "SET time_zone = '+00:00';" if is_mariadb else "SET TIME ZONE 'UTC';"
        made.sql(zone + SCHEMA.format(**kinds) + rows(escaped))
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def redis():
    made = Redis()
    yield made
    made.close()


@pytest.fixture
def importing(keyed, token_server):
    """A vault whose providers renew their tokens at `token_server`; the world."""
    address = f"{token_server.address}/token"
    named = "".join(
        f'[providers.{name}]\nextends = "{name}"\ntoken_endpoint = "{address}"\n'
        for name in ("salla", "etsy", "github", "gdrive")
    )
    keyed.configure(
        f'{named}[providers.acme]\nauthorization_endpoint = "{address}"\n'
        f'token_endpoint = "{address}"\nclient_id = "made-up-id"\n'
    )
    for name in ("SALLA", "ETSY", "GITHUB"):
        keyed.env[f"TOKCTL_{name}_CLIENT_ID"] = "made-up-id"
        keyed.env[f"TOKCTL_{name}_CLIENT_SECRET"] = "made-up-secret"
    programs = keyed.home / "programs"
    programs.mkdir()
    (programs / "tokctl").symlink_to(BINARY)
    keyed.env["PATH"] = f"{programs}:{keyed.env['PATH']}"
    return keyed


def type_in(world, database, line):
    """Types a line with the clients of `database`; what was said."""
    env = world.env | {name: value for name, value in database.env.items() if name.startswith("PG")}
    if (options := database.home / ".my.cnf").exists():
        (world.home / ".my.cnf").write_text(options.read_text())
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], env=env, cwd=world.home, text=True,
        capture_output=True, timeout=90, check=False, stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stderr


def stored(world, expected):
    """What is stored under the names in `expected`, in the fields that it has."""
    listed = {
        f"{one['provider']}/{one['user']}": one
        for one in json.loads(world.succeed("list", "--json"))["credentials"]
    }
    found = {}
    for account, fields in expected.items():
        provider, user = account.split("/", 1)
        both = listed[account]
        if "access_token" in fields:
            got = world.succeed("get", provider, "--user", user, "--format", "json", "--no-refresh")
            both = both | json.loads(got)
        found[account] = {name: both[name] for name in fields if name != "refresh_token"}
    assert set(listed) == set(expected)
    return found


def check(world, token_server, expected):
    """Everything is there, and what renews it is the refresh token of its row."""
    without = {
        account: {name: value for name, value in fields.items() if name != "refresh_token"}
        for account, fields in expected.items()
    }
    assert stored(world, without) == without
    for account, fields in expected.items():
        if "refresh_token" in fields:
            provider, user = account.split("/", 1)
            world.succeed("refresh", provider, "--user", user)
            assert token_server.spent[-1] == fields["refresh_token"]


def dumps(database, table):
    """The commands that dump a table, with the names of its columns and without."""
    if isinstance(database, PostgreSQL):
        return [f"psql -c '\\copy {table} to stdout csv header'",
                f"psql -c '\\copy {table} to stdout csv'",
                f"psql -c '\\copy {table} to stdout'",
                f"psql --no-align -c 'select * from {table}'",
                f"psql -tA -c \"select json_agg(t) from {table} t\""]
    return [f"mariadb --batch -e 'select * from {table}'",
            f"mariadb --batch --skip-column-names -e 'select * from {table}'",
            f"mariadb -B -e 'select * from {table}'"]


def is_whole(dump, table):
    # Bars can't be told from those within a text, and these texts have none; a frame trims them.
    return not (table == "oauth_tokens" and "no-align" in dump)


@pytest.mark.parametrize("table", SOURCES)
def test_every_table_comes_in_whole_however_it_is_dumped(importing, token_server, database, table):
    for number, dump in enumerate(d for d in dumps(database, table) if is_whole(d, table)):
        importing.env["TOKCTL_VAULT"] = str(importing.home / f"{number}.db")
        provider = " --provider acme" if table == "oauth_tokens" else ""
        said = type_in(importing, database,
                       f"{dump} | tokctl import {SOURCES[table]} - --strict --take-over{provider}")
        count = len(EXPECTED[table])
        assert f"stored {count} of {count}" in said, (dump, said)
        check(importing, token_server, EXPECTED[table])


def test_the_lines_of_the_manual_work(importing, token_server, database):
    program = "psql" if isinstance(database, PostgreSQL) else "mariadb"
    expected = {}
    for line in recipes(program):
        table = next(table for table in SOURCES if f" {table}" in line)
        type_in(importing, database, line)
        # A provider that the line names takes the place of the one that the test has.
        provider = line.split("--provider ")[1].split()[0] if "--provider" in line else None
        expected |= {
            f"{provider}/{account.split('/', 1)[1]}" if provider else account: fields
            for account, fields in EXPECTED[table].items()
        }
    check(importing, token_server, expected)


def test_what_redis_has_comes_in_with_the_ends_that_it_knows(importing, token_server, redis):
    redis.send("FLUSHALL")
    for user, tokens in PAUTH.items():
        redis.send("SET", f"oauth_tokens:{user}", json.dumps(tokens))
        if life := tokens.get("expires_in"):
            redis.send("EXPIRE", f"oauth_tokens:{user}", str(life))
    redis.send("SET", "other:key", "made-up")
    begun = time.time()
    client = importing.home / "programs" / "redis-cli"
    client.write_text(f"#!/bin/sh\nexec /usr/bin/redis-cli -s {redis.home / 'socket'} \"$@\"\n")
    client.chmod(0o700)
    [line] = recipes("redis-cli")
    type_in(importing, redis, line + " --take-over")
    listed = json.loads(importing.succeed("list", "--json"))["credentials"]
    assert {one["user"] for one in listed} == set(PAUTH)
    got = json.loads(importing.succeed("get", "github/alice", "--format", "json", "--no-refresh"))
    assert got["access_token"] == "made-up-pauth-1"
    assert got["scopes"] == ["repo", "read:org"]
    assert 3600 - 60 - (time.time() - begun) < got["expires_in"] <= 3600
    importing.succeed("refresh", "github/alice")
    assert token_server.spent == ["made-up-pauth-2"]
