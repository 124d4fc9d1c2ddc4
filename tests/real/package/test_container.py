"""The image, the compose file and the manifest for Kubernetes, each in the world that it will be in."""

import json
import os
import platform
import shutil
import signal
import subprocess
import time

import pytest
import yaml

from container_world import Container, kubernetes_empty_dir, kubernetes_secret
from release import CHOSEN, MACHINES, RELEASE, ROOT, said, the_one, unpack
from token_endpoint import TokenEndpoint

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user in a namespace")


# How the first process of a container ends by the signal, which the system does not let end it.
STOPPED = 128 + signal.SIGTERM


@pytest.fixture
def image(tmp_path):
    """The root of the image, for one test alone."""
    tmp_path.chmod(0o755)
    return unpack(the_one(f"tokctl-*-root-{MACHINES[platform.machine()]}.tar.gz"), tmp_path / "image")


def settings_of_the_image():
    """What the Dockerfile gives a container: its environment and its user."""
    lines = [line.split() for line in (ROOT / "packaging/Dockerfile").read_text().splitlines() if line]
    env = dict(line[1].split("=") for line in lines if line[0] == "ENV")
    (user,) = (line[1] for line in lines if line[0] == "USER")
    return env, int(user.split(":")[0])


@pytest.fixture
def bundle(keyed, tmp_path):
    """A credential that renews itself, sealed for a key; the world, the bundle, the key, the endpoint."""
    with TokenEndpoint(life=0) as endpoint:
        keyed.configure(endpoint.provider())
        keyed.succeed("login", *endpoint.LOGIN, env=endpoint.SECRET)
        key = keyed.succeed("key", "generate")
        (tmp_path / "vault.key").write_text(key)
        (tmp_path / "vault.key").chmod(0o600)
        sealed = keyed.succeed("export", "acme/bot", "--to", f"key:{tmp_path / 'vault.key'}")
        yield sealed, key, endpoint


def wait_until(is_so, process):
    deadline = time.monotonic() + 30
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing came of it in 30 s"
        time.sleep(0.05)


