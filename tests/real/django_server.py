"""Django OAuth Toolkit as an authorization server, where alice is logged in and consents.

Started as a program it serves on the loopback until its stdin ends: a whole Django project in one
file, with a database in a directory of its own. Imported, it starts that program.
"""

import json
import pathlib
import sys
import tempfile

from server_process import ServerProcess


class DjangoServer(ServerProcess):
    """One running server, whose refresh tokens stay, or rotate and end their family when one comes
    twice."""

    SECRET = "made-up-secret-1"

    def __init__(self, access_token_life=3600, rotates=True):
        rotating = "rotates" if rotates else "keeps"
        super().__init__(sys.executable, __file__, str(access_token_life), rotating)


def log_alice_in(get_response):
    """A middleware that takes whoever comes for alice."""
    from django.contrib.auth import get_user_model

    def answer(request):
        if request.path.startswith("/o/authorize"):
            request.user = get_user_model().objects.get(username="alice")
        return get_response(request)

    return answer


def rsa_key():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def configure(folder, port, access_token_life, rotates):
    from django.conf import settings

    settings.configure(
        SECRET_KEY="made-up",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="django_server_urls",
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "db.sqlite3"),
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            f"{__name__}.log_alice_in",
        ],
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": rsa_key(),
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "SCOPES": {"openid": "who you are", "read": "all that there is"},
            "ACCESS_TOKEN_EXPIRE_SECONDS": access_token_life,
            "ROTATE_REFRESH_TOKEN": rotates,
            "REFRESH_TOKEN_REUSE_PROTECTION": rotates,
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
            "PKCE_REQUIRED": True,
        },
    )


def urls():
    """The project's addresses: those of OAuth, and one that a token opens."""
    import types

    from django.http import JsonResponse
    from django.urls import include, path
    from oauth2_provider.decorators import protected_resource

    @protected_resource(scopes=["read"])
    def who_asks(request):
        return JsonResponse({"user": request.resource_owner.username})

    module = types.ModuleType("django_server_urls")
    module.urlpatterns = [
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("me", who_asks),
    ]
    sys.modules[module.__name__] = module


def serve():
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIServer

    import django
    from django.core.servers.basehttp import WSGIRequestHandler

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    with tempfile.TemporaryDirectory(prefix="tokctl-") as folder:
        server = Server(("127.0.0.1", 0), WSGIRequestHandler)
        life, rotates = int(sys.argv[1]), sys.argv[2] == "rotates"
        configure(pathlib.Path(folder), server.server_port, life, rotates)
        django.setup()
        urls()
        from django.contrib.auth import get_user_model
        from django.core.management import call_command
        from django.core.wsgi import get_wsgi_application
        from oauth2_provider.models import Application

        call_command("migrate", verbosity=0)
        alice = get_user_model().objects.create_user("alice")
        public, confidential = Application.CLIENT_PUBLIC, Application.CLIENT_CONFIDENTIAL
        code = Application.GRANT_AUTHORIZATION_CODE
        for name, kind, grant in [
            ("native", public, code),
            ("confidential", confidential, code),
            ("itself", confidential, Application.GRANT_CLIENT_CREDENTIALS),
        ]:
            Application.objects.create(
                client_id=name,
                client_secret=DjangoServer.SECRET,
                user=alice,
                client_type=kind,
                authorization_grant_type=grant,
                # Any port of the loopback matches (RFC 8252 §7.3).
                redirect_uris="http://127.0.0.1/callback/acme",
                algorithm=Application.RS256_ALGORITHM,
                skip_authorization=True,
            )
        server.set_app(get_wsgi_application())
        import threading

        threading.Thread(target=server.serve_forever, daemon=True).start()
        issuer = f"http://127.0.0.1:{server.server_port}/o"
        print(json.dumps({"issuer": issuer}), flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    serve()
