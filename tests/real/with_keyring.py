"""Runs a command on a bus of its own, with a real keyring on it in the state that is named.

    python with_keyring.py STATE COMMAND…

`unlocked`; `locked` (and no prompt can show); `unanswered` (locked, and nobody answers the prompt);
`empty` (a daemon that never made a collection); `absent` (a bus without any daemon). The command
keeps its own environment but for the bus. Ends with the command's own code.
"""

import os
import subprocess
import sys

from keyring_world import KeyringWorld
from world import World


def prepare(keyring, state):
    if state == "empty":
        keyring.lock()
    elif state != "absent":
        keyring.unlock()
        if state != "unlocked":
            keyring.lock()
        if state == "unanswered":
            keyring.prompt_silently()


def main(state, *command):
    if state not in ("unlocked", "locked", "unanswered", "empty", "absent"):
        sys.exit(f"with_keyring.py: no such state: {state}")
    world = World()
    keyring = KeyringWorld(world)
    try:
        prepare(keyring, state)
        bus = {"DBUS_SESSION_BUS_ADDRESS": world.env["DBUS_SESSION_BUS_ADDRESS"]}
        return subprocess.run(command, env=os.environ | bus, check=False).returncode
    finally:
        keyring.close()
        world.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