def end_of_service(process):
    """How a service ends that the engine stops: unshare hands the signal to nobody, so its child gets it."""
    children = said("pgrep", "--parent", str(process.pid)).split()
    for child in children:
        os.kill(int(child), signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert "event=stopping" in err, err
    return process.returncode


def test_the_image_holds_the_program_and_whom_it_trusts_and_nothing_else(image):
    files = {str(file.relative_to(image)) for file in image.rglob("*") if not file.is_dir()}
    notices = {f"usr/share/doc/tokctl/{name}" for name in ("LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY")}
    assert files == {"usr/bin/tokctl", "etc/ssl/certs/ca-certificates.crt"} | notices
    assert (image / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 100


@pytest.mark.parametrize("user", [0, 65_532, CHOSEN])
def test_it_runs_as_any_user_without_a_home_and_with_a_read_only_root(image, tmp_path, user):
    env, _ = settings_of_the_image()
    container = Container(image, env, user)
    volume = tmp_path / "volume"
    volume.mkdir()
    # As an engine fills a volume that is new: like the folder in the image.
    volume.chmod((image / "vault").stat().st_mode & 0o7777)
    assert "Usage: tokctl" in container.succeed("/usr/bin/tokctl", "--help")
    key = {"TOKCTL_KEY": container.succeed("/usr/bin/tokctl", "key", "generate").strip()}
    unwritable = container.run("/usr/bin/tokctl", "login", "github/bot", "--token-stdin", stdin="x", env=key)
    assert unwritable.returncode != 0 or user == 0, unwritable
    container.mount(volume, "/vault", writable=True)
    container.succeed("/usr/bin/tokctl", "login", "github/bot", "--token-stdin", stdin="made-up\n", env=key)
    assert container.succeed("/usr/bin/tokctl", "get", "github/bot", env=key) == "made-up\n"
    assert (volume / "tokctl").stat().st_uid == user
    assert (volume / "tokctl").stat().st_mode & 0o777 == 0o700


def test_the_compose_file_keeps_tokens_fresh_for_commands_beside_it(image, tmp_path, bundle):
    sealed, key, endpoint = bundle
    compose = yaml.safe_load((ROOT / "packaging/compose.yaml").read_text())
    service, typed = compose["services"]["refresh"], compose["services"]["tokctl"]
    assert service["read_only"] and service["volumes"] == typed["volumes"] == ["vault:/vault"]
    env, _ = settings_of_the_image()
    container = Container(image, env | service["environment"], CHOSEN)
    volume = tmp_path / "volume"
    volume.mkdir()
    volume.chmod(0o1777)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    # A secret of Compose's is the file as it is: its owner's, and nobody else may read it.
    (secrets / "vault.key").write_text(key)
    (secrets / "vault.key").chmod(0o600)
    os.chown(secrets / "vault.key", CHOSEN, CHOSEN)
    container.mount(volume, "/vault", writable=True)
    container.mount(secrets, "/run/secrets")
    container.succeed(
        "/usr/bin/tokctl", "import", "bundle", "-", stdin=sealed, env={"TOKCTL_BUNDLE_KEY": key.strip()}
    )
    before = endpoint.issued
    watching = container.start("/usr/bin/tokctl", *service["command"])
    try:
        wait_until(lambda: endpoint.issued > before, watching)
        assert "acme" in container.succeed("/usr/bin/tokctl", "list")
    finally:
        assert end_of_service(watching) == STOPPED


def pod():
    (manifest,) = yaml.safe_load_all((ROOT / "packaging/kubernetes.yaml").read_text())
    return manifest["spec"]["template"]["spec"]


def test_the_manifest_gives_an_application_a_token_that_works(image, tmp_path, keyed, bundle):
    sealed, key, endpoint = bundle
    spec = pod()
    user = spec["securityContext"]["runAsUser"]
    group = spec["securityContext"]["fsGroup"]
    by_name = {each["name"]: each for each in spec["initContainers"] + spec["containers"]}
    for each in by_name.values():
        confined = each["securityContext"]
        assert confined["readOnlyRootFilesystem"] and not confined["allowPrivilegeEscalation"], each
    volumes = {
        "secrets": kubernetes_secret(tmp_path / "secret", {"bundle": sealed, "vault.key": key}, group),
        "vault": kubernetes_empty_dir(tmp_path / "empty", group),
    }
    image_env, _ = settings_of_the_image()

    def container(name):
        its = by_name[name]
        env = image_env | {each["name"]: each["value"] for each in its["env"]}
        made = Container(image, env, user, (group,))
        for mount in its["volumeMounts"]:
            made.mount(volumes[mount["name"]], mount["mountPath"], writable=not mount.get("readOnly"))
        return made

    def bring():
        container("import").succeed("/usr/bin/tokctl", *by_name["import"]["args"])

    bring()
    before = endpoint.issued
    refreshing = container("refresh").start("/usr/bin/tokctl", *by_name["refresh"]["args"])
    try:
        wait_until(lambda: endpoint.issued > before, refreshing)
        # An application, whose image has the program: here one that prints its token.
        shutil.copy(shutil.which("busybox"), image / "usr/bin/busybox")
        command = by_name["app"]["command"]
        assert command[0] == "tokctl" and command[-1] == "/app"
        application = ["/usr/bin/busybox", "sh", "-c", 'test "$API_TOKEN" = access-%d' % (endpoint.issued + 1)]
        container("app").succeed("/usr/bin/tokctl", *command[1:-1], *application)
    finally:
        assert end_of_service(refreshing) == STOPPED
    # The sandbox begins anew, and the pod's volumes stay; then somebody puts another bundle there.
    bring()
    newer = keyed.succeed("export", "acme/bot", "--to", f"key:{tmp_path / 'vault.key'}")
    (volumes["secrets"] / "..data" / "bundle").write_text(newer)
    bring()
    assert "acme" in container("app").succeed("/usr/bin/tokctl", "list")


def test_a_configuration_is_believed_where_nobody_in_the_pod_can_change_it(image, tmp_path):
    config_map, job = yaml.safe_load_all((ROOT / "tests/it/recipes_keyless/kubernetes.yaml").read_text())
    (its,) = job["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each["value"] for each in its["env"]}
    (place,) = (mount["mountPath"] for mount in its["volumeMounts"] if mount["name"] == "config")
    folder = kubernetes_secret(tmp_path / "config", config_map["data"], CHOSEN)
    folder.chmod(0o777)
    mounted = Container(image, env, CHOSEN)
    mounted.mount(folder, place)
    assert "workloadIdentityPools" in mounted.succeed("/usr/bin/tokctl", "providers", "gdrive")
    # In an emptyDir it could be anybody's.
    open_to_all = Container(image, env, CHOSEN)
    open_to_all.mount(folder, place, writable=True)
    refused = open_to_all.run("/usr/bin/tokctl", "providers", "gdrive")
    assert refused.returncode == 2 and "as of a ConfigMap" in refused.stderr, refused


@pytest.mark.skipif(shutil.which("buildah") is None, reason="no engine is here")
def test_an_engine_builds_the_image(tmp_path):
    version = the_one("tokctl-*-root-amd64.tar.gz").name.split("-")[1]
    storage = ["buildah", "--root", str(tmp_path / "storage"), "--runroot", str(tmp_path / "run"),
               "--storage-driver", "vfs"]
    env = os.environ | {"BUILDAH_ISOLATION": "chroot"}
    built = subprocess.run(
        [*storage, "build", "--build-arg", f"VERSION={version}", "--tag", "tokctl", str(RELEASE)],
        env=env, capture_output=True, text=True, check=False,
    )
    assert built.returncode == 0, built.stderr
    config = json.loads(said(*storage, "inspect", "--type", "image", "tokctl", env=env))["OCIv1"]["config"]
    assert config["Entrypoint"] == ["/usr/bin/tokctl"] and config["User"] == "65532:65532"
    made = said(*storage, "from", "tokctl", env=env).strip()
    mounted = said(*storage, "mount", made, env=env).strip()
    assert said(f"{mounted}/usr/bin/tokctl", "--version", env={}).startswith("tokctl ")
    assert os.stat(f"{mounted}/vault").st_mode & 0o7777 == 0o1777
    said(*storage, "rm", made, env=env)
