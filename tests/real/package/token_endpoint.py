"""An authorization server that knows one client, and no person."""

import http.server
import json
from urllib.parse import parse_qs

from serving import Serving


class TokenEndpoint(Serving):
    """Issues `access-1`, `access-2` and so on to a client, each good for the given seconds."""

    # A login as this client, which the configuration has to know, and its secret in the environment.
    LOGIN = ("acme", "--user", "bot", "--method", "client-credentials")
    SECRET = {"ACME_SECRET": "made-up-secret"}

    def __init__(self, life):
        self.life, self.issued = life, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                assert form["grant_type"] == ["client_credentials"]
                outer.issued += 1
                text = json.dumps({
                    "access_token": f"access-{outer.issued}", "token_type": "Bearer", "expires_in": outer.life,
                }).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def provider(self):
        """The table of config.toml."""
        return (
            f'[providers.acme]\ntoken_endpoint = "{self.address}/token"\nclient_id = "made-up"\n'
            'client_secret_env = "ACME_SECRET"\ntoken_endpoint_auth_method = "client_secret_post"\n'
            'refresh = { kind = "client_credentials" }\n'
        )
