"""The authorization servers that are tried alike, each with what it has.

A feature that is not among `clients`, or is no part of `refreshes`, is one that the server does not
have; the reason stands beside it where it is not plain.
"""

import requests

import authlib_server
import canaille_server
import glewlwyd_server
from authlib_server import AuthlibServer
from authorization_server import AuthorizationServer
from canaille_server import CanailleServer
from django_server import DjangoServer
from glewlwyd_server import GlewlwydServer
from server_process import ServerProcess
from world import HERE, NODE


class Tried:
    """A running server. `client` is one of the names that `clients` gives a feature."""

    # The client of each feature: a login in the browser without a secret, with a secret in the
    # header, and in the form; on another device; and for itself.
    clients = {}
    # Whether the refresh tokens that it can give are new ones each time, or stay.
    refreshes = {}
    scopes = ["openid"]
    own_scopes = []
    settings = ""
    # Seconds between two tokens of one user, for servers whose tokens of one second are alike.
    pause = 0
    # What a refresh of a grant that was ended exits with.
    after_end = 4

    def __init__(self, **options):
        self.server = self.start(**options)

    def start(self, **options):
        raise NotImplementedError

    def close(self):
        self.server.close()

    @property
    def issuer(self):
        return self.server.issuer

    def client_id(self, client):
        return client

    def secret(self, client):
        """The secret of that client; `None` for one that has none."""
        raise NotImplementedError

    def browse(self, world, tmp_path):
        world.follow_redirects()

    def definition(self, client, more="", feature=None):
        """The server in config.toml, for `client` and this feature."""
        scopes = self.own_scopes if feature == "itself" else self.scopes
        listed = ", ".join(f'"{scope}"' for scope in scopes)
        return (
            f'[providers.acme]\nissuer = "{self.issuer}"\nclient_id = "{self.client_id(client)}"\n'
            f"scopes = [{listed}]\n{self.settings}{more}"
        )

    def works(self, token):
        """Whether the server still takes this access token."""
        bearer = {"Authorization": f"Bearer {token}"}
        return requests.get(self.who, headers=bearer, timeout=10).status_code == 200

    def end_grant(self, token, client):
        """Ends the grant as somebody else would, who has its access token."""
        secret = self.secret(client)
        answer = requests.post(
            self.revocation,
            data={"token": token} | ({} if secret else {"client_id": self.client_id(client)}),
            auth=(self.client_id(client), secret) if secret else None,
            timeout=10,
        )
        answer.raise_for_status()


class OidcProvider(Tried):
    name = "oidc-provider"
    clients = {
        "browser": "native", "header": "basic", "form": "post", "device": "device",
        "itself": "itself", "revocation": "native", "ended": "native",
    }
    refreshes = {"rotates": {"rotates": True}, "keeps": {"rotates": False}}

    def start(self, rotates=True):
        server = AuthorizationServer()
        server.control(rotates=rotates)
        return server

    def secret(self, client):
        return {
            "basic": "basic/secret:+%", "post": "made-up-post-secret", "itself": "made-up-own-secret",
        }.get(client)

    def browse(self, world, tmp_path):
        world.browse_with(tmp_path)

    def works(self, token):
        return self.server.is_active(token)

    @property
    def revocation(self):
        return f"{self.issuer}/token/revocation"


class Authlib(Tried):
    name = "Authlib"
    clients = {
        "browser": "native", "header": "basic", "form": "post", "device": "native",
        "itself": "basic", "revocation": "native", "ended": "native",
    }
    refreshes = {"rotates": {}, "keeps": {"client": "keeping"}}
    scopes = ["read"]

    def start(self):
        return AuthlibServer()

    def secret(self, client):
        return authlib_server.SECRET if client in ("basic", "post") else None

    @property
    def who(self):
        return f"{self.issuer}/me"

    @property
    def revocation(self):
        return f"{self.issuer}/revoke"


class Django(Tried):
    name = "Django"
    # Its device flow answers 500.
    clients = {
        "browser": "native", "header": "confidential", "form": "confidential",
        "itself": "itself", "revocation": "native", "ended": "native",
    }
    refreshes = {"rotates": {"rotates": True}, "keeps": {"rotates": False}}
    scopes = ["read"]

    def start(self, rotates=True):
        return DjangoServer(rotates=rotates)

    def secret(self, client):
        return None if client == "native" else DjangoServer.SECRET

    @property
    def settings(self):
        # Its metadata has none.
        return f'revocation_endpoint = "{self.revocation}"\n'

    @property
    def who(self):
        return self.issuer.removesuffix("/o") + "/me"

    @property
    def revocation(self):
        return f"{self.issuer}/revoke_token/"


class Canaille(Tried):
    name = "Canaille"
    # It has no device flow, and lets no client without a secret revoke.
    clients = {
        "browser": "native", "header": "basic", "form": "post", "itself": "basic",
        "revocation": "basic", "ended": "basic",
    }
    refreshes = {"rotates": {}}
    pause = 1.1

    def start(self):
        return CanailleServer()

    def secret(self, client):
        return canaille_server.CLIENTS[client][1]

    @property
    def who(self):
        return f"{self.issuer}/oauth/userinfo"

    @property
    def revocation(self):
        return f"{self.issuer}/oauth/revoke"


class Glewlwyd(Tried):
    name = "Glewlwyd"
    clients = {
        "browser": "native", "header": "basic", "form": "post", "device": "native",
        "itself": "basic", "revocation": "basic", "ended": "basic",
    }
    refreshes = {"rotates": {"rotates": True}, "keeps": {"rotates": False}}
    own_scopes = ["read"]
    # It answers 400 with nothing in it, which a proxy could as well.
    after_end = 6

    def start(self, rotates=True):
        return GlewlwydServer(rotates=rotates)

    def secret(self, client):
        return None if client == "native" else glewlwyd_server.SECRET

    def browse(self, world, tmp_path):
        self.server.browse(world)

    def end_grant(self, token, client):
        # An access token that is revoked leaves the refresh token alone.
        self.server.end_grants()

    @property
    def settings(self):
        return f'redirect_uri = "{self.server.told["redirect_uri"]}"\n'

    @property
    def who(self):
        return f"{self.issuer}/userinfo"

    @property
    def revocation(self):
        return f"{self.issuer}/revoke"


class BetterAuth(Tried):
    name = "better-auth"
    # It lets no client without a secret revoke.
    clients = {
        "browser": "native", "header": "basic", "form": "post", "device": "native",
        "itself": "basic", "revocation": "basic", "ended": "native",
    }
    refreshes = {"rotates": {}}
    scopes = ["openid", "offline_access"]
    # A client that asks for itself is no person.
    own_scopes = ["read"]

    def start(self):
        return ServerProcess(NODE, HERE / "better_auth_server.mjs")

    def client_id(self, client):
        return self.server.told["clients"][client]["id"]

    def secret(self, client):
        return self.server.told["clients"][client].get("secret")

    def end_grant(self, token, client):
        # An access token that is revoked leaves the refresh token alone.
        control = self.issuer.removesuffix("/api/auth") + "/control"
        tokens = {"table": "oauthRefreshToken"}
        requests.delete(control, params=tokens, timeout=10).raise_for_status()

    @property
    def who(self):
        return f"{self.issuer}/oauth2/userinfo"

    @property
    def revocation(self):
        return f"{self.issuer}/oauth2/revoke"


ALL = [OidcProvider, Authlib, Django, Canaille, Glewlwyd, BetterAuth]
