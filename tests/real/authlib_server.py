"""Authlib's authorization server, where whoever comes is alice and consents.

Started as a program it serves on the loopback until its stdin ends, and keeps all in memory. The
client `keeping` keeps its refresh tokens; those of the others rotate. Imported, it starts that
program.
"""

import json
import os
import secrets
import sys
import threading
import time

from server_process import ServerProcess

SECRET = "made-up/secret+1"


class AuthlibServer(ServerProcess):
    """One running server, whose access tokens live as long as is said."""

    def __init__(self, access_token_life=3600):
        super().__init__(sys.executable, __file__, str(access_token_life))


def clients():
    from authlib.oauth2.rfc6749 import ClientMixin

    class Client(ClientMixin):
        def __init__(self, name, method, secret=""):
            self.client_id, self.method, self.secret = name, method, secret

        def get_client_id(self):
            return self.client_id

        def get_default_redirect_uri(self):
            return "http://127.0.0.1/callback/acme"

        def get_allowed_scope(self, scope):
            return scope or ""

        def check_redirect_uri(self, redirect_uri):
            # Any port of the loopback (RFC 8252 §7.3).
            return redirect_uri.startswith("http://127.0.0.1:")

        def check_client_secret(self, client_secret):
            return bool(self.secret) and secrets.compare_digest(self.secret, client_secret)

        def check_endpoint_auth_method(self, method, endpoint):
            return method == self.method

        def check_response_type(self, response_type):
            return response_type == "code"

        def check_grant_type(self, grant_type):
            return True

    return {
        client.client_id: client
        for client in [
            Client("native", "none"),
            Client("keeping", "none"),
            Client("basic", "client_secret_basic", SECRET),
            Client("post", "client_secret_post", SECRET),
        ]
    }


def application(access_token_life):
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, TokenMixin, grants
    from authlib.oauth2.rfc7009 import RevocationEndpoint
    from authlib.oauth2.rfc7636 import CodeChallenge
    from authlib.oauth2.rfc8628 import (
        DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialMixin,
    )
    from flask import Flask, jsonify, request

    known, codes, devices, tokens = clients(), {}, {}, []

    class Token(TokenMixin):
        def __init__(self, client, user, values):
            self.client, self.user, self.values = client, user, values
            self.revoked, self.issued_at = False, time.time()

        def check_client(self, client):
            return self.client is client

        def get_scope(self):
            return self.values.get("scope", "")

        def get_expires_in(self):
            return self.values["expires_in"]

        def is_expired(self):
            return time.time() >= self.issued_at + self.values["expires_in"]

        def is_revoked(self):
            return self.revoked

        def get_user(self):
            return self.user

        def get_client(self):
            return self.client

    class Code(AuthorizationCodeMixin):
        def __init__(self, payload, client):
            self.code, self.client = secrets.token_urlsafe(16), client
            self.redirect_uri, self.scope = payload.redirect_uri, payload.scope
            self.code_challenge = payload.data.get("code_challenge")
            self.code_challenge_method = payload.data.get("code_challenge_method")

        def get_redirect_uri(self):
            return self.redirect_uri

        def get_scope(self):
            return self.scope

    class Device(dict, DeviceCredentialMixin):
        def get_client_id(self):
            return self["client_id"]

        def get_scope(self):
            return self.get("scope") or ""

        def get_user_code(self):
            return self["user_code"]

        def is_expired(self):
            return False

    public = ["none", "client_secret_basic", "client_secret_post"]

    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = public

        def save_authorization_code(self, code, request):
            codes[code] = Code(request.payload, request.client)

        def query_authorization_code(self, code, client):
            found = codes.get(code)
            return found if found and found.client is client else None

        def delete_authorization_code(self, authorization_code):
            for code, found in list(codes.items()):
                if found is authorization_code:
                    del codes[code]

        def authenticate_user(self, authorization_code):
            return "alice"

    class RefreshGrant(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = public

        @property
        def INCLUDE_NEW_REFRESH_TOKEN(self):
            return self.request.client.client_id != "keeping"

        def authenticate_refresh_token(self, refresh_token):
            found = [one for one in tokens if one.values.get("refresh_token") == refresh_token]
            return next((one for one in found if not one.revoked), None)

        def authenticate_user(self, refresh_token):
            return refresh_token.user

        def revoke_old_credential(self, refresh_token):
            refresh_token.revoked = self.INCLUDE_NEW_REFRESH_TOKEN

    class ClientGrant(grants.ClientCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = public[1:]

    class DeviceEndpoint(DeviceAuthorizationEndpoint):
        CLIENT_AUTH_METHODS = public
        INTERVAL = 1

        def get_verification_uri(self):
            return f"{issuer()}/enter"

        def save_device_credential(self, client_id, scope, data):
            devices[data["device_code"]] = Device(data, client_id=client_id, scope=scope)

    class DeviceGrant(DeviceCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = public

        def query_device_credential(self, device_code):
            return devices.get(device_code)

        def query_user_grant(self, user_code):
            return ("alice", True)

        def should_slow_down(self, credential):
            return False

    class Revocation(RevocationEndpoint):
        CLIENT_AUTH_METHODS = public

        def query_token(self, token_string, token_type_hint):
            names = ("access_token", "refresh_token")
            return next(
                (one for one in tokens if token_string in [one.values.get(n) for n in names]), None
            )

        def revoke_token(self, token, request):
            for one in tokens:
                if one.client is token.client and one.user == token.user:
                    one.revoked = True

    app = Flask(__name__)
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {
        name: access_token_life
        for name in ("authorization_code", "client_credentials", "refresh_token",
                     "urn:ietf:params:oauth:grant-type:device_code")
    }
    server = AuthorizationServer(
        app,
        query_client=known.get,
        save_token=lambda values, request: tokens.append(
            Token(request.client, request.user, values)
        ),
    )
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_grant(ClientGrant)
    server.register_grant(DeviceGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(DeviceEndpoint)

    def issuer():
        return request.host_url.rstrip("/")

    @app.get("/.well-known/oauth-authorization-server")
    def metadata():
        own = issuer()
        return jsonify(
            issuer=own,
            authorization_endpoint=f"{own}/authorize",
            token_endpoint=f"{own}/token",
            revocation_endpoint=f"{own}/revoke",
            device_authorization_endpoint=f"{own}/device",
            code_challenge_methods_supported=["S256"],
        )

    @app.get("/authorize")
    def authorize():
        grant = server.get_consent_grant(end_user="alice")
        return server.create_authorization_response(grant_user="alice", grant=grant)

    @app.post("/token")
    def token():
        return server.create_token_response()

    @app.post("/revoke")
    def revoke():
        return server.create_endpoint_response(Revocation.ENDPOINT_NAME)

    @app.post("/device")
    def device():
        return server.create_endpoint_response(DeviceEndpoint.ENDPOINT_NAME)

    @app.get("/me")
    def who_asks():
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = [one for one in tokens if one.values["access_token"] == shown]
        if not found or found[0].revoked or found[0].is_expired():
            return jsonify(error="invalid_token"), 401
        return jsonify(user=found[0].user or found[0].client.client_id)

    return app


def serve():
    # The loopback needs no TLS.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, application(int(sys.argv[1])), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"issuer": f"http://127.0.0.1:{server.port}"}), flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    serve()
