"""Bad days that no other test has: each has its exit code, and costs nothing."""

from shared_database import OWNER, READER


def set_clock(team, by):
    """The clock of the database, as its users see it from now on."""
    team.database.write_vault(
        "CREATE SCHEMA IF NOT EXISTS wrong;"
        "CREATE OR REPLACE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
        f" $$ SELECT pg_catalog.clock_timestamp() + interval '{by}' $$;"
        f"GRANT USAGE ON SCHEMA wrong TO {OWNER};"
        f"ALTER ROLE {OWNER} SET search_path = wrong, pg_catalog, public;"
    )


def refused(world, code, *command, said=()):
    done = world.run(*command)
    assert done.returncode == code and done.stdout == "", done
    for words in said:
        assert words in done.stderr, done
    return done


def test_a_database_whose_clock_is_a_day_off_is_not_judged_by(alone):
    alone.log_in()
    for by in ("25 hours", "-25 hours"):
        set_clock(alone, by)
        refused(alone.alice, 7, "get", "acme/x", said=["hours away from this machine's"])
    set_clock(alone, "0 seconds")
    assert alone.server.refreshes == 0
    assert alone.alice.get("acme/x") == "access-2"


def test_a_database_whose_clock_was_set_back_is_not_judged_by(alone):
    alone.log_in()
    set_clock(alone, "-1 hour")
    refused(alone.alice, 7, "get", "acme/x", said=["minutes behind", "nothing was sent"])
    assert alone.server.refreshes == 0
    # A little behind is another node that took over.
    set_clock(alone, "-20 seconds")
    alone.alice.succeed("get", "acme/x")


def test_a_turn_that_is_not_got_in_time_is_told_apart_from_a_loss(team):
    bob = team.join("bob")
    team.log_in()
    team.server.delay = 1.5
    process = bob.start("get", "acme/x")
    while not team.server.busy:
        pass
    process.kill()
    process.communicate()
    team.database.write_vault(
        "UPDATE tokctl_rows SET lease_until = lease_until + 600000000 WHERE attempt IS NOT NULL"
    )
    refused(team.alice, 9, "get", "acme/x")
    team.server.delay = 0
    assert team.server.refreshes == 1


def test_a_privilege_that_is_missing_is_named(team):
    team.log_in()
    team.database.write_vault(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
    # A member by the list, and none who may write by the database.
    bob = team.join("bob", user=READER)
    done = refused(bob, 5, "refresh", "acme/x", said=["may not do that", "tokctl help shared"])
    assert "permission denied" in done.stderr
    assert team.server.refreshes == 0
    team.database.write_vault(f"REVOKE SELECT ON tokctl_rows FROM {READER}")
    refused(bob, 5, "get", "acme/x", said=["may not do that"])


def test_nothing_is_revoked_by_whom_the_database_lets_delete_nothing(team):
    """A revocation can't be taken back, and the team would go on with a dead grant."""
    revoking = team.server.definition() + 'revocation_endpoint = "http://127.0.0.1:1/revoke"\n'
    team.alice.configure(revoking)
    team.log_in()
    team.database.write_vault(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
    bob = team.join("bob", user=READER)
    bob.configure(revoking)
    refused(bob, 5, "delete", "acme/x", "--yes", said=["may not", "tokctl_rows", "tokctl help shared"])
    # Who may, asks the provider first.
    assert team.alice.run("delete", "acme/x", "--yes").returncode == 6
    assert team.alice.get("acme/x") == "access-2"


def test_a_user_whose_name_has_to_be_shown_otherwise_is_one_like_others(team):
    """What is shown of such a name is not the name."""
    user = "x\u202ey z"
    team.log_in(user)
    assert team.alice.succeed("get", "acme", "--user", user) == "access-2\n"
    assert team.alice.succeed("list").count("\n") == 1
    team.alice.succeed("rotate-key")
    assert team.alice.succeed("get", "acme", "--user", user) == "access-2\n"
