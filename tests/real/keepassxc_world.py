"""A private D-Bus with a real KeePassXC on it, its database open or locked.

Nobody looks at its windows, as on a desktop that its user has left: where it asks, nobody answers.
"""

import base64
import subprocess
import time
import uuid
import xml.etree.ElementTree as ElementTree

from jeepney import DBusAddress, Properties
from jeepney.io.blocking import open_dbus_connection

from keyring_world import SECRETS, KeyringWorld, end

PASSWORD = "made-up-database-password"
GROUP = uuid.UUID("c96a2166-eb1f-41f1-ad8f-02fc00000001")
COLLECTION = DBusAddress(
    "/org/freedesktop/secrets/collection/people", SECRETS, "org.freedesktop.Secret.Collection"
)

# A database with one group, which the Secret Service shows as its collection.
DATABASE = """<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile>
  <Meta>
    <DatabaseName>people</DatabaseName>
    <RecycleBinEnabled>True</RecycleBinEnabled>
    <CustomData>
      <Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{{{group}}}</Value></Item>
    </CustomData>
  </Meta>
  <Root>
    <Group>
      <UUID>{root}</UUID><Name>Root</Name>
      <Group><UUID>{id}</UUID><Name>secrets</Name></Group>
    </Group>
  </Root>
</KeePassFile>
"""

SETTINGS = """[General]
ConfigVersion=2
UpdateCheckMessageShown=true

[GUI]
CheckForUpdates=false

[FdoSecrets]
Enabled=true
ShowNotification=false
ConfirmAccessItem={confirm}
ConfirmDeleteItem={confirm}
"""


def encoded(group):
    return base64.b64encode(group.bytes).decode()


class KeePassXC(KeyringWorld):
    """A bus for `world`, and KeePassXC on it once it is started."""

    def __init__(self, world):
        super().__init__(world)
        self.database = world.home / "people.kdbx"
        made = world.home / "people.xml"
        made.write_text(
            DATABASE.format(group=GROUP, id=encoded(GROUP), root=encoded(uuid.UUID(int=1)))
        )
        self._cli("import", "-p", "-t", "100", made, self.database, answers=2)

    def open(self, confirm):
        """With the database open; `confirm`: a person is asked before a program reads an entry."""
        self._run(confirm, ["--pw-stdin", self.database], f"{PASSWORD}\n")
        self._wait_until_locked_is(False)

    def lock(self):
        """With the database closed, as after a reboot."""
        self._run(True, [self.database], "")
        self._wait_until_locked_is(True)

    def entries(self, number):
        """The paths of the entries in the file, once it has so many, bin included: KeePassXC writes
        it a moment after each change. `secrets/TITLE`, `Recycle Bin/TITLE`."""
        deadline = time.monotonic() + 10
        while len(found := self._entries_now()) != number:
            assert time.monotonic() < deadline, f"not {number} entries: {found}"
            time.sleep(0.2)
        return found

    def _entries_now(self):
        root = ElementTree.fromstring(self._cli("export", "-q", self.database, answers=1))
        return [
            f"{group.findtext('Name')}/{text.findtext('Value')}"
            for group in root.find("Root").iter("Group")
            for text in group.findall("Entry/String")
            if text.findtext("Key") == "Title"
        ]

    def _cli(self, *args, answers):
        done = subprocess.run(
            ["keepassxc-cli", *args],
            env=self.world.env,
            input=f"{PASSWORD}\n" * answers,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    def _run(self, confirm, args, stdin):
        end(self.keyring)
        self._wait_for(SECRETS, owned=False)
        settings = self.world.home / "keepassxc.ini"
        settings.write_text(SETTINGS.format(confirm=str(confirm).lower()))
        local = self.world.home / "keepassxc-local.ini"
        self.world.env["TMPDIR"] = str(self.world.home)
        environment = self.world.env | {"QT_QPA_PLATFORM": "offscreen"}
        self.keyring = self._start(
            ["keepassxc", "--config", settings, "--localconfig", local, *args],
            stdin=subprocess.PIPE,
            stdout=self.log,
            env=environment,
        )
        self.keyring.stdin.write(stdin.encode())
        self.keyring.stdin.close()
        self._wait_for(SECRETS, seconds=30)

    def _wait_until_locked_is(self, locked):
        question = Properties(COLLECTION).get("Locked")
        deadline = time.monotonic() + 60
        with open_dbus_connection(self.world.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            while connection.send_and_get_reply(question).body[0] != ("b", locked):
                assert time.monotonic() < deadline, f"the database is not {locked=}"
                time.sleep(0.1)
