"""The program of each machine in worlds that are not like the one in which it was made. What is for
another processor runs in QEMU."""

import os
import pathlib
import shutil
import subprocess

import pytest

from name_services import NAMES, check, made_up_services
from release import MACHINES, ROOT, can_unshare, runner, said, the_one, unpack
from token_endpoint import TokenEndpoint

in_namespaces = pytest.mark.skipif(not can_unshare(), reason="namespaces are forbidden here")
# The root file system of Debian 12, as an archive, which tests/package makes.
DEBIAN = pathlib.Path(os.environ.get("TOKCTL_DEBIAN_ROOT", ROOT / "target" / "real" / "debian12.tar"))


@pytest.fixture(params=MACHINES)
def machine(request):
    return request.param


@pytest.fixture
def program(machine, tmp_path):
    """The program for this machine, as it comes out of its archive."""
    folder = unpack(the_one(f"tokctl-*-{machine}-linux.tar.gz"), tmp_path / "archive")
    (found,) = folder.glob("*/tokctl")
    return found


@pytest.fixture
def here(machine, program, keyed):
    """A world in which this program runs, with a vault of its own key."""
    keyed.program = [*runner(machine), str(program)]
    return keyed


@pytest.fixture
def in_root(machine, program, tmp_path):
    """Runs the program in a root that has nothing but it and what an emulator needs; what it printed."""
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(program, root / "tokctl")
    words = ["/tokctl"]
    for emulator in runner(machine):
        shutil.copy(shutil.which(emulator), root / "emulator")
        words = ["/emulator", *words]

    def run(*args, env=None, **options):
        command = ["unshare", "--map-root-user", f"--root={root}", *words, "--no-input", *args]
        return said(*command, env={"PATH": os.environ["PATH"]} | (env or {}), **options)

    run.root = root
    return run


def logs_in_and_refreshes(run, configure, env):
    """A login, a token that is due each time, and a refresh by hand."""
    with TokenEndpoint(life=0) as endpoint:
        configure(endpoint.provider())
        env = env | endpoint.SECRET
        run("login", *endpoint.LOGIN, env=env)
        first = endpoint.issued
        assert run("get", "acme", env=env) == f"access-{first + 1}\n"
        run("refresh", "acme", env=env)
        assert endpoint.issued == first + 2


def test_it_logs_in_and_refreshes(here):
    logs_in_and_refreshes(here.succeed, here.configure, {})


def test_a_real_keyring_keeps_its_key(here, keyring):
    del here.env["TOKCTL_KEY"]
    keyring.unlock()
    logs_in_and_refreshes(here.succeed, here.configure, {})
    assert b"attribute.service = tokctl" in keyring.secret_tool("search", "service", "tokctl").stderr
    keyring.lock()
    locked = here.run("get", "acme")
    assert locked.returncode == 5 and "hint: " in locked.stderr, locked


@in_namespaces
@pytest.mark.parametrize("name", NAMES)
def test_it_finds_a_host_and_trusts_its_authority_whatever_name_services_there_are(here, tmp_path, name):
    made_up_services(tmp_path)
    done, opened = check(here, tmp_path, name)
    assert done.returncode == 0, (done, opened)
    assert ".so" not in opened, opened


@in_namespaces
def test_it_logs_in_and_refreshes_where_nothing_else_is(in_root):
    key = in_root("key", "generate").strip()
    env = {"TOKCTL_KEY": key, "TOKCTL_VAULT": "/vault/tokens.db", "XDG_CONFIG_HOME": "/config"}

    def configure(text):
        folder = in_root.root / "config" / "tokctl"
        folder.mkdir(parents=True, mode=0o700)
        (folder / "config.toml").write_text(text)

    logs_in_and_refreshes(in_root, configure, env)


@pytest.mark.skipif(not DEBIAN.exists() or os.getuid() != 0, reason="no root file system of Debian 12, or not root")
@pytest.mark.parametrize("machine", ["x86_64"], indirect=True)
def test_its_package_is_installed_used_and_removed_on_debian_12(machine, tmp_path):
    root = tmp_path / "debian"
    root.mkdir()
    said("tar", "--extract", "--directory", str(root), "--exclude", "./dev/*", "--file", str(DEBIAN))
    assert (root / "etc/debian_version").read_text().startswith("12")
    shutil.copy(the_one(f"tokctl_*_{MACHINES[machine]}.deb"), root / "tokctl.deb")
    # No device is made in a folder of a test.
    (root / "dev" / "null").touch()
    there = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}

    def run(*command, env=None, **options):
        return said("chroot", str(root), *command, env=there | (env or {}), **options)

    run("dpkg", "--install", "/tokctl.deb")
    key = {"TOKCTL_KEY": run("tokctl", "key", "generate").strip()}

    def configure(text):
        folder = root / "root/.config/tokctl"
        folder.mkdir(parents=True, mode=0o700)
        (folder / "config.toml").write_text(text)
        (folder / "config.toml").chmod(0o600)

    logs_in_and_refreshes(lambda *args, env: run("tokctl", *args, env=env), configure, key)
    assert (root / "root/.local/share/tokctl/tokens.db").exists()
    run("dpkg", "--purge", "tokctl")
    assert subprocess.run(["chroot", str(root), "sh", "-c", "command -v tokctl"], check=False).returncode != 0
    assert not [left for left in root.glob("usr/share/**/*tokctl*")]
