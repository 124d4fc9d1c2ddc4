"""Small stand-ins, on loopback, for the services that real client libraries are pointed at.

They answer one account's own requests and 401 to everything else, so a client that gets an answer
has sent exactly the Authorization header that the service wants.
"""

import http.server
import json
from urllib.parse import urlsplit

from serving import Serving


class StandIn(Serving):
    """Answers `GET` of `paths` (path to JSON) for whoever sends the header `authorization`."""

    def __init__(self, authorization, paths):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                allowed = self.headers.get("Authorization") == authorization
                found = paths.get(urlsplit(self.path).path)
                status = 401 if not allowed else 404 if found is None else 200
                body = json.dumps(found if status == 200 else {"errorMessages": ["no"]}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


def drive(authorization):
    """Google Drive's `about`."""
    about = {"user": {"displayName": "Alice", "emailAddress": "alice@example.com"}}
    return StandIn(authorization, {"/drive/v3/about": about})


def jira(authorization):
    """A Jira with one person and one issue."""
    alice = {"name": "alice", "accountId": "made-up-id", "emailAddress": "alice@example.com"}
    issue = {"id": "1", "key": "DEMO-1", "fields": {"summary": "Made up"}}
    info = {
        "version": "9.12.0",
        "versionNumbers": [9, 12, 0],
        "deploymentType": "Server",
        "baseUrl": "http://127.0.0.1",
    }
    paths = {"/rest/api/2/serverInfo": info, "/rest/api/2/myself": alice}
    return StandIn(authorization, paths | {"/rest/api/2/issue/DEMO-1": issue})
