"""A database that goes, comes back, or comes back as it was some time ago."""

import json
import shutil
import time


def keep_a_copy(database):
    """What a standby that lags behind has."""
    database.stop()
    copy = database.home / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(database.home / "data", copy, copy_function=shutil.copy2)
    give_away(database, copy)
    database.start_again()


def put_back(database):
    database.stop()
    shutil.rmtree(database.home / "data")
    shutil.copytree(database.home / "copy", database.home / "data", copy_function=shutil.copy2)
    give_away(database, database.home / "data")
    database.start_again()


def give_away(database, folder):
    if database.user == "nobody":
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody")


def test_who_has_the_newest_answer_stores_it_again(alone):
    bob = alone.join("bob")
    alone.log_in()
    keep_a_copy(alone.database)
    assert alone.alice.get("acme/x") == "access-2"
    put_back(alone.database)
    # The refresh token in the row is spent: whoever sent it would end the grant.
    assert alone.alice.get("acme/x") == "access-2"
    assert bob.get("acme/x") == "access-2"
    assert (alone.server.refreshes, alone.server.replays) == (1, 0)


def test_who_saw_a_newer_row_sends_nothing_from_an_older_one(alone):
    bob = alone.join("bob")
    alone.log_in()
    keep_a_copy(alone.database)
    assert alone.alice.get("acme/x") == "access-2"
    assert bob.get("acme/x") == "access-2"
    put_back(alone.database)
    refused = bob.run("get", "acme/x")
    assert refused.returncode == 7 and "--accept-older" in refused.stderr, refused
    assert alone.server.refreshes == 1
    assert alone.alice.get("acme/x") == "access-2"
    assert bob.get("acme/x") == "access-2"


def test_a_database_that_goes_away_costs_no_grant(alone):
    """It goes at some moment of a refresh, each time another one, and comes back."""
    for moment in (0, 0.3, 0.6, 0.9, 1.2, 1.5):
        alone.log_in()
        alone.server.delay = 0.7
        process = alone.alice.start("get", "acme/x")
        time.sleep(moment)
        alone.database.stop()
        time.sleep(0.2)
        alone.database.start_again()
        out, err = process.communicate(timeout=90)
        assert process.returncode in (0, 9), (out, err)
        while alone.server.busy:
            time.sleep(0.05)
        alone.end_leases()
        alone.server.delay = 0
        assert alone.alice.get("acme/x") == "access-2"
        assert (alone.server.refreshes, alone.server.replays) == (1, 0), moment


def test_a_lost_member_list_is_noticed(alone):
    """A machine that saw the third entry does not go back to the second."""
    keep_a_copy(alone.database)
    alone.join("bob")
    put_back(alone.database)
    refused = alone.alice.run("list")
    assert refused.returncode == 7, refused
    report = json.loads(alone.alice.run("list", "--json").stderr.splitlines()[-1])
    assert report, report
