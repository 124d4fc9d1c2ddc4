"""An MCP server of Python's own SDK (`mcp`) with its authorization server, on a free port of 127.0.0.1.

Everybody is alice, and consents. On stdin closed it ends. Its first line on stdout is
`{"issuer": "http://127.0.0.1:PORT"}`, printed when it answers. Beside what the SDK serves there is
`/control`: GET counts, DELETE forgets all clients, PUT sets `{"life": seconds}` for new tokens.
"""

import contextlib
import json
import os
import secrets
import socket
import sys
import threading
import time

import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken
from starlette.responses import JSONResponse
from starlette.routing import Route


class Provider:
    """All that the SDK leaves to whoever uses it, in memory."""

    def __init__(self):
        self.clients, self.codes, self.access, self.refresh = {}, {}, {}, {}
        self.life, self.refreshes, self.registrations = 3600, 0, 0

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.registrations += 1
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        code = AuthorizationCode(
            code=secrets.token_urlsafe(24),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="alice",
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client, authorization_code):
        del self.codes[authorization_code.code]
        return self.issue(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client, refresh_token):
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        self.refreshes += 1
        del self.refresh[refresh_token.token]
        return self.issue(client, scopes, refresh_token.resource)

    async def load_access_token(self, token):
        return self.access.get(token)

    async def revoke_token(self, token):
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    def issue(self, client, scopes, resource):
        common = {"client_id": client.client_id, "scopes": scopes, "resource": resource}
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        end = int(time.time()) + self.life
        self.access[access] = AccessToken(token=access, expires_at=end, subject="alice", **common)
        self.refresh[refresh] = RefreshToken(token=refresh, subject="alice", **common)
        return OAuthToken(
            access_token=access,
            token_type="Bearer",
            expires_in=self.life,
            scope=" ".join(scopes),
            refresh_token=refresh,
        )


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    provider = Provider()
    server = MCPServer(
        "made up",
        auth_server_provider=provider,
        auth=AuthSettings(
            issuer_url=issuer,
            resource_server_url=f"{issuer}/mcp",
            required_scopes=["read"],
            validate_token_resource=True,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=["read", "write"], default_scopes=["read"]
            ),
            revocation_options=RevocationOptions(enabled=True),
        ),
    )

    @server.tool()
    def whoami() -> str:
        return "alice"

    async def control(request):
        if request.method == "DELETE":
            provider.clients.clear()
        if request.method == "PUT":
            provider.life = (await request.json())["life"]
        return JSONResponse({
            "clients": len(provider.clients),
            "registrations": provider.registrations,
            "refreshes": provider.refreshes,
            "tokens": list(provider.access),
        })

    app = server.streamable_http_app(json_response=True, stateless_http=True)
    app.routes.append(Route("/control", control, methods=["GET", "PUT", "DELETE"]))
    config = uvicorn.Config(app, log_level="critical", access_log=False)
    running = uvicorn.Server(config)

    def watch():
        while not running.started:
            time.sleep(0.02)
        print(json.dumps({"issuer": issuer}), flush=True)
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        running.run(sockets=[listener])


if __name__ == "__main__":
    main()
