"""Starts `authorization_server.mjs` and speaks with it as the tests' own resource server."""

import requests

from server_process import ServerProcess
from world import HERE, NODE


class AuthorizationServer(ServerProcess):
    """One running server. Its endpoints are named as `[providers.*]` in config.toml wants them."""

    def __init__(self, access_token_life=3600):
        super().__init__(NODE, HERE / "authorization_server.mjs")
        self.control(access_token_life=access_token_life)

    def control(self, **settings):
        """Changes how it behaves from the next request on."""
        requests.put(f"{self.issuer}/control", json=settings, timeout=10).raise_for_status()

    def seen(self):
        """What it was asked so far."""
        return requests.get(f"{self.issuer}/control", timeout=10).json()

    def is_active(self, token):
        """RFC 7662: does this token work right now?"""
        answer = requests.post(
            f"{self.issuer}/token/introspection",
            data={"token": token},
            auth=("resource-server", "made-up-resource-server-secret"),
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()["active"]

    def account(self, token):
        """Whose token it is, as the userinfo endpoint says to whoever bears it."""
        answer = requests.get(
            f"{self.issuer}/me", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        answer.raise_for_status()
        return answer.json()

    def provider(self, client="native", method="none", secret_env=None):
        """The provider `acme` for config.toml, its endpoints written by hand."""
        lines = [
            "[providers.acme]",
            f'authorization_endpoint = "{self.issuer}/auth"',
            f'token_endpoint = "{self.issuer}/token"',
            f'revocation_endpoint = "{self.issuer}/token/revocation"',
            f'client_id = "{client}"',
            f'token_endpoint_auth_method = "{method}"',
            'scopes = ["openid", "email"]',
            'pkce = "required"',
        ]
        if secret_env:
            lines.append(f'client_secret_env = "{secret_env}"')
        return "\n".join(lines) + "\n"
