"""Google's default credentials as tokctl prints them, taken by google-auth."""

import json
import sys

import pytest
from google.auth import default
from google.auth.transport.requests import Request

from google_stand_in import CLIENT, REFRESH_TOKEN, GoogleStandIn
from tls import Authority

# Comes back at once, as Google's consent page does in the end.
BROWSER = """#!{python}
import sys, urllib.parse, urllib.request
asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sys.argv[1]).query))
answer = urllib.parse.urlencode({{"code": "made-up-code", "state": asked["state"]}})
urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(
    asked["redirect_uri"] + "?" + answer
).read()
"""


@pytest.fixture
def google(tmp_path):
    authority = Authority(tmp_path)
    with GoogleStandIn(authority) as stand_in:
        stand_in.authority = authority
        yield stand_in


@pytest.fixture
def with_google(keyed, google):
    """A world with a login at Google."""
    keyed.configure(f'[providers.google]\nextends = "google"\nca_file = "{google.authority.file}"\n'
                    f'client_id = "{CLIENT["client_id"]}"\n')
    keyed.env |= {"HTTPS_PROXY": google.address,
                  "TOKCTL_GOOGLE_CLIENT_SECRET": CLIENT["client_secret"]}
    browser = keyed.home / "browser"
    browser.write_text(BROWSER.format(python=sys.executable))
    browser.chmod(0o700)
    keyed.env["BROWSER"] = str(browser)
    keyed.succeed("login", "google")
    return keyed


@pytest.mark.smoke
def test_google_auth_renews_what_it_was_given(with_google, google, tmp_path, monkeypatch):
    printed = with_google.run("get", "google", "--format", "adc")
    assert printed.returncode == 0, printed
    assert "refresh token" in printed.stderr and REFRESH_TOKEN not in printed.stderr
    file = tmp_path / "adc.json"
    file.write_text(printed.stdout)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("HTTPS_PROXY", google.address)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(google.authority.file))
    credentials, _ = default(scopes=["openid"])
    credentials.refresh(Request())
    assert credentials.token == f"ya29.made-up-{len(google.forms)}"
    assert google.forms[-1]["grant_type"] == "refresh_token"
    # tokctl's own copy is as good as before.
    with_google.succeed("refresh", "google")
    assert google.forms[-1]["refresh_token"] == REFRESH_TOKEN


def test_a_platform_masks_what_the_file_holds(with_google):
    printed = with_google.run("get", "google", "--format", "adc", "--ci-mask", "github")
    written = json.loads(printed.stdout)
    assert written == CLIENT | {"refresh_token": REFRESH_TOKEN, "type": "authorized_user"}
    for secret in (CLIENT["client_secret"], REFRESH_TOKEN):
        assert f"::add-mask::{secret}\n" in printed.stderr


def test_a_grant_that_rotates_does_not_leave(with_google):
    file = with_google.home / "config" / "tokctl" / "config.toml"
    with_google.configure(file.read_text() + "refresh = { rotates = true }\n")
    refused = with_google.run("get", "google", "--format", "adc")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "two holders" in refused.stderr
