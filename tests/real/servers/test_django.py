"""Django OAuth Toolkit: an issuer with a path, an ID token, and refresh tokens of one use."""

import pytest
import requests

from django_server import DjangoServer


@pytest.fixture
def django():
    made = DjangoServer()
    yield made
    made.close()


def user_of(server, token):
    """Whose token it is; fails for one that opens nothing."""
    address = server.issuer.removesuffix("/o") + "/me"
    answer = requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    answer.raise_for_status()
    return answer.json()["user"]


@pytest.mark.smoke
def test_a_login_is_found_from_the_issuer_and_goes_on_by_refreshes(keyed, django):
    keyed.configure(
        "[providers.acme]\n"
        f'issuer = "{django.issuer}"\n'
        'client_id = "native"\n'
        'scopes = ["openid", "read"]\n'
    )
    keyed.follow_redirects()
    login = keyed.run("login", "acme", "--user", "alice")
    assert login.returncode == 0, login
    assert "warning" not in login.stderr, login.stderr
    tokens = [keyed.get("acme/alice")]
    for _ in range(2):
        keyed.succeed("refresh", "acme/alice")
        tokens.append(keyed.get("acme/alice"))
    assert len(set(tokens)) == 3
    assert user_of(django, tokens[-1]) == "alice"
