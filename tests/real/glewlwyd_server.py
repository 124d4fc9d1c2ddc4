"""Glewlwyd as an authorization server, where alice's password is known and she has consented.

Started as a program it serves on the loopback until its stdin ends, with a database in a directory of
its own. Imported, it starts that program. It insists on a `nonce` wherever a login asks for `openid`,
and its access tokens are JWTs that live on after their grant has ended.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

from server_process import ServerProcess

SECRET = "made-up-secret-1"
PASSWORD = "made-up-password"
SQL = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"

# A browser with alice's session, which says at once that she goes on.
BROWSER = """\
import http.cookiejar, json, sys, urllib.request
browser = urllib.request.build_opener(
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
)
login = json.dumps(dict(username="alice", password={password!r})).encode()
browser.open(urllib.request.Request(
    {origin!r} + "/api/auth/", login, {{"Content-Type": "application/json"}}
)).read()
browser.open(sys.argv[1] + "&g_continue").read()
"""

CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="http://127.0.0.1:{port}/"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="ERROR"
log_file="{folder}/log"
cookie_secure=0
session_key="SESSION"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{folder}/db.sqlite3"; }};
"""


class GlewlwydServer(ServerProcess):
    """One running server, whose refresh tokens are of one use, or stay."""

    def __init__(self, rotates=True):
        super().__init__(sys.executable, __file__, "always" if rotates else "never")

    def browse(self, world):
        """Makes a browser that is logged in as alice."""
        origin = self.issuer.removesuffix("/api/oidc")
        world.browse_by(BROWSER.format(password=PASSWORD, origin=origin))

    def end_grants(self):
        """Ends all of alice's grants, as she does on her own page."""
        import requests

        alice = requests.Session()
        login = {"username": "alice", "password": PASSWORD}
        api = self.issuer.removesuffix("/oidc")
        alice.post(f"{api}/auth/", json=login, timeout=10).raise_for_status()
        for token in alice.get(f"{self.issuer}/token", timeout=10).json():
            name = urllib.parse.quote(token["token_hash"], safe="")
            alice.delete(f"{self.issuer}/token/{name}", timeout=10).raise_for_status()


def signing_key():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def plugin(issuer, one_use):
    private, public = signing_key()
    return {
        "iss": issuer,
        "jwt-type": "ecdsa",
        "jwt-key-size": "256",
        "key": private,
        "cert": public,
        "jwks-show": True,
        "access-token-duration": 3600,
        "refresh-token-duration": 86400,
        "code-duration": 60,
        "refresh-token-one-use": one_use,
        "refresh-token-rolling": True,
        "allow-non-oidc": True,
        "auth-type-code-enabled": True,
        "auth-type-token-enabled": False,
        "auth-type-implicit-enabled": False,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": True,
        "auth-type-device-enabled": True,
        "auth-type-refresh-enabled": True,
        "device-authorization-expiration": 600,
        "device-authorization-interval": 1,
        "pkce-allowed": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-allow-target-client": True,
        "oauth-as-iss-id": True,
    }


def client(name, method, redirect_uri):
    settings = {
        "client_id": name,
        "name": name,
        "confidential": method != "none",
        "redirect_uri": [redirect_uri],
        "authorization_type": [
            "code", "refresh_token", "client_credentials", "device_authorization", "delete_token"
        ],
        "token_endpoint_auth_method": [method],
        "scope": ["read"],
        "enabled": True,
    }
    return settings if method == "none" else settings | {"client_secret": SECRET}


def set_up(origin, one_use, redirect_uri):
    """Makes the plugin, the clients and alice, as an administrator does over the API."""
    import requests

    api = f"{origin}/api"
    admin = requests.Session()

    def send(method, path, content, session=admin):
        answer = session.request(method, f"{api}/{path}", json=content, timeout=10)
        assert answer.ok, (path, answer.status_code, answer.text)

    send("POST", "auth/", {"username": "admin", "password": "password"})
    send("POST", "scope/", {"name": "read", "display_name": "read", "password_required": False})
    send("POST", "mod/plugin/", {
        "module": "oidc", "name": "oidc", "display_name": "oidc", "order_rank": 0,
        "parameters": plugin(f"{api}/oidc", one_use),
    })
    for name, method in [
        ("native", "none"), ("basic", "client_secret_basic"), ("post", "client_secret_post"),
    ]:
        send("POST", "client/", client(name, method, redirect_uri))
    send("POST", "user/", {
        "username": "alice", "password": PASSWORD, "name": "Alice", "enabled": True,
        "scope": ["openid", "read", "g_profile"],
    })
    alice = requests.Session()
    send("POST", "auth/", {"username": "alice", "password": PASSWORD}, alice)
    for name in ("native", "basic", "post"):
        send("PUT", f"auth/grant/{name}", {"scope": "openid read"}, alice)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_until_it_answers(port, process):
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("glewlwyd does not answer")


def serve():
    with tempfile.TemporaryDirectory(prefix="tokctl-") as name:
        folder, port = pathlib.Path(name), free_port()
        with open(SQL) as sql:
            subprocess.run(["sqlite3", folder / "db.sqlite3"], stdin=sql, check=True)
        configuration = folder / "glewlwyd.conf"
        configuration.write_text(CONFIGURATION.format(port=port, folder=folder))
        process = subprocess.Popen(["glewlwyd", f"--config-file={configuration}"])
        try:
            wait_until_it_answers(port, process)
            origin = f"http://127.0.0.1:{port}"
            # Compared letter by letter, port and all.
            redirect_uri = f"http://127.0.0.1:{free_port()}/callback/acme"
            set_up(origin, sys.argv[1], redirect_uri)
            told = {"issuer": f"{origin}/api/oidc", "redirect_uri": redirect_uri}
            print(json.dumps(told), flush=True)
            sys.stdin.read()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    serve()
