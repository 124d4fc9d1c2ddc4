"""The files of a release: what is in them, and that they say the truth about it."""

import gzip
import json
import re
import subprocess
import tarfile

import pytest

from release import MACHINES, RELEASE, ROOT, digest, runner, said, the_one, unpack

each_machine = pytest.mark.parametrize("machine", MACHINES)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The archive of each machine, unpacked."""
    folder = tmp_path_factory.mktemp("archives")
    for machine in MACHINES:
        unpack(the_one(f"tokctl-*-{machine}-linux.tar.gz"), folder)
    return {machine: next(folder.glob(f"*-{machine}-linux")) for machine in MACHINES}


def test_every_file_has_its_sum():
    listed = dict(line.split("  ")[::-1] for line in (RELEASE / "SHA256SUMS").read_text().splitlines())
    there = {file.name for file in RELEASE.iterdir()} - {"SHA256SUMS"}
    assert set(listed) == there
    assert listed == {name: digest(RELEASE / name) for name in there}


def test_the_statement_names_each_file_and_all_that_went_into_it():
    statement = json.loads((RELEASE / "provenance.json").read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    named = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    there = {file.name for file in RELEASE.iterdir()} - {"SHA256SUMS", "provenance.json"}
    assert named == {name: digest(RELEASE / name) for name in there}
    definition = statement["predicate"]["buildDefinition"]
    went_in = {each["uri"]: each["digest"] for each in definition["resolvedDependencies"]}
    commit = said("git", "rev-parse", "HEAD", cwd=ROOT).strip()
    assert went_in["tokctl:source"] == {"gitCommit": commit}
    for beginning in ("pkg:cargo/rusqlite@", "pkg:deb/debian/rustc-web@", "pkg:deb/debian/libc6-dev@"):
        assert any(uri.startswith(beginning) for uri in went_in), beginning
    assert statement["predicate"]["runDetails"]["builder"]["id"].endswith("unsigned")


@each_machine
def test_the_archive_holds_no_owner_and_no_time_of_the_machine(machine):
    commit_time = int(said("git", "log", "-1", "--format=%ct", cwd=ROOT))
    for archive in (f"tokctl-*-{machine}-linux.tar.gz", f"tokctl-*-root-{MACHINES[machine]}.tar.gz"):
        with tarfile.open(the_one(archive)) as tar:
            for member in tar:
                assert (member.uid, member.gid, member.uname) == (0, 0, ""), member
                assert member.mtime == commit_time, member
        # RFC 1952: four bytes of time, which none has.
        assert the_one(archive).read_bytes()[4:8] == b"\0\0\0\0"


@each_machine
def test_the_program_is_static_and_knows_no_place_of_the_machine(archives, machine):
    program = archives[machine] / "tokctl"
    about = said("readelf", "--program-headers", "--dynamic", str(program))
    assert "INTERP" not in about and "NEEDED" not in about
    assert "GNU_RELRO" in about and "PIE" in about, "its addresses are not random"
    content = program.read_bytes()
    for place in (b"/root/", b"/home/", str(ROOT).encode(), b"/target/packaging", b"registry/src/index"):
        assert place not in content, place


@each_machine
def test_the_program_runs(archives, machine):
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    program = [*runner(machine), str(archives[machine] / "tokctl")]
    assert said(*program, "--version", env={}).strip() == f"tokctl {version}"
    key = said(*program, "key", "generate", env={})
    assert key.startswith("tokctl-key-")


@each_machine
def test_the_program_keeps_a_token(archives, machine, tmp_path):
    program = [*runner(machine), str(archives[machine] / "tokctl"), "--no-input"]
    env = {"TOKCTL_VAULT": str(tmp_path / "vault" / "tokens.db")}
    env["TOKCTL_KEY"] = said(*program, "key", "generate", env=env).strip()
    said(*program, "login", "github/alice", "--token-stdin", input="made-up-token\n", env=env)
    assert said(*program, "get", "github/alice", env=env) == "made-up-token\n"


@each_machine
def test_the_manual_and_the_completions_are_those_of_the_repository(archives, machine):
    for page in (ROOT / "man").glob("*.[157]"):
        assert (archives[machine] / "man" / page.name).read_bytes() == page.read_bytes()
    for script in (ROOT / "completions").iterdir():
        assert (archives[machine] / "completions" / script.name).read_bytes() == script.read_bytes()


def linked_crates(machine):
    """Crates of the program alone, as cargo tells them by another command than the notices ask."""
    tree = said(
        "cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none",
        "--format", "{p}|{l}", "--target", f"{machine}-unknown-linux-gnu", cwd=ROOT,
    )
    lines = {line.removesuffix(" (*)") for line in tree.splitlines()}
    return {line.replace(" v", " ", 1).split("|")[0].split(" (")[0] for line in lines if line} - {"tokctl 0.2.0"}


@each_machine
def test_the_notices_have_each_crate_with_the_text_of_its_licence(archives, machine):
    notices = (archives[machine] / "THIRD-PARTY").read_text()
    head, *texts = notices.split("=" * 100)
    named = {line.split(":")[0] for line in head.splitlines() if re.match(r"\S+ \d+\.\d+\.\d+\S*: ", line)}
    # Cargo names a few more: what a crate for the compiler alone asks of one that is linked.
    assert named >= linked_crates(machine)
    have_text = {name for text in texts for name in text.split("-" * 100)[0].strip().split(", ")}
    assert named <= have_text
    for wording in ("ring", "BoringSSL", "GNU C Library", "Version 2.1, February 1999", "Redistributions in binary form"):
        assert wording.lower() in notices.lower(), wording


@each_machine
def test_the_debian_package_holds_the_same_program(archives, machine, tmp_path):
    package = the_one(f"tokctl_*_{MACHINES[machine]}.deb")
    assert said("dpkg-deb", "--field", str(package), "Architecture").strip() == MACHINES[machine]
    said("dpkg-deb", "--extract", str(package), str(tmp_path))
    assert digest(tmp_path / "usr/bin/tokctl") == digest(archives[machine] / "tokctl")
    packed = (tmp_path / "usr/share/doc/tokctl")
    notices = packed / "THIRD-PARTY"
    text = notices.read_bytes() if notices.exists() else gzip.decompress((packed / "THIRD-PARTY.gz").read_bytes())
    assert text == (archives[machine] / "THIRD-PARTY").read_bytes()


def test_a_target_that_has_no_release_is_refused_before_anything_is_done():
    tried = subprocess.run(
        [ROOT / "packaging" / "release", "--target", "riscv64"], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 1 and "x86_64 or aarch64" in tried.stderr
