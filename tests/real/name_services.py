"""Looking a host up in a namespace whose `/etc/nsswitch.conf` puts other name services before
`/etc/hosts` and DNS, whose authority is made up, and where the user has no home."""

import subprocess
import sys

from tls import Authority
from world import HERE

UNSHARE = ["unshare", "--map-root-user", "--mount", "--net"]
# By a file, by DNS over IPv6, and by DNS with the domain that resolv.conf adds.
NAMES = ["by-file.test", "by-dns.made-up.test", "by-dns"]


def made_up_services(folder):
    """Writes the files that the namespace has in place of the system's."""
    (folder / "nsswitch.conf").write_text(
        "passwd: sss systemd files\nhosts: resolve sss mymachines files dns\n"
    )
    (folder / "hosts").write_text("127.0.0.1 localhost\n127.0.0.1 by-file.test\n")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\nsearch made-up.test\n")


def check(world, folder, name):
    """`tokctl check` of a service at `name`, and the files that were opened for it."""
    authority = Authority(folder)
    authority.context(name)
    (folder / f"{name}.pem").rename(folder / "server.pem")
    # Among the roots of the system, none of which a variable names.
    authority.file.rename(folder / "ca-certificates.crt")
    world.configure(f'[providers.acme]\ncheck_url = "https://{name}/me"\n')
    world.succeed("login", "acme", "--user", "alice", "--token-stdin", stdin="made-up\n")
    # Without a home directory, whoever wants one may look it up by the user's number.
    del world.env["HOME"]
    trace = folder / "trace"
    command = [sys.executable, HERE / "name_world.py", folder, trace, *world.program, "check", "acme"]
    done = subprocess.run(
        [*UNSHARE, *command], env=world.env, capture_output=True, text=True, timeout=60, check=False
    )
    return done, trace.read_text()
