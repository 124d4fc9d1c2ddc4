"""Logging in with a browser at a certified authorization server, and the page shown at the end."""

import pytest

CLIENTS = [
    ("native", "none", None),
    ("post", "client_secret_post", "made-up-post-secret"),
    # To be form-encoded before it goes into the header (RFC 6749 §2.3.1).
    ("basic", "client_secret_basic", "basic/secret:+%"),
]


@pytest.mark.smoke
def test_a_browser_login_ends_with_a_live_token(keyed, server, browser):
    keyed.configure(server.provider())
    login = keyed.run("login", "acme", "--user", "alice")
    assert login.returncode == 0, login
    assert f"{server.issuer}/auth?" in login.stderr
    assert browser()["steps"] == ["login", "consent"]

    token = keyed.get("acme", "--user", "alice")
    assert server.is_active(token)
    assert server.account(token)["email"] == "alice@example.com"
    assert server.seen()["token_requests"] == 1
    assert server.seen()["errors"] == []
    for issued in server.seen()["issued"]:
        assert issued not in login.stdout + login.stderr


def test_the_last_page_says_so_and_looks_right(keyed, server, browser):
    keyed.configure(server.provider())
    keyed.succeed("login", "acme", "--user", "alice")
    page = browser()
    assert page["text"].split("\n\n") == [
        "Logged in",
        "You are logged in to acme as alice. You can close this window and go back to the terminal.",
        "tokctl",
    ]
    assert page["title"].startswith("Logged in"), page
    assert page["lang"] == "en"
    assert page["complaints"] == []
    assert page["elsewhere"] == []
    assert page["fits_narrow"]
    light, dark = page["light_colours"], page["dark_colours"]
    assert brightness(light["text"]) < 80 < 200 < brightness(light["background"])
    assert brightness(dark["background"]) < 80 < 200 < brightness(dark["text"])


def brightness(colour):
    """Of 255, of a colour such as `rgb(28, 29, 31)`."""
    parts = [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(parts) / len(parts)


def test_a_login_that_the_person_cancels_is_refused(keyed, server, world, tmp_path, browser):
    keyed.configure(server.provider())
    world.browse_with(tmp_path, consent=False)
    login = keyed.run("login", "acme", "--user", "alice")
    assert login.returncode == 8, login
    page = browser()
    assert page["steps"] == ["login", "cancel"]
    assert page["text"].startswith("Not logged in"), page
    assert keyed.run("get", "acme", "--user", "alice").returncode == 3


def test_the_endpoints_are_found_from_the_issuer_alone(keyed, server, browser):
    keyed.configure(
        "[providers.acme]\n"
        f'issuer = "{server.issuer}"\n'
        'client_id = "native"\n'
        'token_endpoint_auth_method = "none"\n'
        'scopes = ["openid", "email"]\n'
    )
    keyed.succeed("login", "acme", "--user", "alice")
    browser()
    assert server.is_active(keyed.get("acme", "--user", "alice"))


@pytest.mark.parametrize(("client", "method", "secret"), CLIENTS, ids=[c[1] for c in CLIENTS])
def test_each_way_a_client_proves_itself(keyed, server, browser, client, method, secret):
    variable = "ACME_SECRET" if secret else None
    keyed.configure(server.provider(client, method, variable))
    keyed.succeed("login", "acme", "--user", "alice", env={"ACME_SECRET": secret} if secret else {})
    browser()
    # The secret was sealed at login: a later refresh and a revocation need no environment.
    keyed.succeed("refresh", "acme", "--user", "alice")
    token = keyed.get("acme", "--user", "alice")
    assert server.is_active(token)
    keyed.succeed("delete", "acme", "--user", "alice", "--yes")
    assert not server.is_active(token)
    assert server.seen()["grants"] == ["authorization_code", "refresh_token"]
    assert server.seen()["errors"] == []
