"""pizauth, whose `show` asks a daemon that keeps its tokens in memory, with one token in it."""

import subprocess
import time
import urllib.request

from rotating_server import RotatingServer

CONFIG = """startup_cmd = "touch {ready}";
account "acme" {{
    auth_uri = "{address}/authorize";
    token_uri = "{address}/token";
    client_id = "made-up";
    scopes = ["made-up"];
}}
"""


class PizauthDaemon:
    """Its daemon runs in `world`; `show` is the command that prints the token."""

    def __init__(self, program, world):
        self.world = world
        self.server = RotatingServer("tolerant")
        config, ready = (world.home / name for name in ("pizauth.conf", "pizauth.ready"))
        config.write_text(CONFIG.format(ready=ready, address=self.server.address))
        self.daemon = subprocess.Popen(
            [program, "server", "-d", "-c", config],
            env=world.env | {"SHELL": "/bin/sh"}, stderr=subprocess.DEVNULL,
        )
        self.show = [program, "show", "acme"]
        self._wait_until(ready.exists)
        # It answers with the address at which a person would log in.
        address = self._ask().stderr.split("URL ")[1].strip()
        urllib.request.urlopen(address).read()
        self._wait_until(lambda: self._ask().returncode == 0)

    def close(self):
        self.daemon.terminate()
        self.daemon.wait()
        self.server.close()

    def _ask(self):
        return subprocess.run(
            self.show, env=self.world.env, capture_output=True, text=True, check=False
        )

    def _wait_until(self, reached):
        deadline = time.monotonic() + 10
        while not reached():
            assert time.monotonic() < deadline, self._ask()
            time.sleep(0.05)
