"""What `strace` does to tokctl at a chosen step: a kill, or a call that fails."""

import os
import re
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


def steps_between(world, begin, end, *args):
    """The calls of tokctl from the first that has `begin` in its arguments to the one with `end`: each as
    its name and how many of that name its thread had made by then."""
    trace = world.home / "trace"
    done = subprocess.run(
        ["strace", "--follow-forks", "--quiet=all", "--string-limit=400", f"--output={trace}", BINARY, *args],
        env=world.env, cwd=world.home, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )
    assert done.returncode == 0, done
    counts, found, within = {}, [], False
    for line in trace.read_text().splitlines():
        called = re.match(r"(\d+) +(\w+)\(", line)
        if called is None:
            continue
        counts[called.groups()] = counts.get(called.groups(), 0) + 1
        within = within or begin in line
        if within:
            found.append((called[2], counts[called.groups()]))
            if end in line:
                return list(dict.fromkeys(found))
    raise AssertionError(f"{begin} ... {end} is not in the trace")
