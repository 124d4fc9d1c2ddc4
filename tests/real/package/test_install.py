"""The installer: with each shell that a machine may have, as a user who may write nowhere but at home,
and from releases that are not what they should be."""

import functools
import http.server
import os
import pathlib
import platform
import shutil
import subprocess

import pytest

from release import CHOSEN, RELEASE, ROOT, can_unshare, list_sums, made_up_release, said
from serving import Serving

INSTALLER = ROOT / "packaging" / "install.sh"
SHELLS = [["dash"], ["busybox", "sh"], ["bash", "--posix"]]
each_shell = pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])


class Files(Serving):
    """A web server with the files of a folder."""

    def __init__(self, folder):
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def home(tmp_path):
    made = tmp_path / "home"
    made.mkdir()
    return made


def install(shell, home, *args, path="/usr/bin:/bin", **env):
    return subprocess.run(
        [*shell, str(INSTALLER), *args], env={"HOME": str(home), "PATH": path} | env, cwd=home,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )


def files(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir()}


@each_shell
def test_it_installs_for_one_user_and_removes_what_it_installed(shell, home, tmp_path):
    release = made_up_release(tmp_path)
    done = install(shell, home, "--from", str(release))
    assert done.returncode == 0, done
    program = home / ".local/bin/tokctl"
    assert said(str(program)) == "tokctl 9.9.9\n"
    assert f"installed tokctl 9.9.9: {program}" in done.stdout
    assert f'export PATH="{home}/.local/bin:$PATH"' in done.stdout
    share = home / ".local/share"
    for place in (
        "man/man1/tokctl.1", "man/man1/tokctl-get.1", "man/man5/tokctl-config.5", "man/man7/tokctl-ci.7",
        "bash-completion/completions/tokctl", "zsh/site-functions/_tokctl",
        "fish/vendor_completions.d/tokctl.fish", "doc/tokctl/THIRD-PARTY",
    ):
        assert (share / place).is_file(), place
    # Once more over itself, and it says nothing of a PATH that has it.
    again = install(shell, home, "--from", str(release), path=f"{home}/.local/bin:/usr/bin:/bin")
    assert again.returncode == 0 and "PATH" not in again.stdout, again
    vault = share / "tokctl/tokens.db"
    vault.parent.mkdir()
    vault.write_text("a vault")
    assert install(shell, home, "--uninstall").returncode == 0
    assert files(home) == {".local/share/tokctl/tokens.db"}


@each_shell
@pytest.mark.parametrize("client", ["curl", "wget"])
def test_it_fetches_with_what_is_there(shell, client, home, tmp_path):
    release = made_up_release(tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "uname", "mktemp", "rm", "mkdir", "mv", "cp", "chmod", "cut", "sed", "wc", "tar", "gzip", "cat",
                 "openssl", client):
        (tools / name).symlink_to(shutil.which(name))
    shell = [shutil.which(shell[0]), *shell[1:]]
    with Files(release) as served:
        done = install(shell, home, "--from", f"{served.address}/", path=str(tools))
        assert done.returncode == 0, done
        missing = install(shell, home, "--from", f"{served.address}/nowhere", path=str(tools))
    assert missing.returncode == 1 and "has no SHA256SUMS: is it a release?" in missing.stderr, missing
    assert (home / ".local/bin/tokctl").exists()


def damaged(release):
    archive = next(release.glob("*.tar.gz"))
    archive.write_bytes(archive.read_bytes()[:-1] + b"?")


def missing(release):
    next(release.glob("*.tar.gz")).unlink()


def without_sums(release):
    (release / "SHA256SUMS").unlink()


def for_another_machine(release):
    archive = next(release.glob("*.tar.gz"))
    archive.rename(str(archive).replace(platform.machine(), "riscv64"))
    list_sums(release)


def two_versions(release):
    archive = next(release.glob("*.tar.gz"))
    shutil.copy(archive, str(archive).replace("9.9.9", "9.9.10"))
    list_sums(release)


def elsewhere(release):
    sums = release / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("  tokctl-", "  ../tokctl-"))


REFUSED = [
    (damaged, "is not what it should be, so nothing was installed"),
    (missing, "and does not have it"),
    (without_sums, "has no SHA256SUMS"),
    (for_another_machine, f"has no program for {platform.machine()}"),
    (two_versions, "more than one version"),
    (elsewhere, "has no program for"),
]


