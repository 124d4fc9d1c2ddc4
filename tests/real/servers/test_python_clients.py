"""Python's own clients of Google Drive and Jira, with what `tokctl get` prints."""

import base64
import json
from datetime import datetime

import google.auth.transport.requests
import google.oauth2.credentials
import pytest
from jira import JIRA, JIRAError

import stand_ins

DRIVE_TOKEN = "made-up-drive-token"
JIRA_TOKEN = "made-up-jira-token"


def about(address, credentials):
    """Asks Drive whose it is, as google-auth's own session does it."""
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    return session.get(f"{address}/drive/v3/about?fields=user", timeout=10)


@pytest.mark.smoke
def test_google_auth_takes_a_stored_token(keyed):
    keyed.succeed("login", "gdrive", "--user", "alice", "--token-stdin", stdin=f"{DRIVE_TOKEN}\n")
    credentials = google.oauth2.credentials.Credentials(token=keyed.get("gdrive"))
    with stand_ins.drive(f"Bearer {DRIVE_TOKEN}") as drive:
        answer = about(drive.address, credentials)
        assert answer.status_code == 200
        assert answer.json()["user"]["emailAddress"] == "alice@example.com"


def test_google_auth_takes_the_token_and_expiry_of_a_grant(logged_in, server):
    printed = json.loads(logged_in.succeed("get", "acme", "--format", "json"))
    expiry = datetime.fromisoformat(printed["expires_at"]).replace(tzinfo=None)
    credentials = google.oauth2.credentials.Credentials(token=printed["access_token"], expiry=expiry)
    assert credentials.valid
    with stand_ins.drive(f"Bearer {server.seen()['issued'][0]}") as drive:
        assert about(drive.address, credentials).status_code == 200


def jira_is_usable(client):
    assert client.myself()["emailAddress"] == "alice@example.com"
    assert client.issue("DEMO-1").fields.summary == "Made up"


@pytest.mark.smoke
def test_jira_takes_a_personal_access_token(keyed):
    with stand_ins.jira(f"Bearer {JIRA_TOKEN}") as site:
        keyed.succeed("login", "jira", "--server", site.address, "--user", "alice",
                      "--token-stdin", stdin=f"{JIRA_TOKEN}\n")
        token = keyed.get("jira", "--format", "token")
        jira_is_usable(JIRA(server=site.address, token_auth=token, max_retries=0))


def test_jira_takes_an_api_token_with_its_user_name(keyed):
    pair = base64.b64encode(f"alice@example.com:{JIRA_TOKEN}".encode()).decode()
    with stand_ins.jira(f"Basic {pair}") as site:
        keyed.succeed("login", "jira", "--server", site.address, "--user", "alice",
                      "--username", "alice@example.com", "--token-stdin", stdin=f"{JIRA_TOKEN}\n")
        printed = json.loads(keyed.succeed("get", "jira", "--format", "json"))
        assert printed["server_url"].rstrip("/") == site.address
        account = (printed["username"], keyed.get("jira", "--format", "token"))
        jira_is_usable(JIRA(server=printed["server_url"], basic_auth=account, max_retries=0))


def test_the_stand_in_tells_a_wrong_token():
    with stand_ins.jira(f"Bearer {JIRA_TOKEN}") as site, pytest.raises(JIRAError):
        JIRA(server=site.address, token_auth="made-up-wrong-token", max_retries=0)
