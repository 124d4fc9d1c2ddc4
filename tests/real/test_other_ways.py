"""Logging in without coming back from a browser, at a certified authorization server."""


def provider(server, client, scopes):
    return (
        "[providers.acme]\n"
        f'issuer = "{server.issuer}"\n'
        f'client_id = "{client}"\n'
        f"scopes = {scopes}\n"
    )


def test_a_code_that_is_entered_elsewhere_ends_with_a_live_token(keyed, server, browser):
    keyed.configure(
        provider(server, "device", ["openid", "email", "offline_access"])
        + 'token_endpoint_auth_method = "none"\n'
    )
    login = keyed.run("login", "acme", "--user", "alice", "--method", "device")
    assert login.returncode == 0, login
    page = browser()
    assert page["steps"] == ["confirm", "login", "consent"]
    # What the person was asked to compare is what they were shown.
    assert page["code"] in login.stderr

    token = keyed.get("acme", "--user", "alice")
    assert server.is_active(token)
    assert server.account(token)["email"] == "alice@example.com"
    keyed.succeed("refresh", "acme", "--user", "alice")
    assert server.is_active(keyed.get("acme", "--user", "alice"))
    assert server.seen()["grants"] == [
        "urn:ietf:params:oauth:grant-type:device_code",
        "refresh_token",
    ]
    for issued in server.seen()["issued"]:
        assert not issued or issued not in login.stdout + login.stderr


def test_a_client_asks_for_itself_as_often_as_it_needs(keyed, server):
    keyed.configure(provider(server, "itself", []))
    secret = {"TOKCTL_ACME_CLIENT_SECRET": "made-up-own-secret"}
    keyed.succeed("login", "acme", "--method", "client-credentials", env=secret)
    first = keyed.get("acme", "--user", "itself")
    assert server.is_active(first)
    keyed.succeed("refresh", "acme", "--user", "itself")
    second = keyed.get("acme", "--user", "itself")
    assert server.is_active(second)
    assert second != first
    assert server.seen()["grants"] == ["client_credentials", "client_credentials"]
    assert server.seen()["errors"] == []
