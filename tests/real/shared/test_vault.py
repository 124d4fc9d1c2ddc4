"""A vault that machines share, from its founding to the removal of a member, with PostgreSQL itself
and through a pooler that keeps no session.
"""

import json
import pathlib

import pytest

from shared_team import Team


def all_of_it(team):
    team.log_in()
    assert team.alice.get("acme") == "access-2"
    bob = team.join("bob")
    assert bob.get("acme/x") == "access-2", "a token that another machine renewed"
    bob.succeed("refresh", "acme/x")
    assert team.alice.get("acme") == "access-3"
    assert (team.server.refreshes, team.server.replays) == (2, 0)
    listed = json.loads(bob.succeed("list", "--json"))
    assert [(row["provider"], row["user"]) for row in listed["credentials"]] == [("acme", "x")]

    team.alice.succeed("member", "remove", "bob", "--yes")
    refused = bob.run("get", "acme/x")
    assert refused.returncode == 5 and "no member" in refused.stderr, refused
    assert team.alice.get("acme") == "access-3"
    team.alice.succeed("refresh", "acme/x")
    assert team.alice.get("acme") == "access-4"

    team.alice.succeed("delete", "acme/x", "--yes", "--no-revoke")
    assert team.alice.run("get", "acme/x").returncode == 3


def test_a_vault_is_shared_and_a_member_removed(team):
    all_of_it(team)


@pytest.mark.smoke
def test_a_transaction_pooler_is_enough(pooled):
    all_of_it(pooled)


def test_the_server_sees_neither_names_nor_secrets(team):
    team.log_in("alice@example.com")
    dump = team.database.run("pg_dump", "-d", "vault", "--inserts")
    for clear in ("alice@example.com", "acme", "refresh-1", "access-1"):
        assert clear not in dump and clear.encode().hex() not in dump, clear


def test_a_reader_gets_tokens_and_writes_nothing(team):
    team.log_in()
    ci = team.reader("ci")
    refused = ci.run("get", "acme/x")
    assert refused.returncode == 9 and "may only read" in refused.stderr, refused
    assert team.server.refreshes == 0
    assert team.alice.get("acme/x") == "access-2"
    assert ci.get("acme/x") == "access-2"
    for command in (["refresh", "acme/x"], ["delete", "acme/x", "--yes", "--no-revoke"],
                    ["login", "acme", "--user", "y"]):
        refused = ci.run(*command)
        assert refused.returncode in (2, 9), refused
    assert team.server.refreshes == 1
    assert ci.get("acme/x") == "access-2"


def test_two_vaults_in_one_database_know_nothing_of_each_other(database, strict):
    one, other = Team(database, strict), Team(database, strict)
    try:
        one.log_in()
        assert one.alice.get("acme") == "access-2"
        assert other.alice.run("get", "acme").returncode == 3
        assert other.alice.succeed("list") == ""
    finally:
        one.close()
        other.close()


def test_an_address_is_known_in_each_of_its_forms(team):
    """A joined vault is meant by the address, however that is written."""
    team.log_in()
    place = team.address().removeprefix("postgres://")
    user, rest = place.split("@")
    host, database = rest.split("/")
    name, port = host.split(":")
    keywords = f"host={name} port={port} user={user} dbname={database}"
    assert team.alice.get("acme/x") == "access-2"
    for form in (team.address(), f"postgresql://{place}", keywords):
        assert team.alice.succeed("--vault", form, "get", "acme/x") == "access-2\n"


def test_no_vault_takes_the_name_of_another(database, strict):
    """With its join line, the only way to it would be lost."""
    one, other = Team(database, strict), Team(database, strict)
    try:
        for again in (["init", one.address()], ["init", one.address(), "--name", "vault"]):
            refused = one.alice.run("vault", *again)
            assert refused.returncode == 2 and "--name" in refused.stderr, refused
        public = one.alice.succeed("key", "public").strip()
        line = other.alice.succeed("member", "add", "guest", public).strip()
        refused = one.alice.run("vault", "join", line)
        assert refused.returncode == 2 and "--name" in refused.stderr, refused
        one.alice.succeed("vault", "join", line, "--name", "second")
        one.log_in()
        assert one.alice.get("acme/x") == "access-2"
        assert one.alice.run("--vault", "second", "get", "acme/x").returncode == 3
        # The address alone does not say which; whatever is said of one names it.
        unclear = one.alice.run("--vault", one.address(), "get", "acme/x")
        assert unclear.returncode == 2 and "`--vault second` or `--vault vault`" in unclear.stderr
        stored = one.alice.run("--vault", "second", "login", "github", "--user", "y",
                               "--token-stdin", stdin="made-up-token")
        assert "tokctl --vault second get github/y" in stored.stderr, stored
        # Its own join line, perhaps a newer one, takes the place of the older.
        later = one.alice.succeed("--vault", "vault", "member", "add", "bob",
                                  one.machine().succeed("key", "public").strip()).strip()
        assert "`vault`" in one.alice.run("vault", "join", later).stderr
        third = other.alice.succeed("member", "add", "late",
                                    other.machine().succeed("key", "public").strip()).strip()
        assert "`second`" in one.alice.run("vault", "join", third).stderr
    finally:
        one.close()
        other.close()


def test_what_stays_on_the_machine_is_private(team):
    team.log_in()
    team.alice.get("acme")
    state = pathlib.Path(team.alice.env["XDG_STATE_HOME"])
    found = [path for path in state.rglob("*")]
    assert found
    for path in found:
        assert path.stat().st_mode & 0o077 == 0, path
