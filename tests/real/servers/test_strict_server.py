"""oidc-provider as an enterprise sets one up: requests have to be pushed (RFC 9126), clients prove
themselves with a key (RFC 7523) or a certificate (RFC 8705), and tokens are bound to that."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto import jwk

from server_process import ServerProcess
from tls import Authority
from world import HERE, NODE

MAKERS = {
    "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}

def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def private(file, content):
    file.write_bytes(content)
    file.chmod(0o600)
    return file


def certificate(authority, key, name):
    """A certificate of `authority` for `name`; its own where `authority` is None."""
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    made = authority or Authority.__new__(Authority)
    if authority is None:
        made.name, made.key = name, key
    usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    return made._certificate(name, key, [(usage, False)])


class StrictServer(ServerProcess):
    """One running server with a client for each way to prove itself."""

    def __init__(self, world):
        self.authority = Authority(world.home)
        self.world = world
        self.authority.context("localhost")
        both = (world.home / "localhost.pem").read_bytes()
        private(world.home / "server.pem", both)
        clients = [self._key_client(algorithm) for algorithm in MAKERS]
        clients += [self._certificate_client(method) for method in ("tls", "self_signed_tls")]
        file = private(world.home / "clients.json", json.dumps(clients).encode())
        super().__init__(
            NODE, HERE / "strict_server.mjs", world.home / "server.pem",
            world.home / "server.pem", self.authority.file, file,
        )

    def _client(self, name, **more):
        return {
            "client_id": name,
            "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "response_types": ["code"],
            "redirect_uris": ["http://127.0.0.1/callback/acme"],
            "introspection_endpoint_auth_method": more["token_endpoint_auth_method"],
        } | more

    def _key_client(self, algorithm):
        key = MAKERS[algorithm]()
        private(self.world.home / f"{algorithm}.pem", pem(key))
        shown = json.loads(jwk.JWK.from_pem(pem(key)).export_public())
        shown |= {"kid": algorithm, "use": "sig", "alg": algorithm}
        client = self._client(algorithm, token_endpoint_auth_method="private_key_jwt")
        client.pop("introspection_endpoint_auth_method")
        return client | {
            "token_endpoint_auth_signing_alg": algorithm, "jwks": {"keys": [shown]},
        }

    def _certificate_client(self, method):
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self.authority if method == "tls" else None
        made = certificate(authority, key, method)
        own = made.public_bytes(serialization.Encoding.PEM)
        private(self.world.home / f"{method}.pem", own + pem(key))
        client = self._client(
            method,
            token_endpoint_auth_method=f"{method}_client_auth",
            tls_client_certificate_bound_access_tokens=True,
        )
        client.pop("introspection_endpoint_auth_method")
        if authority:
            return client | {"tls_client_auth_subject_dn": f"CN={method}"}
        shown = json.loads(jwk.JWK.from_pem(pem(key)).export_public())
        chain = "".join(own.decode().splitlines()[1:-1])
        return client | {"jwks": {"keys": [shown | {"use": "sig", "x5c": [chain]}]}}

    def provider(self, client, settings):
        return (
            f'[providers.acme]\nissuer = "{self.issuer}"\nclient_id = "{client}"\n'
            f'ca_file = "{self.authority.file}"\nscopes = ["openid"]\n{settings}'
        )


@pytest.fixture
def strict(keyed):
    made = StrictServer(keyed)
    keyed.follow_redirects(made.authority.file)
    yield made
    made.close()


def settings(world, client):
    if client in MAKERS:
        return f'client_key_file = "{world.home}/{client}.pem"\nclient_key_id = "{client}"\n'
    return (
        f'client_certificate_file = "{world.home}/{client}.pem"\n'
        f'token_endpoint_auth_method = "{client}_client_auth"\n'
    )


@pytest.mark.parametrize("client", [*MAKERS, "tls", "self_signed_tls"])
def test_a_login_is_pushed_and_proved_and_goes_on_by_refreshes(keyed, strict, client):
    keyed.configure(strict.provider(client, settings(keyed, client)))
    login = keyed.run("login", "acme", "--user", "alice")
    assert login.returncode == 0, login
    assert "request_uri=urn" in login.stderr
    # What is sealed is enough from here on.
    (keyed.home / f"{client}.pem").unlink()
    tokens = [keyed.get("acme/alice")]
    for _ in range(2):
        keyed.succeed("refresh", "acme/alice")
        tokens.append(keyed.get("acme/alice"))
    assert len(set(tokens)) == 3
    keyed.succeed("check", "acme/alice")
    shown = json.loads(keyed.succeed("get", "acme/alice", "--format", "json"))
    assert shown["certificate_bound"] == (client not in MAKERS)
    keyed.succeed("delete", "acme/alice", "--yes")


@pytest.mark.smoke
@pytest.mark.parametrize("client", ["ES256", "tls"])
def test_a_client_logs_in_for_itself(keyed, strict, client):
    keyed.configure(strict.provider(client, settings(keyed, client)))
    keyed.succeed("login", "acme", "--user", "robot", "--method", "client-credentials")
    first = keyed.get("acme/robot")
    keyed.succeed("refresh", "acme/robot")
    assert keyed.get("acme/robot") != first


@pytest.mark.parametrize("client", ["tls", "self_signed_tls"])
def test_a_certificate_that_was_renewed_is_shown_where_the_server_takes_it(keyed, strict, client):
    keyed.configure(strict.provider(client, settings(keyed, client)))
    keyed.succeed("login", "acme", "--user", "alice")
    # Of the same authority it is taken; one that signs itself is known to nobody yet, so that the
    # sealed one is shown after it.
    key = ec.generate_private_key(ec.SECP256R1())
    renewed = certificate(strict.authority if client == "tls" else None, key, client)
    both = renewed.public_bytes(serialization.Encoding.PEM) + pem(key)
    private(keyed.home / f"{client}.pem", both)
    for _ in range(2):
        keyed.succeed("refresh", "acme/alice")
    (keyed.home / f"{client}.pem").unlink()
    keyed.succeed("refresh", "acme/alice")
    keyed.succeed("check", "acme/alice")
    keyed.succeed("delete", "acme/alice", "--yes")


def test_another_key_and_no_certificate_are_refused_by_name(keyed, strict):
    other = private(keyed.home / "other.pem", pem(MAKERS["ES256"]()))
    keyed.configure(strict.provider("ES256", f'client_key_file = "{other}"\n'))
    refused = keyed.run("login", "acme", "--user", "alice")
    assert refused.returncode == 2 and "invalid_client" in refused.stderr, refused
    keyed.configure(strict.provider("ES256", ""))
    keyed.env["TOKCTL_ACME_CLIENT_SECRET"] = "made-up"
    refused = keyed.run("login", "acme", "--user", "alice")
    assert refused.returncode == 2 and "it takes no client secret" in refused.stderr, refused


def test_a_grant_that_was_revoked_elsewhere_needs_a_person(keyed, strict):
    keyed.configure(strict.provider("ES256", settings(keyed, "ES256")))
    keyed.succeed("login", "acme", "--user", "alice")
    vault = keyed.vault.read_bytes()
    keyed.succeed("delete", "acme/alice", "--yes")
    keyed.forget_what_was_seen()
    keyed.vault.write_bytes(vault)
    refused = keyed.run("refresh", "acme/alice")
    assert refused.returncode == 4, refused