@each_shell
@pytest.mark.parametrize(("spoil", "sentence"), REFUSED, ids=[case[0].__name__ for case in REFUSED])
def test_what_is_not_as_it_should_be_is_refused_with_nothing_installed(shell, spoil, sentence, home, tmp_path):
    release = made_up_release(tmp_path)
    spoil(release)
    done = install(shell, home, "--from", str(release))
    assert done.returncode == 1 and sentence in done.stderr, done
    assert files(home) == set()


@each_shell
def test_a_sum_that_was_learnt_elsewhere_stands_above_the_list(shell, home, tmp_path):
    release = made_up_release(tmp_path)
    archive = next(release.glob("*.tar.gz"))
    right = (release / "SHA256SUMS").read_text()[:64]
    assert install(shell, home, "--from", str(release), "--sha256", right).returncode == 0
    assert install(shell, home, "--uninstall").returncode == 0
    # Somebody exchanged the archive together with the list.
    archive.write_bytes(archive.read_bytes() + b"\0")
    list_sums(release)
    done = install(shell, home, "--from", str(release), "--sha256", right)
    assert done.returncode == 1 and "is not what it should be" in done.stderr, done
    assert files(home) == set()


@each_shell
def test_a_program_that_does_not_run_replaces_none_that_does(shell, home, tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    assert install(shell, home, "--from", str(made_up_release(good))).returncode == 0
    done = install(shell, home, "--from", str(made_up_release(bad, program="#!/bin/sh\nexit 1\n")))
    assert done.returncode == 1 and "does not run on this machine" in done.stderr, done
    assert said(str(home / ".local/bin/tokctl")) == "tokctl 9.9.9\n"


@each_shell
def test_what_can_not_be_is_said_in_one_line(shell, home, tmp_path):
    for args, sentence in [
        ([], "no release is published yet"),
        (["--from", "http://made-up.test/release"], "is no https address"),
        (["--from", "ftp://made-up.test/release"], "is no https address"),
        (["--from"], "--from takes a value"),
        (["--what"], "what is `--what`?"),
    ]:
        done = install(shell, home, *args)
        assert done.returncode == 1, done
        assert sentence in done.stderr and done.stderr.count("\n") == 1, done
    nowhere = subprocess.run(
        [*shell, str(INSTALLER), "--from", str(tmp_path)], env={"PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )
    assert nowhere.returncode != 0 and "--prefix" in nowhere.stderr, nowhere
    helped = install(shell, home, "--help")
    assert helped.returncode == 0 and "--uninstall" in helped.stdout, helped


@each_shell
def test_a_prefix_with_spaces_is_one_place(shell, home, tmp_path):
    release = made_up_release(tmp_path)
    assert install(shell, home, "--from", str(release), "--prefix", "of mine/$HOME").returncode == 0
    assert said(str(home / "of mine" / "$HOME" / "bin" / "tokctl")) == "tokctl 9.9.9\n"


def test_a_plain_user_needs_nobody(tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else; the other tests ran as a plain user")
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.owner() == "root" and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    release = made_up_release(tmp_path)
    shutil.copy(INSTALLER, tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, CHOSEN, CHOSEN)
    said(
        "setpriv", "--reuid", str(CHOSEN), "--regid", str(CHOSEN), "--clear-groups",
        "dash", str(tmp_path / "install.sh"), "--from", str(release),
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )
    assert (home / ".local/bin/tokctl").stat().st_uid == CHOSEN


def test_the_release_installs_where_there_is_nothing_but_busybox(tmp_path):
    """No Rust, no C library, no package manager: a root file system with one other program in it."""
    if not can_unshare():
        pytest.skip("namespaces are forbidden here")
    busybox = pathlib.Path(shutil.which("busybox"))
    assert b"/ld-linux" not in busybox.read_bytes()[:4096], "busybox-static is what this needs"
    root = tmp_path / "root"
    for folder in ("bin", "tmp", "home", "dev"):
        (root / folder).mkdir(parents=True)
    # Nobody may make a device in a namespace of users.
    (root / "dev" / "null").touch()
    shutil.copy(busybox, root / "bin" / "busybox")
    for applet in said(str(busybox), "--list").split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    shutil.copytree(RELEASE, root / "release")
    script = (
        "set -e; sh /release/install.sh --from /release; cd /home; PATH=/home/.local/bin:$PATH; "
        "export TOKCTL_KEY=$(tokctl key generate); "
        "echo made-up | tokctl login github/alice --token-stdin; tokctl get github/alice"
    )
    printed = said(
        "unshare", "--map-root-user", f"--root={root}", "/bin/sh", "-c", script,
        env={"HOME": "/home", "PATH": "/bin"},
    )
    assert printed.splitlines()[-1] == "made-up", printed
