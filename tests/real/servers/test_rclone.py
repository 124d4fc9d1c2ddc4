"""rclone, which gets its bearer token from `tokctl get` whenever it wants one."""

import http.server
import subprocess
import threading

import pytest

from world import BINARY

TOKEN = "made-up-token"

LISTING = """<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">
<d:response><d:href>/</d:href><d:propstat><d:prop>
<d:resourcetype><d:collection/></d:resourcetype></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
<d:response><d:href>/made-up.txt</d:href><d:propstat><d:prop>
<d:resourcetype/><d:getcontentlength>3</d:getcontentlength>
<d:getlastmodified>Thu, 01 Jan 2026 00:00:00 GMT</d:getlastmodified></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
</d:multistatus>"""


@pytest.fixture
def webdav():
    """A WebDAV server with one file, for whoever brings the token."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PROPFIND(self):
            allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            body = LISTING.encode() if allowed else b""
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(207 if allowed else 401)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def listed(world, address):
    settings = {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": address,
        "RCLONE_CONFIG_DAV_VENDOR": "other",
        "RCLONE_CONFIG_DAV_BEARER_TOKEN_COMMAND": f"{BINARY} get vendor --user x",
    }
    return subprocess.run(
        ["rclone", "lsf", "--retries", "1", "--low-level-retries", "1", "dav:"],
        env=world.env | settings, text=True, capture_output=True, timeout=60,
    )


@pytest.mark.smoke
def test_rclone_gets_its_bearer_token_from_tokctl(keyed, webdav):
    keyed.configure('[providers.vendor]\napi_auth = "bearer"\n')
    keep = ["login", "vendor", "--user", "x", "--token-stdin"]
    keyed.succeed(*keep, stdin=TOKEN)
    assert listed(keyed, webdav).stdout == "made-up.txt\n"
    keyed.succeed(*keep, stdin="made-up-other")
    refused = listed(keyed, webdav)
    assert refused.returncode != 0 and refused.stdout == "", refused
