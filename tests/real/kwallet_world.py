"""A private D-Bus with a real KWallet on it, and a screen that nobody looks at."""

import os
import subprocess
import time

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

from keyring_world import SECRETS, KeyringWorld, end

WALLET = "kdewallet"
KWALLET = DBusAddress("/modules/kwalletd5", "org.kde.kwalletd5", "org.kde.KWallet")
# What the login manager's module makes of the password that a person logs in with.
HASH = bytes(range(56))

SETTINGS = f"""[Wallet]
Enabled=true
First Use=false
Default Wallet={WALLET}
Close When Idle=false
Leave Open=true
Prompt on Open=false

[org.freedesktop.secrets]
apiEnabled=true
"""


class KWallet(KeyringWorld):
    """A bus for `world`, and KWallet on it once it is started, with a wallet that was made before."""

    def __init__(self, world):
        super().__init__(world)
        folder = world.home / "config"
        folder.mkdir(exist_ok=True)
        (folder / "kwalletrc").write_text(SETTINGS)
        read, write = os.pipe()
        self.screen = self._start(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24"],
            stdout=subprocess.DEVNULL,
            pass_fds=[write],
        )
        os.close(write)
        with os.fdopen(read) as number:
            self.display = f":{number.readline().strip()}"
        self._run()
        self._open()

    def open(self):
        """As after logging in to a desktop: the wallet is open, and no program has unlocked it."""
        self._run()
        self._open()

    def lock(self):
        """As after a reboot without a password: KWallet runs, the wallet is closed."""
        self._run()

    def close(self):
        super().close()
        end(self.screen)

    def _run(self):
        if self.keyring is not None:
            # It writes what is new after some seconds, or now.
            self._call("closeAllWallets")
        end(self.keyring)
        self._wait_for(SECRETS, owned=False)
        environment = self.world.env | {"DISPLAY": self.display}
        self.keyring = self._start(["kwalletd5"], stdout=self.log, env=environment)
        self._wait_for(SECRETS, seconds=30)

    def _open(self):
        self._call("pamOpen", "sayi", (WALLET, HASH, 0))
        deadline = time.monotonic() + 10
        while self._call("isOpen", "s", (WALLET,)) != (True,):
            assert time.monotonic() < deadline, "the wallet does not open"
            time.sleep(0.1)

    def _call(self, method, signature=None, body=()):
        message = new_method_call(KWALLET, method, signature, body)
        with open_dbus_connection(self.world.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            answer = connection.send_and_get_reply(message)
        assert answer.header.message_type == MessageType.method_return, answer
        return answer.body
