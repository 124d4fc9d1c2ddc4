"""A namespace of its own in which one command looks names up: own `/etc/nsswitch.conf`, hosts and
name server, and no network but loopback. Needs to be root in a user and mount namespace:

    unshare --map-root-user --mount --net python3 name_world.py FOLDER TRACE COMMAND...

`FOLDER` holds `nsswitch.conf`, `hosts`, `resolv.conf` and `ca-certificates.crt`, which are put over
the system's; whatever of `server.pem` is asked for over TLS on port 443 gets an empty JSON object, and
a name server on port 53 knows `by-dns.made-up.test` alone. The command runs under strace, which writes
to `TRACE`.
"""

import fcntl
import http.server
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading

KNOWN = b"\x06by-dns\x07made-up\x04test\x00"
A, AAAA = 1, 28


def loopback_up():
    """What `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sH", b"lo", 0x1 | 0x40)
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def answer(question):
    """The answer to one question of DNS (RFC 1035): `::1` for the name that is known."""
    end = question.index(b"\0", 12) + 5
    name, kind = question[12:end - 4], struct.unpack("!H", question[end - 4:end - 2])[0]
    known = name.lower() == KNOWN
    records = b""
    if known and kind == AAAA:
        records = b"\xc0\x0c" + struct.pack("!HHIH", AAAA, 1, 60, 16) + 15 * b"\0" + b"\1"
    flags = 0x8180 | (0 if known else 3)
    head = question[:2] + struct.pack("!HHHHH", flags, 1, bool(records), 0, 0)
    return head + question[12:end] + records


def serve_names():
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))

    def serve():
        while True:
            question, sender = names.recvfrom(512)
            names.sendto(answer(question), sender)

    threading.Thread(target=serve, daemon=True).start()


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    # IPv4 as well.
    address_family = socket.AF_INET6


def serve(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(("::", 443), Service)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main(folder, trace, *command):
    for name in ("nsswitch.conf", "hosts", "resolv.conf", "ssl/certs/ca-certificates.crt"):
        file = pathlib.Path("/etc", name)
        subprocess.run(["mount", "--bind", f"{folder}/{file.name}", file.resolve()], check=True)
    loopback_up()
    serve_names()
    serve(f"{folder}/server.pem")
    strace = ["strace", "--follow-forks", "--quiet=all", "--trace=open,openat", "--output", trace]
    return subprocess.run([*strace, *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
