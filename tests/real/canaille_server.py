"""Canaille as an authorization server, where whoever comes is alice.

Started as a program it serves on the loopback until its stdin ends, and keeps all in memory.
Imported, it starts that program. It insists on a `nonce`, and says `iss` in its answers.
"""

import datetime
import json
import os
import sys
import threading

from server_process import ServerProcess

SECRET = "made-up/secret+1"


class CanailleServer(ServerProcess):
    """One running server. Its clients are trusted, so nobody is asked for a consent."""

    def __init__(self):
        super().__init__(sys.executable, __file__)


CLIENTS = {
    "native": ("none", None),
    "basic": ("client_secret_basic", SECRET),
    "post": ("client_secret_post", SECRET),
}


def application(port):
    from canaille import create_app
    from canaille.app import models
    from canaille.app.session import UserSession
    from flask import g

    app = create_app(
        config={
            "SECRET_KEY": "made-up",
            "SERVER_NAME": f"127.0.0.1:{port}",
            "PREFERRED_URL_SCHEME": "http",
            "TRUSTED_HOSTS": ["127.0.0.1"],
            "CANAILLE_DATABASE": "memory",
            "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "HTMX": False},
            "CANAILLE_OIDC": {"DYNAMIC_CLIENT_REGISTRATION_OPEN": True},
        },
        init_backend=True,
    )
    with app.app_context():
        backend = app.backend.instance
        alice = models.User(
            user_name="alice",
            formatted_name="Alice",
            family_name="Alice",
            emails=["alice@example.com"],
        )
        backend.save(alice)
        for name, (method, secret) in CLIENTS.items():
            client = models.Client(
                client_id=name,
                client_secret=secret,
                client_name=name,
                client_uri="http://127.0.0.1/",
                redirect_uris=["http://127.0.0.1:0/callback/acme"],
                grant_types=["authorization_code", "refresh_token", "client_credentials"],
                response_types=["code"],
                scope=["openid", "profile", "email"],
                token_endpoint_auth_method=method,
            )
            backend.save(client)
            client.audience = [client]
            backend.save(client)
        # Any port of the loopback matches (RFC 8252 §7.3), which Canaille does not have.
        models.Client.check_redirect_uri = lambda _, uri: uri.startswith("http://127.0.0.1:")

    def log_alice_in():
        now = datetime.datetime.now(datetime.timezone.utc)
        g.session = UserSession(user=alice, last_login_datetime=now)
        g.session.user = app.backend.instance.get(models.User, user_name="alice")

    app.before_request(log_alice_in)
    return app


def serve():
    # The loopback needs no TLS.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, None, threaded=True)
    server.app = application(server.port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"issuer": f"http://127.0.0.1:{server.port}"}), flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    serve()
