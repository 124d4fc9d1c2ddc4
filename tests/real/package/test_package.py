"""The Debian package, unpacked."""

import gzip
import os
import platform
import re
import shutil
import subprocess

import pytest

from release import MACHINES, ROOT, said, the_one


@pytest.fixture(scope="module")
def package():
    return str(the_one(f"tokctl_*_{MACHINES[platform.machine()]}.deb"))


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    said("dpkg-deb", "--extract", package, str(folder))
    return folder


def test_it_says_what_it_needs_and_who_may_use_it(package, unpacked):
    assert said("dpkg-deb", "--field", package, "Package").strip() == "tokctl"
    # It is linked statically, and asks for no version of a library.
    assert said("dpkg-deb", "--field", package, "Depends").strip() == ""
    text = (unpacked / "usr/share/doc/tokctl/copyright").read_text()
    assert "License: MIT" in text and "/usr/share/common-licenses/Apache-2.0" in text
    # Where it says that the notices of others are, they are.
    (notices,) = re.findall(r"/usr/share/doc/\S+gz", text)
    assert b"GNU C Library" in gzip.decompress((unpacked / notices[1:]).read_bytes())


def test_dpkg_finds_every_file_as_it_was_packed(package, unpacked, tmp_path):
    said("dpkg-deb", "--control", package, str(tmp_path / "control"))
    said("md5sum", "--check", "--strict", str(tmp_path / "control/md5sums"), cwd=unpacked)
    assert said("dpkg-deb", "--contents", package).count(" root/root ") > 40


def test_the_program_runs_and_everybody_may_read_all_of_it(package, unpacked):
    assert said(str(unpacked / "usr/bin/tokctl"), "--version").startswith("tokctl ")
    for path in unpacked.rglob("*"):
        wanted = 0o755 if path.is_dir() or path.name == "tokctl" and path.parent.name == "bin" else 0o644
        assert path.stat().st_mode & 0o777 == wanted, path


def test_completions_and_pages_lie_where_they_are_looked_for(package, unpacked):
    for source, place in [
        ("tokctl.bash", "bash-completion/completions/tokctl"),
        ("_tokctl", "zsh/vendor-completions/_tokctl"),
        ("tokctl.fish", "fish/vendor_completions.d/tokctl.fish"),
    ]:
        assert (unpacked / "usr/share" / place).read_text() == (ROOT / "completions" / source).read_text()
    for page in (ROOT / "man").glob("*.[157]"):
        packed = unpacked / f"usr/share/man/man{page.suffix[1:]}" / f"{page.name}.gz"
        assert gzip.decompress(packed.read_bytes()) == page.read_bytes()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
@pytest.mark.parametrize("manager", ["user", "system"])
def test_systemd_understands_the_unit(package, unpacked, tmp_path, manager):
    unit = (unpacked / "usr/lib/systemd" / manager / "tokctl.service").read_text()
    assert "ExecStart=/usr/bin/tokctl " in unit
    # The program is not installed where the unit has it.
    file = tmp_path / "tokctl.service"
    file.write_text(unit.replace("/usr/bin/tokctl", str(unpacked / "usr/bin/tokctl")))
    verified = subprocess.run(
        ["systemd-analyze", "verify", f"--{manager}", "--man=no", str(file)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_service_of_the_machine_may_do_little_else(package, unpacked):
    """systemd's own measure, from 0 for what may do nothing to 10 for what may do all."""
    unit = unpacked / "usr/lib/systemd/system/tokctl.service"
    said("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit))
