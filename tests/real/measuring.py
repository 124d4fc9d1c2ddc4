"""What a command costs: CPU time, wall time and memory, as ratios to another command.

The two sides of a ratio run by turns, so that whatever else the machine does falls on both; each
number is the median over the runs. CPU time is the process's own, user and system; wall time is
from just before its start to just after its end.
"""

import os
import statistics
import sys
import time

NULL = os.open(os.devnull, os.O_RDWR)


def run(command, env):
    """Runs `command` to its end; its CPU and wall time in milliseconds."""
    begun = time.perf_counter()
    pid = start(command, env, NULL)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    assert status == 0, f"{command} ended with {os.waitstatus_to_exitcode(status)}"
    return (usage.ru_utime + usage.ru_stime) * 1000, wall * 1000


def start(command, env, stdout):
    redirections = [(os.POSIX_SPAWN_DUP2, NULL, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    return os.posix_spawn(command[0], command, env, file_actions=redirections)


def by_turns(ours, theirs, env, runs, warm_up=5):
    """Medians of (CPU, wall) of both commands, started alternately after a few to warm up."""
    results = ([], [])
    for turn in range(-warm_up, runs):
        for command, found in zip((ours, theirs), results):
            cost = run(command, env)
            if turn >= 0:
                found.append(cost)
    return [tuple(statistics.median(column) for column in zip(*found)) for found in results]


def peak_memory(command, env):
    """The most memory that `command` ever had resident, in MiB, read while it still lives.

    What `wait4` says would include this interpreter's own memory, which the kernel counts into a
    child until it has called exec. So the command is made to wait: its stdout is a full pipe.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writer, True)
    pid = start(command, env, writer)
    os.close(writer)
    time.sleep(0.3)
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    assert fields["State"].split()[0] == "S", "it does not wait for its stdout"
    while os.read(reader, 65536):
        pass
    os.close(reader)
    assert os.waitstatus_to_exitcode(os.wait4(pid, 0)[1]) == 0
    return int(fields["VmHWM"].split()[0]) / 1024


def watched_memory(command, env):
    """The same for a command that works for a while: looked at until it has ended.

    The kernel keeps the highest value, so only what a process takes in its last moment is missed.
    """
    pid, highest = start(command, env, NULL), 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            # One that has just ended has none any more.
            found = [line.split()[1] for line in file if line.startswith("VmHWM:")]
        highest = max(highest, *map(int, found), 0)
        time.sleep(0.002)
    assert os.waitstatus_to_exitcode(os.wait4(pid, 0)[1]) == 0
    return highest / 1024


def program(name):
    for folder in os.environ["PATH"].split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    sys.exit(f"{name} is missing")


def report(what, ours, theirs, unit, aim):
    print(f"{what:52} {ours:6.2f} / {theirs:6.2f} {unit:4} = {ours / theirs:.2f}  (aim {aim})")
