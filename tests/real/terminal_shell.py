"""An interactive shell at a terminal of its own, typed to as a person does."""

import json
import os
import pathlib
import pty
import select
import signal
import sys
import time

PROMPT = b"READY> "
PATIENCE = 40

# Writes its arguments where the test looks for them, whole or not at all.
ARGUMENTS = """#!{python}
import json, os, sys
with open("{file}.new", "w") as file:
    json.dump(sys.argv[1:], file)
os.rename("{file}.new", "{file}")
"""


class TerminalShell:
    """`command` in `world`, with the program under test in its PATH; ended by `close`."""

    def __init__(self, world, binary, command):
        self.folder = world.home / "work"
        self.folder.mkdir(exist_ok=True)
        self.seen = self.folder / "seen.json"
        programs = world.home / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "tokctl").exists():
            (programs / "tokctl").symlink_to(binary)
        script = programs / "arguments"
        script.write_text(ARGUMENTS.format(python=sys.executable, file=self.seen))
        script.chmod(0o700)
        env = world.env | {"TERM": "xterm", "PATH": f"{programs}:{world.env['PATH']}"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.folder)
            os.execvpe(command[0], command, env)

    def say(self, text):
        os.write(self.terminal, text.encode())

    def wait_for_prompt(self, after=b""):
        """Reads until the shell is ready, having shown `after` before."""
        shown, deadline = b"", time.monotonic() + PATIENCE
        while after not in shown or PROMPT not in shown[shown.index(after) + len(after):]:
            assert time.monotonic() < deadline, f"no prompt: {shown!r}"
            if select.select([self.terminal], [], [], 0.2)[0]:
                shown += os.read(self.terminal, 4096)

    def complete(self, line):
        """The arguments that the shell has for `line` after the tabulator key: it is told to pass
        them on rather than to run them, and reads that only when it has done with the key."""
        self.seen.unlink(missing_ok=True)
        self.say(f"{line}\t\x01arguments \r")
        shown, deadline = b"", time.monotonic() + PATIENCE
        while not self.seen.exists():
            assert time.monotonic() < deadline, f"nothing was run: {shown!r}"
            if select.select([self.terminal], [], [], 0.05)[0]:
                shown += os.read(self.terminal, 4096)
        return json.loads(self.seen.read_text())

    def made(self):
        """What lies in the shell's directory beside what it was told to make."""
        return sorted(path.name for path in self.folder.iterdir() if path != self.seen)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def completions():
    return pathlib.Path(__file__).resolve().parent.parent.parent / "completions"


def bash(world, binary):
    shell = TerminalShell(world, binary, ["bash", "--norc", "--noprofile", "-i"])
    shell.say(f"PS1='READY'\\>' '; source '{completions()}/tokctl.bash'; echo set\\-up\r")
    shell.wait_for_prompt(b"set-up")
    return shell


def zsh(world, binary):
    shell = TerminalShell(world, binary, ["zsh", "-f", "-i"])
    shell.say(f"PS1='READY''> '; fpath=('{completions()}' $fpath); autoload -U compinit; "
              "compinit -u -D; echo set\\-up\r")
    shell.wait_for_prompt(b"set-up")
    return shell


def fish(world, binary):
    shell = TerminalShell(world, binary, ["fish", "--no-config", "-i"])
    shell.say("function fish_prompt; echo -n 'READY''> '; end; "
              f"source '{completions()}/tokctl.fish'; echo set\\-up\r")
    shell.wait_for_prompt(b"set-up")
    return shell
