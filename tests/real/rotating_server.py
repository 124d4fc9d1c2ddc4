"""An authorization server on loopback that rotates refresh tokens by one of three policies.

strict    a spent refresh token that comes back ends the whole grant (RFC 9700, 4.14.2)
leeway    a spent one still works for ten minutes after its first use
tolerant  a spent one still works

It keeps the truth about its grant, so that a test can ask afterwards what a client has left.
"""

import http.server
import json
import socket
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256


class RotatingServer:
    def __init__(self, policy, delay=0.0):
        self.policy = policy
        self.delay = delay  # seconds until a refresh is answered
        self.lock = threading.Lock()
        self.busy = 0
        self.others = []  # more sockets, each with the thread that serves it
        self.reset()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                answer = urlencode({"code": "made-up-code", "state": asked["state"]})
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self):
                with outer.lock:
                    outer.busy += 1
                try:
                    body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                    form = {k: v[0] for k, v in parse_qs(body).items()}
                    if form["grant_type"] == "refresh_token":
                        time.sleep(outer.delay)
                    status, answer = outer.token(form)
                    text = json.dumps(answer).encode()
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except (BrokenPipeError, ConnectionResetError, KeyError):
                    pass  # The client was killed.
                finally:
                    with outer.lock:
                        outer.busy -= 1

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def also_at(self, listener):
        """Answers at this socket too, which listens at a loopback address of another network."""
        def serve():
            while True:
                try:
                    self.server.process_request(*listener.accept())
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.others.append((listener, thread))

    def close(self):
        for listener, thread in self.others:
            # Closed before its thread has ended, its number would be the next socket's, and be served.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            listener.close()
        self.server.shutdown()
        self.server.server_close()

    def reset(self):
        """A new grant that nobody has used."""
        self.issued, self.alive, self.replays, self.refreshes = 1, True, 0, 0
        # What the next refreshes are answered, each a status and an answer: nothing was spent.
        self.refusals = []

    def token(self, form):
        with self.lock:
            if form["grant_type"] == "authorization_code":
                return 200, self.answer(expires_in=0)
            if self.refusals:
                return self.refusals.pop(0)
            number = int(form["refresh_token"].removeprefix("refresh-"))
            self.refreshes += 1
            if number != self.issued:
                self.replays += 1
                self.alive = self.alive and self.policy != "strict"
            if not self.alive:
                return 400, {"error": "invalid_grant"}
            self.issued += 1
            return 200, self.answer(expires_in=3600)

    def answer(self, expires_in):
        return {
            "access_token": f"access-{self.issued}",
            "refresh_token": f"refresh-{self.issued}",
            "token_type": "Bearer",
            "expires_in": expires_in,
        }

    def definition(self):
        reuse = {"strict": "strict", "leeway": "10m", "tolerant": "tolerant"}[self.policy]
        return (
            "[providers.acme]\n"
            f'authorization_endpoint = "{self.address}/authorize"\n'
            f'token_endpoint = "{self.address}/token"\n'
            'client_id = "made-up"\n'
            f'refresh = {{ reuse = "{reuse}" }}\n'
        )
