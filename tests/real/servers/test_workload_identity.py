"""A job without a stored secret at a certified server: oidc-provider takes the identity token of the
job's platform as the client's own proof (RFC 7523 §2.2)."""

import http.server
import json
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk

from server_process import ServerProcess
from serving import Serving
from tls import Authority
from world import HERE, NODE

CLIENT = "ci"


class Platform(Serving):
    """The identity endpoint of GitHub, as its documentation has it. Signs with `key`."""

    def __init__(self, key):
        self.key = key
        self.life = 300
        self.handed_out = []
        platform = self

        class Identity(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                [audience] = parse_qs(urlsplit(self.path).query)["audience"]
                assert self.headers["Authorization"] == "Bearer made-up-request-token"
                body = json.dumps({"count": 1, "value": platform.sign(audience)}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Identity)
        self.address = f"http://127.0.0.1:{self.server.server_port}/identity?api-version=2"

    def sign(self, audience):
        now = int(time.time())
        claims = {"iss": CLIENT, "sub": CLIENT, "aud": audience, "jti": str(uuid.uuid4()),
                  "iat": now, "exp": now + self.life}
        self.handed_out.append(jwt.encode(claims, self.key, "ES256"))
        return self.handed_out[-1]


def private(file, content):
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@pytest.fixture
def platform():
    with Platform(ec.generate_private_key(ec.SECP256R1())) as stand_in:
        yield stand_in


@pytest.fixture
def job(keyed, platform):
    """A job in a world with a server that knows the key of its platform."""
    authority = Authority(keyed.home)
    authority.context("localhost")
    server = private(keyed.home / "server.pem", (keyed.home / "localhost.pem").read_bytes())
    public = jwk.JWK.from_pyca(platform.key.public_key()).export(as_dict=True)
    clients = [{
        "client_id": CLIENT,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [public]},
    }]
    file = private(keyed.home / "clients.json", json.dumps(clients).encode())
    running = ServerProcess(NODE, HERE / "strict_server.mjs", server, server, authority.file, file)
    keyed.configure(
        "[providers.acme]\n"
        f'issuer = "{running.issuer}"\n'
        f'ca_file = "{authority.file}"\n'
        f'client_id = "{CLIENT}"\n'
        'refresh = { kind = "client_assertion" }\n'
        f'assertion = {{ github = true, audience = "{running.issuer}" }}\n'
    )
    keyed.env |= {
        "ACTIONS_ID_TOKEN_REQUEST_URL": platform.address,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "made-up-request-token",
    }
    yield keyed
    running.close()


def test_the_identity_of_a_job_is_the_proof_of_its_client(job, platform):
    job.succeed("login", "acme/ci", "--method", "workload-identity")
    first = job.succeed("get", "acme/ci")
    assert len(platform.handed_out) == 1
    # The server takes each proof once (its `jti`), so a refresh brings a new one.
    job.succeed("refresh", "acme/ci")
    assert job.succeed("get", "acme/ci") != first
    assert len(set(platform.handed_out)) == 2
    for secret in platform.handed_out:
        for file in job.home.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_a_job_keeps_nothing_where_the_vault_is_in_memory(job, platform):
    job.env["TOKCTL_VAULT"] = "memory:"
    shown = job.succeed(
        "run", "--env", "TOKEN=acme/ci", "--no-masking", "--", "sh", "-c", "echo ${#TOKEN}"
    )
    assert int(shown) > 20 and len(platform.handed_out) == 1
    assert not job.vault.exists()


def test_a_platform_that_the_server_does_not_know_is_refused(job, platform):
    platform.key = ec.generate_private_key(ec.SECP256R1())
    refused = job.run("login", "acme/ci", "--method", "workload-identity")
    assert refused.returncode == 2 and not refused.stdout, refused
    assert platform.handed_out[-1] not in refused.stderr, refused


def test_an_identity_that_has_ended_is_not_sent(job, platform):
    platform.life = -60
    refused = job.run("login", "acme/ci", "--method", "workload-identity")
    assert refused.returncode == 4 and "ended at" in refused.stderr, refused
