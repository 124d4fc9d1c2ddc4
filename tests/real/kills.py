"""What `strace` does to tokctl at a chosen step: a kill, or a call that fails."""

import os
import subprocess

from world import BINARY


def killed_at(world, step, count, *args):
    """Whether tokctl was killed as it entered its `count`th call of `step`."""
    done = with_injected(world, step, f"signal=KILL:when={count}", *args)
    assert done.returncode in (0, -9, 137), done
    return done.returncode != 0


def with_injected(world, step, fault, *args):
    """Runs tokctl to its end, with `fault` injected into its calls of `step`."""
    return subprocess.run(
        ["strace", "--follow-forks", "--quiet=all", "--output", os.devnull,
         f"--trace={step}", f"--inject={step}:{fault}", BINARY, *args],
        env=world.env, cwd=world.home, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )
