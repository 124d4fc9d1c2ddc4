"""Runs a program whose clock of the day is wrong: `wrong_clock.py SECONDS PROGRAM [ARGUMENT]...`.

A static program takes no library with another clock, and reads the time from a page that the kernel
shows it. So that page is hidden from it, and each of its questions for the time is answered by the
kernel and then changed here. For Linux on x86_64.
"""

import ctypes
import os
import signal
import struct
import sys

TRACEME, GETREGS, SETREGS, SYSCALL, SETOPTIONS = 0, 12, 13, 24, 0x4200
# A stop at a call says so; threads are followed; with this process, the other ends.
OPTIONS = 0x1 | 0x8 | 0x100000
AT_SYSINFO_EHDR, AT_IGNORE = 33, 1
CLOCK_GETTIME, GETTIMEOFDAY, TIME = 228, 96, 201
OF_THE_DAY = (0, 5)
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
        " fs_base gs_base ds es fs gs").split()]


def registers(thread):
    found = Registers()
    libc.ptrace(GETREGS, thread, None, ctypes.byref(found))
    return found


class Memory:
    def __init__(self, process):
        self.file = open(f"/proc/{process}/mem", "r+b", buffering=0)

    def word(self, at):
        self.file.seek(at)
        return struct.unpack("<Q", self.file.read(8))[0]

    def put(self, at, word):
        self.file.seek(at)
        self.file.write(struct.pack("<Q", word & (2**64 - 1)))


def hide_the_page(memory, stack):
    at = stack + 8 * (memory.word(stack) + 2)
    while memory.word(at) != 0:
        at += 8
    at += 8
    while (kind := memory.word(at)) != 0:
        if kind == AT_SYSINFO_EHDR:
            memory.put(at, AT_IGNORE)
        at += 16


def change(thread, memory, ahead):
    """Changes the answer to a question for the time, if the call that ends here was one."""
    found = registers(thread)
    if ctypes.c_longlong(found.rax).value < 0:
        return  # It begins, or has failed.
    if found.orig_rax == CLOCK_GETTIME and ctypes.c_int(found.rdi & 0xFFFFFFFF).value in OF_THE_DAY:
        memory.put(found.rsi, memory.word(found.rsi) + ahead)
    elif found.orig_rax == GETTIMEOFDAY and found.rdi:
        memory.put(found.rdi, memory.word(found.rdi) + ahead)
    elif found.orig_rax == TIME:
        found.rax += ahead
        libc.ptrace(SETREGS, thread, None, ctypes.byref(found))


def main():
    ahead, command = int(sys.argv[1]), sys.argv[2:]
    process = os.fork()
    if process == 0:
        libc.ptrace(TRACEME, 0, None, None)
        os.execv(command[0], command)
    os.waitpid(process, 0)
    libc.ptrace(SETOPTIONS, process, None, OPTIONS)
    memory = Memory(process)
    hide_the_page(memory, registers(process).rsp)
    libc.ptrace(SYSCALL, process, None, 0)
    while True:
        thread, status = os.waitpid(-1, WALL)
        if os.WIFSTOPPED(status):
            by, event = os.WSTOPSIG(status), status >> 16
            if by == signal.SIGTRAP | 0x80:
                change(thread, memory, ahead)
                by = 0
            elif event or by in (signal.SIGTRAP, signal.SIGSTOP):
                by = 0  # A thread that begins.
            libc.ptrace(SYSCALL, thread, None, by)
        elif thread == process:
            if os.WIFSIGNALED(status):
                os.kill(os.getpid(), os.WTERMSIG(status))
            os._exit(os.WEXITSTATUS(status))


main()
