"""A private D-Bus with a real gnome-keyring on it, in every state a machine can have it.

Made for one `World` each: a bus shares its runtime directory with no other, since a new bus beside
a daemon that still serves an old one hangs. Every process is ended by its id.
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import time

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

HERE = pathlib.Path(__file__).resolve().parent
PASSWORD = "made-up-keyring-password"
SECRETS = "org.freedesktop.secrets"
PROMPTER = "org.gnome.keyring.SystemPrompter"
DBUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")

# No service directories: nothing is on this bus but what a test puts there. So no prompt can show
# either, as on a machine without a desktop.
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    {refused}
  </policy>
</busconfig>
"""


class KeyringWorld:
    """A bus for `world`, and on it whatever was started. Begins with the bus alone."""

    def __init__(self, world):
        self.world = world
        self.log = (world.home / "keyring.log").open("wb")
        self.keyring = None
        self.prompter = None
        self.config = world.home / "bus.conf"
        self._configure()
        self.bus = self._start(
            ["dbus-daemon", f"--config-file={self.config}", "--nofork", "--print-address"],
            stdout=subprocess.PIPE,
        )
        address = self.bus.stdout.readline().decode().strip()
        assert address, "dbus-daemon did not start"
        world.env["DBUS_SESSION_BUS_ADDRESS"] = address

    def unlock(self):
        """A keyring as after logging in to a desktop: open, made if it wasn't there."""
        self._start_keyring(["--unlock"], PASSWORD)

    def lock(self):
        """The same keyring as after a reboot without logging in to a desktop."""
        self._start_keyring([], "")

    def forget(self):
        """A daemon that has never made a keyring: reading there says "no such entry"."""
        end(self.keyring)
        shutil.rmtree(self.world.home / "data" / "keyrings")
        self._start_keyring([], "")

    def prompt_silently(self):
        """From here on an unlock prompt can be shown, and nobody answers it."""
        self.prompter = self._start([sys.executable, HERE / "silent_prompter.py"])
        self._wait_for(PROMPTER)

    def refuse(self, *methods):
        """From here on calls of these methods fail (`Item.Delete`); of none, if none is named."""
        self._configure(methods)
        reload = new_method_call(DBUS, "ReloadConfig")
        with open_dbus_connection(self.world.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            answer = connection.send_and_get_reply(reload)
        assert answer.header.message_type == MessageType.method_return, answer

    def _configure(self, refused=()):
        rules = "".join(
            f'<deny send_interface="org.freedesktop.Secret.{kind}" send_member="{member}"/>'
            for kind, member in (method.split(".") for method in refused)
        )
        self.config.write_text(BUS.format(socket=self.world.home / "bus", refused=rules))

    def secret_tool(self, *args, stdin=b""):
        """Runs libsecret's own client."""
        return subprocess.run(
            ["secret-tool", *args],
            env=self.world.env,
            input=stdin,
            capture_output=True,
            timeout=20,
            check=False,
        )

    def close(self):
        for process in (self.prompter, self.keyring, self.bus):
            end(process)
        self.log.close()

    def _start_keyring(self, flags, password, tracer=()):
        end(self.keyring)
        self._wait_for(SECRETS, owned=False)
        self.keyring = self._start(
            [*tracer, "gnome-keyring-daemon", "--foreground", "--components=secrets", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self.keyring.stdin.write(password.encode())
        self.keyring.stdin.close()
        self._wait_for(SECRETS)

    def _start(self, command, **options):
        return subprocess.Popen(
            command,
            cwd=self.world.home,
            stderr=self.log,
            start_new_session=True,
            **({"stdin": subprocess.DEVNULL, "env": self.world.env} | options),
        )

    def _wait_for(self, name, owned=True, seconds=5):
        """Until `name` has an owner on the bus, or has none any more."""
        question = new_method_call(DBUS, "NameHasOwner", "s", (name,))
        deadline = time.monotonic() + seconds
        with open_dbus_connection(self.world.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            while bool(connection.send_and_get_reply(question).body[0]) != owned:
                assert time.monotonic() < deadline, f"{name} owned is not {owned} after {seconds} s"
                time.sleep(0.02)


def end(process):
    """Ends a process this module started, and waits until it is gone."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
