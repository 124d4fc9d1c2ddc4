"""The recipes of tokctl-clients(7): each is run as it stands there, by the program that it is for,
with nothing exchanged but the address. The service answers nobody without the right token."""

import base64
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile

import pytest

from loopback_service import LoopbackService
from tls import Authority
from world import BINARY, HERE

TOKEN = "made-up-token"
BEARER = f"Bearer {TOKEN}"
BASIC = "Basic " + base64.b64encode(f"bot:{TOKEN}".encode()).decode()


def recipe(name, service=None, host=None):
    """The recipe's text, where `https://HOST.acme.example` is the address of `service`."""
    text = (HERE / "recipes" / name).read_text()
    if service is not None:
        assert f"{host}.acme.example" in text, text
        text = text.replace(f"https://{host}.acme.example", service.address)
        text = text.replace(f"{host}.acme.example", service.authority)
    return text


@pytest.fixture
def client(keyed):
    """A world in which scripts find tokctl, and the programs that these tests brought along."""
    programs = keyed.home / "bin"
    programs.mkdir()
    (programs / "tokctl").symlink_to(BINARY)
    beside = pathlib.Path(sys.executable).parent
    node = pathlib.Path(shutil.which(os.environ.get("NODE", "node"))).parent
    keyed.env["PATH"] = f"{programs}:{keyed.env['PATH']}:{beside}:{node}"
    keyed.configure('[providers.acme]\napi_auth = "bearer"\n')
    return keyed


def keep(world, *arguments, token=TOKEN):
    world.succeed("login", "acme", "--user", "bot", "--token-stdin", *arguments, stdin=token)


def sh(world, script, cwd=None, **env):
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", script], env=world.env | env,
        cwd=cwd or world.home, text=True, capture_output=True, timeout=120,
        stdin=subprocess.DEVNULL,
    )


def shows_no_token(done):
    assert TOKEN not in done.stdout + done.stderr, done


def test_curl(client):
    with LoopbackService({"/me": "made up"}, BEARER) as service:
        keep(client)
        done = sh(client, recipe("curl.sh", service, "api"))
        assert done.stdout == "made up", done
    assert service.brought == [BEARER]


def wheel():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        info = "example-1.0.dist-info"
        packed.writestr("example.py", "MADE_UP = True\n")
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        packed.writestr(f"{info}/WHEEL", tag)
        packed.writestr(f"{info}/RECORD", "")
    return content.getvalue()


def python_index():
    name = "example-1.0-py3-none-any.whl"
    pages = {
        "/simple/example/": f'<!DOCTYPE html><a href="/files/{name}">{name}</a>',
        f"/files/{name}": wheel(),
    }
    service = LoopbackService(pages, BASIC)
    service.types = {"/simple/example/": "text/html"}
    return service


def test_pip(client):
    with python_index() as service:
        keep(client, "--username", "bot", "--server", service.address)
        target = client.home / "installed"
        temporary = client.home / "tmp"
        temporary.mkdir()
        options = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1",
                   "PIP_TARGET": str(target), "TMPDIR": str(temporary)}
        script = recipe("pip.sh", service, "pypi")
        done = sh(client, script, **options)
        assert done.returncode == 0 and (target / "example.py").exists(), done
        shows_no_token(done)
        assert list(temporary.iterdir()) == []
        keep(client, "--username", "bot", "--server", service.address, token="made-up-other")
        assert sh(client, script, **options).returncode != 0
    assert BASIC in service.brought


def test_uv(client):
    with python_index() as service:
        keep(client, "--username", "bot", "--server", service.address)
        made = sh(client, f"uv venv --quiet --python {sys.executable} .venv")
        assert made.returncode == 0, made
        done = sh(client, recipe("uv.sh", service, "pypi"))
        assert done.returncode == 0, done
        assert list((client.home / ".venv").glob("lib/*/site-packages/example.py")), done
        shows_no_token(done)
    assert BASIC in service.brought


def npm_registry():
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        text = b'{"name": "example", "version": "1.0.0"}'
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(text)
        packed.addfile(entry, io.BytesIO(text))
    tarball = content.getvalue()
    service = LoopbackService({"/example/-/example-1.0.0.tgz": tarball}, BEARER)
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    dist = {"tarball": f"{service.address}/example/-/example-1.0.0.tgz", "integrity": integrity}
    version = {"name": "example", "version": "1.0.0", "dist": dist}
    service.pages["/example"] = json.dumps({
        "name": "example", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version},
    })
    service.types = {"/example": "application/json"}
    return service


def test_npm(client):
    with npm_registry() as service:
        keep(client)
        project = client.home / "project"
        project.mkdir()
        (project / "package.json").write_text('{"name": "made-up", "version": "1.0.0"}')
        npmrc = recipe("npmrc", service, "npm")
        # The settings of npm name the scheme where it is not https.
        (project / ".npmrc").write_text(npmrc + "audit=false\nfund=false\nupdate-notifier=false\n")
        done = sh(client, recipe("npm.sh"), cwd=project)
        assert done.returncode == 0, done
        assert (project / "node_modules/example/package.json").exists(), done
        shows_no_token(done)
        assert TOKEN not in (project / ".npmrc").read_text()
    assert set(service.brought) == {BEARER}


def cargo():
    """The cargo of the toolchain itself: rustup's asks for the home of the person."""
    rustc = shutil.which("rustc")
    if rustc is None:
        pytest.skip("no Rust here")
    root = subprocess.run([rustc, "--print", "sysroot"], check=True, capture_output=True, text=True)
    return pathlib.Path(root.stdout.strip()) / "bin"


