"""The release that `packaging/release` made, and worlds in which it is tried."""

import hashlib
import os
import pathlib
import platform
import shutil
import subprocess

from world import HERE

ROOT = HERE.parent.parent
RELEASE = pathlib.Path(os.environ.get("TOKCTL_RELEASE_DIR", ROOT / "target" / "packaging" / "out"))
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# A user whom no system knows.
CHOSEN = 64_997


def said(*command, **options):
    """What a command printed on stdout; it must succeed."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert ran.returncode == 0, (ran.args, ran.stdout, ran.stderr)
    return ran.stdout


def the_one(pattern):
    """The file of the release with a name like this."""
    (found,) = RELEASE.glob(pattern)
    return found


def runner(machine):
    """What starts a program for this machine here; nothing for this machine's own."""
    return [] if machine == platform.machine() else [f"qemu-{machine}-static"]


def unpack(archive, folder):
    """As an engine does: with the modes that are in it."""
    folder.mkdir(exist_ok=True)
    said("tar", "--extract", "--gzip", "--preserve-permissions", "--directory", str(folder), "--file", str(archive))
    return folder


def digest(file):
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()


def made_up_release(folder, program="#!/bin/sh\necho tokctl 9.9.9\n", machine=None):
    """A release whose program is a script, with all that the installer looks for."""
    machine = machine or platform.machine()
    name = f"tokctl-9.9.9-{machine}-linux"
    inside = folder / "made" / name
    for place in ("man", "completions"):
        (inside / place).mkdir(parents=True)
    (inside / "tokctl").write_text(program)
    (inside / "tokctl").chmod(0o755)
    for page in ("tokctl.1", "tokctl-get.1", "tokctl-config.5", "tokctl-ci.7"):
        (inside / "man" / page).write_text(page)
    for script in ("tokctl.bash", "_tokctl", "tokctl.fish"):
        (inside / "completions" / script).write_text(script)
    for text in ("LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY", "README.md", "CHANGELOG.md"):
        (inside / text).write_text(text)
    release = folder / "release"
    release.mkdir()
    said("tar", "-czf", str(release / f"{name}.tar.gz"), "-C", str(folder / "made"), name)
    list_sums(release)
    shutil.copy(ROOT / "packaging" / "install.sh", release)
    return release


def list_sums(release):
    lines = [f"{digest(file)}  {file.name}\n" for file in sorted(release.glob("*.tar.gz"))]
    (release / "SHA256SUMS").write_text("".join(lines))


def can_unshare():
    """Whether this machine lets a test have namespaces of its own."""
    tried = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False)
    return tried.returncode == 0
