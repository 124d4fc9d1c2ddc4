"""Google's endpoints for workloads, as their documentation has them, on a port of this machine: the
exchange of an identity token (STS), the token of a service account (IAM), a person's refresh, and a
metadata server that hands out identities. Notes what each request said."""

import datetime
import http.server
import json
from urllib.parse import parse_qsl

from serving import Serving

# Headers that say how a client is made, and nothing that Google answers by.
CLIENTS_OWN = {
    "accept", "accept-encoding", "connection", "content-length", "host", "user-agent",
    "x-goog-api-client",
}


class RecordingGoogle(Serving):
    """Hands out `identity` at `/identity`, and as an access token at `/jwt`."""

    def __init__(self, identity):
        self.seen = []
        seen = self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.note(None)
                form = {"id": identity} if self.path.startswith("/identity/json") else identity
                known = self.headers.get("Metadata-Flavor") == "Google"
                self.reply(200 if known else 403, form)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                is_json = self.headers["Content-Type"].startswith("application/json")
                self.note(json.loads(body) if is_json else dict(parse_qsl(body)))
                number = len(seen)
                if self.path.startswith("/v1/token"):
                    self.reply(200, {
                        "access_token": f"federated-{number}",
                        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                        "token_type": "Bearer",
                        "expires_in": 3600,
                    })
                elif self.path.startswith("/jwt"):
                    self.reply(200, {"access_token": identity, "expires_in": 3600,
                                     "token_type": "Bearer"})
                elif self.path.startswith("/token"):
                    self.reply(200, {"access_token": f"source-{number}", "expires_in": 3600,
                                     "token_type": "Bearer", "scope": "made-up"})
                else:
                    end = datetime.datetime.now(datetime.timezone.utc)
                    end = end.replace(microsecond=0) + datetime.timedelta(hours=1)
                    self.reply(200, {"accessToken": f"robot-{number}",
                                     "expireTime": end.isoformat().replace("+00:00", "Z")})

            def note(self, body):
                headers = {name.lower(): value for name, value in self.headers.items()}
                headers = {name: value for name, value in headers.items() if name not in CLIENTS_OWN}
                seen.append((self.command, self.path, headers, body))

            def reply(self, status, value):
                is_text = isinstance(value, str)
                body = (value if is_text else json.dumps(value)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if is_text else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def taken(self):
        """What was asked since the last call, without the numbers of tokens."""
        taken = [json.loads(json.dumps(one)) for one in self.seen]
        self.seen.clear()
        return taken
