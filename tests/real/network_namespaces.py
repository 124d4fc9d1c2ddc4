"""Machines with networks of their own: one network namespace each, on a switch of their own, which the
network of this machine knows nothing of. Needs root.
"""

import ctypes
import os
import socket
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
# Nobody else's network is in here, so any private one will do.
NETWORK = "10.77.0"


class Namespace:
    """A network namespace with a loopback interface, which lasts until it is closed."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.path = f"/proc/{self.holder.pid}/ns/net"
        # It has the name of its parent's until `unshare` got to it.
        deadline = time.monotonic() + 10
        while os.readlink(self.path) == os.readlink("/proc/self/ns/net"):
            assert self.holder.poll() is None and time.monotonic() < deadline, "no namespace"
            time.sleep(0.01)
        self.ip("link", "set", "lo", "up")

    @property
    def prefix(self):
        """What runs a command in here."""
        return ["nsenter", f"--net={self.path}", "--"]

    def ip(self, *command):
        subprocess.run([*self.prefix, "ip", *command], check=True)

    def socket(self, address, listens):
        """A socket in here that listens at `address`, or is connected with it."""
        made = []

        def make():
            # Of this thread alone.
            with open(self.path, "rb") as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            try:
                made.append(socket.create_server(address, backlog=256) if listens
                            else socket.create_connection(address, 5))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        assert made, "the namespace could not be entered"
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Network:
    """`machines` namespaces, each with an address of its own, and `middle`, where the servers are."""

    address = f"{NETWORK}.1"

    def __init__(self, count):
        self.middle, self.machines = Namespace(), []
        self.middle.ip("link", "add", "switch", "type", "bridge")
        self.middle.ip("addr", "add", f"{self.address}/24", "dev", "switch")
        self.middle.ip("link", "set", "switch", "up")
        for number in range(count):
            machine, port = Namespace(), f"port{number}"
            self.machines.append(machine)
            self.middle.ip("link", "add", port, "type", "veth", "peer", "name", "eth0",
                           "netns", str(machine.holder.pid))
            self.middle.ip("link", "set", port, "master", "switch", "up")
            machine.ip("addr", "add", f"{NETWORK}.{number + 10}/24", "dev", "eth0")
            machine.ip("link", "set", "eth0", "up")

    def close(self):
        for namespace in (*self.machines, self.middle):
            namespace.close()
