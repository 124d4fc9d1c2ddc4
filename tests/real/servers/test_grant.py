"""What becomes of a grant after login: refreshed where due, never spent twice, listed, revoked.

The server rotates refresh tokens and revokes the whole grant when a spent one comes back, so each
test ends by asking the server whether the grant is still alive.
"""

import json
import shutil
import time

import pytest

ALICE = ("acme", "--user", "alice")


@pytest.fixture
def due(server, keyed, browser):
    """A world whose grant's first access token has run out; the tokens after it live an hour."""
    server.control(access_token_life=2)
    keyed.configure(server.provider())
    keyed.succeed("login", *ALICE)
    browser()
    time.sleep(2.1)
    server.control(access_token_life=3600)
    return keyed


@pytest.mark.smoke
def test_get_refreshes_a_token_that_has_run_out(due, server):
    old = server.seen()["issued"][0]
    assert not server.is_active(old)
    new = due.get(*ALICE)
    assert new != old
    assert server.is_active(new)
    assert due.get(*ALICE) == new
    assert server.seen()["grants"] == ["authorization_code", "refresh_token"]


def test_each_refresh_spends_the_refresh_token_of_the_one_before(logged_in, server):
    tokens = {logged_in.get(*ALICE)}
    for _ in range(3):
        logged_in.succeed("refresh", *ALICE)
        tokens.add(logged_in.get(*ALICE))
    assert len(tokens) == 4
    assert server.seen()["grants"] == ["authorization_code"] + 3 * ["refresh_token"]
    assert server.seen()["errors"] == []
    assert server.is_active(logged_in.get(*ALICE))


def test_a_crowd_causes_one_token_request_and_leaves_the_grant_alive(due, server):
    server.control(token_delay_ms=300)
    before = server.seen()["token_requests"]
    crowd = [due.start("get", *ALICE) for _ in range(200)]
    answers = [(*process.communicate(timeout=60), process.returncode) for process in crowd]
    assert [code for _, _, code in answers] == 200 * [0], answers
    assert len({out for out, _, _ in answers}) == 1, answers
    assert server.seen()["token_requests"] == before + 1
    # And the grant is alive.
    server.control(token_delay_ms=0)
    due.succeed("refresh", *ALICE)
    assert server.is_active(due.get(*ALICE))


def test_a_server_out_of_order_costs_nothing(due, server):
    server.control(token_status=503)
    assert due.run("get", *ALICE).returncode == 6
    server.control(token_status=0)
    assert server.is_active(due.get(*ALICE))


def test_a_grant_that_the_server_has_ended_asks_for_a_login(logged_in, server):
    # A copy of the vault, on another machine, spends the refresh token that the original still has.
    copy = logged_in.home / "copy"
    shutil.copytree(logged_in.vault.parent, copy)
    logged_in.succeed("refresh", *ALICE, env={
        "TOKCTL_VAULT": str(copy / "tokens.db"),
        "XDG_STATE_HOME": str(logged_in.home / "elsewhere"),
    })
    refused = logged_in.run("refresh", *ALICE)
    assert refused.returncode == 4, refused
    assert "hint: " in refused.stderr and "tokctl login" in refused.stderr
    listed = json.loads(logged_in.succeed("list", "--json"))["credentials"]
    assert listed[0]["status"] == "login_required"


def test_list_says_what_is_stored_and_no_secret(logged_in, server):
    printed = logged_in.succeed("list", "--json", env={"TOKCTL_KEY": ""})
    found = json.loads(printed)
    assert found["v"] == 1
    (credential,) = found["credentials"]
    assert (credential["provider"], credential["user"]) == ("acme", "alice")
    assert (credential["kind"], credential["status"]) == ("oauth", "active")
    assert credential["refreshable"] is True
    assert sorted(credential["scopes"]) == ["email", "openid"]
    printed += logged_in.succeed("list")
    for issued in server.seen()["issued"]:
        assert issued not in printed


def test_get_as_json_has_the_promised_fields(logged_in, server):
    found = json.loads(logged_in.succeed("get", *ALICE, "--format", "json"))
    assert server.is_active(found["access_token"])
    assert (found["v"], found["provider"], found["user"]) == (1, "acme", "alice")
    assert found["token_type"].lower() == "bearer"
    assert found["expiry"] == "known"
    assert 3500 < found["expires_in"] <= 3600
    assert found["expires_at"].endswith("Z")
    assert found["refreshed"] is False


def test_delete_ends_the_grant_at_the_server(logged_in, server):
    token = logged_in.get(*ALICE)
    assert server.is_active(token)
    logged_in.succeed("delete", *ALICE, "--yes")
    assert server.seen()["revocations"] >= 1
    assert not server.is_active(token)
    # The refresh token with it: nothing that this grant ever brought works any more.
    issued = server.seen()["issued"]
    assert len(issued) > 1
    assert not any(server.is_active(each) for each in issued)
    assert logged_in.run("get", *ALICE).returncode == 3
    assert json.loads(logged_in.succeed("list", "--json"))["credentials"] == []


def test_delete_without_revoking_leaves_the_grant_alone(logged_in, server):
    token = logged_in.get(*ALICE)
    logged_in.succeed("delete", *ALICE, "--yes", "--no-revoke")
    assert server.seen()["revocations"] == 0
    assert server.is_active(token)
