"""How the program finds a host by its name. Linked statically, it loads no name service of the
system's: not even where `/etc/nsswitch.conf` puts some before `/etc/hosts` and DNS."""

import subprocess
import sys

import pytest

from tls import Authority
from world import BINARY, HERE

UNSHARE = ["unshare", "--map-root-user", "--mount", "--net"]
# By a file, by DNS over IPv6, and by DNS with the domain that resolv.conf adds.
NAMES = ["by-file.test", "by-dns.made-up.test", "by-dns"]


def static():
    """Whether the program has no interpreter, which would load shared objects for it."""
    return b"/ld-linux" not in BINARY.read_bytes()[:4096]


@pytest.fixture
def folder(tmp_path):
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are forbidden here")
    (tmp_path / "nsswitch.conf").write_text(
        "passwd: sss systemd files\nhosts: resolve sss mymachines files dns\n"
    )
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n127.0.0.1 by-file.test\n")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\nsearch made-up.test\n")
    return tmp_path


def check(world, folder, name):
    """`tokctl check` of a service at `name`, and the files that were opened for it."""
    authority = Authority(folder)
    authority.context(name)
    (folder / f"{name}.pem").rename(folder / "server.pem")
    world.configure(f'[providers.acme]\ncheck_url = "https://{name}/me"\n')
    world.succeed("login", "acme", "--user", "alice", "--token-stdin", stdin="made-up\n")
    # The roots that TLS trusts are the system's, which this names.
    world.env["SSL_CERT_FILE"] = str(authority.file)
    # Without a home directory, whoever wants one may look it up by the user's number.
    del world.env["HOME"]
    trace = folder / "trace"
    command = [sys.executable, HERE / "name_world.py", folder, trace, BINARY, "check", "acme"]
    done = subprocess.run(
        [*UNSHARE, *command], env=world.env, capture_output=True, text=True, timeout=60, check=False
    )
    return done, trace.read_text()


@pytest.mark.skipif(not static(), reason="the program is linked dynamically")
@pytest.mark.parametrize("name", [pytest.param(NAMES[0], marks=pytest.mark.smoke), *NAMES[1:]])
def test_a_host_is_found_without_a_shared_object(keyed, folder, name):
    done, opened = check(keyed, folder, name)
    assert done.returncode == 0, (done, opened)
    assert '"/etc/hosts"' in opened, opened
    assert ".so" not in opened, opened


@pytest.mark.skipif(not static(), reason="the program is linked dynamically")
def test_a_name_that_nobody_knows_is_told_without_a_shared_object(keyed, folder):
    done, opened = check(keyed, folder, "nowhere.test")
    assert done.returncode == 6, done
    assert ".so" not in opened, opened
