"""Authlib's authorization server: refresh tokens that rotate and that stay, a device, a client that
asks for itself, secrets in either place, and what is told when it refuses."""

import json

import pytest
import requests

from authlib_server import SECRET, AuthlibServer


@pytest.fixture
def authlib():
    made = AuthlibServer()
    yield made
    made.close()


def configure(world, server, client, more=""):
    world.configure(
        f'[providers.acme]\nissuer = "{server.issuer}"\nclient_id = "{client}"\n'
        f'scopes = ["read"]\ncheck_url = "{server.issuer}/me"\ncheck_fields = ["/user"]\n'
        f'identity = {{ url = "{server.issuer}/me", user = "/user" }}\n{more}'
    )
    world.follow_redirects()


def works(server, token):
    answer = requests.get(
        f"{server.issuer}/me", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    return answer.status_code == 200


def refused(world, code, *arguments):
    done = world.run(*arguments)
    assert done.returncode == code, done
    assert SECRET not in done.stdout + done.stderr, done
    return done.stderr


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


def test_a_device_gets_a_code(keyed, authlib):
    configure(keyed, authlib, "native")
    keyed.succeed("login", "acme", "--method", "device")
    assert works(authlib, keyed.get("acme/alice"))


@pytest.mark.parametrize("client", ["basic", "post"])
def test_a_client_asks_for_itself(keyed, authlib, client):
    configure(keyed, authlib, client, 'refresh = { kind = "client_credentials" }\n')
    keyed.env["TOKCTL_ACME_CLIENT_SECRET"] = SECRET
    keyed.succeed("login", "acme")
    first = keyed.get(f"acme/{client}")
    keyed.succeed("refresh", f"acme/{client}")
    assert works(authlib, keyed.get(f"acme/{client}")) and keyed.get(f"acme/{client}") != first


def test_a_wrong_secret_is_told_with_the_servers_words(keyed, authlib):
    configure(keyed, authlib, "basic", 'refresh = { kind = "client_credentials" }\n')
    keyed.env["TOKCTL_ACME_CLIENT_SECRET"] = "made-up-other"
    assert "invalid_client" in refused(keyed, 2, "login", "acme")


def test_a_grant_that_was_revoked_elsewhere_needs_a_person(keyed, authlib):
    configure(keyed, authlib, "native")
    keyed.succeed("login", "acme")
    shown = json.loads(keyed.succeed("get", "acme/alice", "--format", "json"))
    requests.post(
        f"{authlib.issuer}/revoke",
        data={"token": shown["access_token"], "client_id": "native"},
        timeout=10,
    ).raise_for_status()
    assert "login acme" in refused(keyed, 4, "refresh", "acme/alice")
    assert not works(authlib, shown["access_token"])
