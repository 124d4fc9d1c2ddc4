"""A server in a process of its own, which serves until its stdin ends."""

import json
import subprocess


class ServerProcess:
    """One running server. The first line of its stdout is JSON with its issuer, kept in `told`."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self.process.stdout.readline()
        assert line, f"{command} did not start"
        self.told = json.loads(line)
        self.issuer = self.told["issuer"]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
