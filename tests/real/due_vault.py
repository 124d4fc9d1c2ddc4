"""A vault whose one token is due, and a copy of it to start from again and again."""

import shutil

from world import World

GET = ("get", "acme", "--user", "alice")


class DueVault(World):
    def __init__(self, server):
        super().__init__()
        self.server = server
        self.use_new_key()
        self.configure(server.definition())
        self.follow_redirects()
        self.succeed("login", "acme", "--user", "alice")
        self.before = self.home / "before"
        shutil.copytree(self.vault.parent, self.before)

    def start_anew(self):
        """Vault and grant as they were after the login."""
        shutil.rmtree(self.vault.parent)
        shutil.copytree(self.before, self.vault.parent)
        self.forget_what_was_seen()
        self.server.reset()
