"""Authlib's authorization server, which a definition says how to ask about tokens and persons."""

import pytest
import requests

from authlib_server import SECRET, AuthlibServer


@pytest.fixture
def authlib():
    made = AuthlibServer()
    yield made
    made.close()


def configure(world, server, client):
    world.configure(
        f'[providers.acme]\nissuer = "{server.issuer}"\nclient_id = "{client}"\n'
        f'scopes = ["read"]\ncheck_url = "{server.issuer}/me"\ncheck_fields = ["/user"]\n'
        f'identity = {{ url = "{server.issuer}/me", user = "/user" }}\n'
    )
    world.follow_redirects()


def works(server, token):
    answer = requests.get(
        f"{server.issuer}/me", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    return answer.status_code == 200


@pytest.mark.smoke
@pytest.mark.parametrize("client", ["native", "keeping", "basic", "post"])
def test_a_login_is_renewed_checked_and_revoked(keyed, authlib, client):
    configure(keyed, authlib, client)
    if client in ("basic", "post"):
        keyed.env["TOKCTL_ACME_CLIENT_SECRET"] = SECRET
    keyed.succeed("login", "acme")
    keyed.env.pop("TOKCTL_ACME_CLIENT_SECRET", None)
    tokens = [keyed.get("acme/alice")]
    for _ in range(2):
        keyed.succeed("refresh", "acme/alice")
        tokens.append(keyed.get("acme/alice"))
    assert len(set(tokens)) == 3 and works(authlib, tokens[-1])
    keyed.succeed("check", "acme/alice")
    keyed.succeed("delete", "acme/alice", "--yes")
    assert not works(authlib, tokens[-1])
