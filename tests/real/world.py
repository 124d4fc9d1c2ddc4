"""A private world for one test: own home, own XDG directories, own environment.

Nothing of the person's who runs the tests is read or written, and no variable of theirs is
passed on. It knows how to run the program under test, and nothing of what that should answer.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

# What whoever started the tests has ignored, as `nohup` and shells without job control do, would be
# ignored in every program that a test starts. What has a handler is back at its default there.
for _name in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP,
              signal.SIGPIPE, signal.SIGXFSZ):
    if signal.getsignal(_name) is signal.SIG_IGN:
        signal.signal(_name, lambda *_: None)

HERE = pathlib.Path(__file__).resolve().parent
BINARY = pathlib.Path(
    os.environ.get("TOKCTL_BINARY", HERE.parent.parent / "target" / "release" / "tokctl")
).resolve()
NODE = os.environ.get("NODE", "node")


class World:
    """Directories and an environment; `env` and `program` may be changed by a test, `close` removes it
    all."""

    def __init__(self):
        # Not pytest's own directory: sockets live in here, and their paths are short.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tokctl-"))
        self.program = [BINARY]
        runtime = self.home / "run"
        runtime.mkdir(mode=0o700)
        self.env = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_STATE_HOME": str(self.home / "state"),
        }

    @property
    def vault(self):
        return self.home / "data" / "tokctl" / "tokens.db"

    def forget_what_was_seen(self):
        """For a vault that is put back as it was: to this machine it would be older than it knows."""
        shutil.rmtree(self.home / "state" / "tokctl", ignore_errors=True)

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def configure(self, text):
        """Writes config.toml, private as tokctl wants it."""
        folder = self.home / "config" / "tokctl"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / "config.toml"
        file.write_text(text)
        file.chmod(0o600)

    def use_new_key(self):
        """From here on the vault opens with a `key` slot, as in CI."""
        self.env["TOKCTL_KEY"] = self.succeed("key", "generate").strip()

    def browse_with(self, directory, consent=True):
        """Makes a browser that clicks through by itself; its report goes to `directory`."""
        script = self.home / "browser"
        script.write_text(
            "#!/bin/sh\n"
            f"export CLICK_THROUGH_DIR='{directory}'\n"
            f"export CLICK_THROUGH_CONSENT={'give' if consent else 'deny'}\n"
            f"exec '{NODE}' '{HERE / 'click_through.mjs'}' \"$@\"\n"
        )
        script.chmod(0o700)
        self.env["BROWSER"] = str(script)

    def follow_redirects(self, authority=None):
        """Makes a browser that goes where it is sent and keeps its cookies, for servers that ask
        nobody. It trusts the certificates of the file `authority` alone, where there is one."""
        self.browse_by(
            "import http.cookiejar, ssl, sys, urllib.request\n"
            f"context = ssl.create_default_context(cafile={authority and str(authority)!r})\n"
            "urllib.request.build_opener(\n"
            "    urllib.request.HTTPSHandler(context=context),\n"
            "    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),\n"
            ").open(sys.argv[1]).read()\n"
        )

    def browse_by(self, script):
        """Makes this script in Python the browser; the address is its one argument."""
        file = self.home / "browser"
        file.write_text(f"#!{sys.executable}\n{script}")
        file.chmod(0o700)
        self.env["BROWSER"] = str(file)

    def start(self, *args, env=None, **options):
        """Starts tokctl without a terminal: a session of its own has no /dev/tty."""
        return subprocess.Popen(
            [*self.program, *args],
            env=self.env | (env or {}),
            cwd=self.home,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **({"stdin": subprocess.DEVNULL} | options),
        )

    def run(self, *args, stdin=None, env=None, timeout=90):
        """Runs tokctl to its end, whatever that is."""
        options = {} if stdin is None else {"stdin": subprocess.PIPE}
        process = self.start(*args, env=env, **options)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{args} did not end within {timeout} s: {out!r} {err!r}") from None
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def succeed(self, *args, **options):
        """Runs tokctl, which must end with 0; what it printed on stdout."""
        result = self.run(*args, **options)
        assert result.returncode == 0, result
        return result.stdout

    def get(self, *args, **options):
        """The token that `get` prints: one line."""
        printed = self.succeed("get", *args, **options)
        assert printed.endswith("\n") and printed.count("\n") == 1, printed
        return printed[:-1]
