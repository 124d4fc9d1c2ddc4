"""A proxy that stands where Google is: whoever goes through it to Google's own addresses and trusts
its authority gets these answers."""

import http.server
import json
from urllib.parse import parse_qs

from serving import Serving

CLIENT = {"client_id": "made-up-id", "client_secret": "made-up-secret"}
REFRESH_TOKEN = "1//made-up-refresh"


class GoogleStandIn(Serving):
    """Notes the forms that the token endpoint gets in `forms`."""

    def __init__(self, authority):
        self.forms = []
        forms = self.forms

        class Google(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(form).items()}
                forms.append(form)
                token = {"access_token": f"ya29.made-up-{len(forms)}", "expires_in": 3599,
                         "scope": "openid https://www.googleapis.com/auth/userinfo.email",
                         "token_type": "Bearer"}
                if form["grant_type"] == "authorization_code":
                    token["refresh_token"] = REFRESH_TOKEN
                known = self.headers["Host"] == "oauth2.googleapis.com" and self.path == "/token"
                known = known and CLIENT.items() <= form.items()
                known = known and form.get("refresh_token", REFRESH_TOKEN) == REFRESH_TOKEN
                self.reply(*((200, token) if known else (400, {"error": "invalid_client"})))

            def do_GET(self):
                known = self.headers["Host"] == "openidconnect.googleapis.com"
                self.reply(200 if known else 404, {"sub": "1", "email": "alice@example.com"})

            def reply(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                self.send_response(200)
                self.end_headers()
                host = self.path.split(":")[0]
                try:
                    tunnel = authority.context(host).wrap_socket(self.connection, server_side=True)
                    Google(tunnel, self.client_address, self.server)
                except OSError:
                    pass
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