def test_cargo(client):
    programs = cargo()
    entry = {"name": "example", "vers": "1.0.0", "deps": [], "cksum": "0" * 64, "features": {},
             "yanked": False}
    with LoopbackService({}, TOKEN) as service:
        service.pages |= {
            "/index/config.json": json.dumps(
                {"dl": f"{service.address}/crates", "api": service.address, "auth-required": True}
            ),
            "/index/ex/am/example": json.dumps(entry) + "\n",
        }
        keep(client)
        settings = client.home / ".cargo" / "config.toml"
        settings.parent.mkdir()
        settings.write_text(recipe("cargo.toml", service, "cargo"))
        project = client.home / "project"
        (project / "src").mkdir(parents=True)
        (project / "src/lib.rs").write_text("")
        (project / "Cargo.toml").write_text(
            '[package]\nname = "made-up"\nversion = "1.0.0"\nedition = "2024"\n'
            '[dependencies]\nexample = { version = "1", registry = "acme" }\n'
        )
        path = f"{programs}:{client.env['PATH']}"
        done = sh(client, "cargo generate-lockfile", cwd=project, PATH=path)
        assert done.returncode == 0, done
        assert 'name = "example"' in (project / "Cargo.lock").read_text()
        shows_no_token(done)
    # cargo first asks whether the index is for everybody.
    assert set(service.brought) <= {None, TOKEN} and TOKEN in service.brought


def test_kubectl(client, tmp_path):
    told = sh(client, "kubectl version --client --output json")
    if told.returncode != 0:
        pytest.skip("no kubectl here")
    if int(json.loads(told.stdout)["clientVersion"]["minor"].rstrip("+")) < 22:
        pytest.skip("the kubectl here is older than the form that the recipe names")
    authority = Authority(tmp_path)
    with LoopbackService({"/api": '{"made": "up"}'}, BEARER, authority.context("localhost"),
                         "Bearer") as service:
        keep(client)
        rest = {
            "clusters": f"- name: acme\n  cluster:\n    server: {service.address}\n"
                        f"    certificate-authority: {authority.file}\n",
            "contexts": "- name: acme\n  context: {cluster: acme, user: bot}\n",
        }
        settings = client.home / ".kube" / "config"
        settings.parent.mkdir()
        settings.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: acme\n"
            + "".join(f"{name}:\n{text}" for name, text in rest.items())
            + recipe("kubeconfig.yaml")
        )
        settings.chmod(0o600)
        done = sh(client, "kubectl get --raw /api")
        assert done.stdout == '{"made": "up"}', done
    assert set(service.brought) == {BEARER}


def image():
    """The pages of a registry with one image, which has one empty layer."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                   "size": len(config), "digest": digest},
        "layers": [],
    })
    name = "/v2/example/manifests/latest"
    types = {name: "application/vnd.docker.distribution.manifest.v2+json"}
    return {"/v2/": "{}", name: manifest, f"/v2/example/blobs/{digest}": config,
            "/v2/example/tags/list": '{"name": "example", "tags": ["latest"]}'}, types


def test_docker_s_registry(client):
    pages, types = image()
    with LoopbackService(pages, BASIC) as service:
        service.types = types
        keep(client, "--server", service.address)
        (client.home / "bin" / "docker-credential-tokctl").symlink_to(BINARY)
        settings = client.home / ".docker" / "config.json"
        settings.parent.mkdir()
        settings.write_text(recipe("docker.json", service, "registry"))
        done = sh(client, "skopeo inspect --tls-verify=false "
                          f"--authfile .docker/config.json docker://{service.authority}/example")
        assert done.returncode == 0 and '"latest"' in done.stdout, done
        shows_no_token(done)
    assert set(service.brought) <= {None, BASIC} and BASIC in service.brought


LISTING = """<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">
<d:response><d:href>/</d:href><d:propstat><d:prop>
<d:resourcetype><d:collection/></d:resourcetype></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
<d:response><d:href>/made-up.txt</d:href><d:propstat><d:prop>
<d:resourcetype/><d:getcontentlength>3</d:getcontentlength>
<d:getlastmodified>Thu, 01 Jan 2026 00:00:00 GMT</d:getlastmodified></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
</d:multistatus>"""


def test_rclone(client):
    with LoopbackService({"/": LISTING}, BEARER) as service:
        service.types = {"/": "application/xml"}
        keep(client)
        done = sh(client, recipe("rclone.sh", service, "dav"))
        assert done.returncode == 0 and done.stdout.endswith("made-up.txt\n"), done
        settings = client.home / "config" / "rclone" / "rclone.conf"
        assert "tokctl get acme/bot" in settings.read_text()
        assert TOKEN not in settings.read_text()
    assert set(service.brought) == {BEARER}


def test_direnv(client):
    keep(client)
    project = client.home / "project"
    project.mkdir()
    (project / ".envrc").write_text(recipe("envrc"))
    done = sh(client, "direnv allow . && direnv exec . printenv API_TOKEN", cwd=project)
    assert done.stdout == f"{TOKEN}\n", done
    assert TOKEN not in done.stderr, done


def test_each_recipe_is_tried():
    here = pathlib.Path(__file__).read_text()
    for file in (HERE / "recipes").iterdir():
        assert f'recipe("{file.name}"' in here, file
        assert not file.stat().st_mode & stat.S_IXUSR, file
