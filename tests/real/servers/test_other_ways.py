"""Logging in without coming back from a browser: at a certified authorization server, and as a
service account in the way that google-auth has it."""

import http.server
import json
import threading
from urllib.parse import parse_qs

import google.auth.jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2 import service_account


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


class TokenEndpoint:
    """Gives a token to whoever comes with an assertion, and keeps the assertions."""

    def __init__(self):
        self.assertions = assertions = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                form = parse_qs(self.rfile.read(length).decode(), strict_parsing=True)
                assert form.pop("grant_type") == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
                (assertion,) = form.pop("assertion")
                assert form == {}
                assertions.append(assertion)
                token = {"access_token": f"made-up-{len(assertions)}", "expires_in": 3599}
                body = json.dumps(token | {"token_type": "Bearer"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def key_file():
    """A key file of an account that there is nowhere, and the key that verifies."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    file = {
        "type": "service_account",
        "client_email": "robot@made-up.example",
        "private_key_id": "made-up-key-1",
        "private_key": pem.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return file, public


def test_a_service_account_signs_what_google_auth_would_sign(keyed):
    endpoint = TokenEndpoint()
    file, public = key_file()
    keyed.configure(f'[providers.acme]\ntoken_endpoint = "{endpoint.address}"\n')
    path = keyed.home / "key.json"
    path.write_text(json.dumps(file))
    path.chmod(0o600)
    flags = ["--subject", "alice@example.com", "--scope", "drive", "--scope", "mail"]
    keyed.succeed("login", "acme", "--service-account", str(path), *flags)
    assert keyed.get("acme", "--user", "alice@example.com") == "made-up-1"
    keyed.succeed("refresh", "acme", "--user", "alice@example.com")
    assert keyed.get("acme", "--user", "alice@example.com") == "made-up-2"
    endpoint.close()

    theirs = service_account.Credentials.from_service_account_info(
        file | {"token_uri": endpoint.address}, scopes=["drive", "mail"], subject="alice@example.com"
    )._make_authorization_grant_assertion()
    header = google.auth.jwt.decode_header(theirs)
    claims = google.auth.jwt.decode(theirs, verify=False)
    times = {"iat", "exp"}
    for ours in endpoint.assertions:
        # Checks the signature, the audience and the times.
        decoded = google.auth.jwt.decode(ours, certs=public)
        assert google.auth.jwt.decode_header(ours) == header
        assert decoded["exp"] - decoded["iat"] == claims["exp"] - claims["iat"]
        without_times = {name: decoded[name] for name in decoded.keys() - times}
        # google-auth names the audience by itself: Google's own, wherever it sends to.
        assert without_times | {"aud": claims["aud"]} == {
            name: claims[name] for name in claims.keys() - times
        }
        assert decoded["aud"] == endpoint.address
