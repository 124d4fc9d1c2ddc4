"""The service of the machine, started as systemd starts it: with its key as a credential, with where its
state is, without a home, and with a socket to which it says that it is ready."""

import os
import shlex
import signal
import socket
import subprocess

from release import ROOT, said
from world import BINARY


def settings():
    """What the unit sets, by name; the last one of each name."""
    lines = (ROOT / "packaging/tokctl-system.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_key_comes_as_a_credential_and_systemd_is_told_that_it_is_ready(tmp_path):
    unit = settings()
    name, _ = unit["LoadCredentialEncrypted"].split(":")
    credentials, state = tmp_path / "credentials", tmp_path / "state" / unit["StateDirectory"]
    credentials.mkdir(mode=0o700)
    state.mkdir(parents=True, mode=int(unit["StateDirectoryMode"], 8))
    key = credentials / name
    key.write_text(said(str(BINARY), "key", "generate", env={}))
    # As systemd leaves it for the service's user.
    key.chmod(0o400)
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ready.bind(str(tmp_path / "notify"))
    ready.settimeout(30)
    env = {
        "CREDENTIALS_DIRECTORY": str(credentials), "STATE_DIRECTORY": str(state),
        "NOTIFY_SOCKET": str(tmp_path / "notify"), "PATH": "/usr/bin:/bin",
    }
    program, *arguments = shlex.split(unit["ExecStart"].replace("%S", str(tmp_path / "state")))
    assert program == "/usr/bin/tokctl"
    vault = arguments[: arguments.index("--vault") + 2]
    said(str(BINARY), *vault, "login", "github/bot", "--token-stdin", input="made-up\n", env=env)
    service = subprocess.Popen(
        [BINARY, *arguments], env=env, umask=int(unit["UMask"], 8), cwd="/", start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        while "READY=1" not in ready.recv(4096).decode().splitlines():
            pass
        assert said(str(BINARY), *vault, "get", "github/bot", env=env) == "made-up\n"
    finally:
        service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=20)
    # systemd takes the signal that it sent for a clean end.
    assert service.returncode in (0, -signal.SIGTERM), err
    assert "event=stopping" in err
    assert os.listdir(state), "its vault is in its state directory"
