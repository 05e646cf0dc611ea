# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""fault_inject.so, the page that a process preloaded with it shares with us, and what is in it."""
import mmap
import os
import re
import struct
import subprocess
import unittest

import bd

HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES = [
    "none",
    "alloc",
    "read",
    "write",
    "sendto",
    "recvfrom",
    "connect",
    "open",
    "socket",
    "poll",
]
ONCE, FROM, SHORT = range(3)
# Two allocators in one process do not get on.
SANITIZED = b"__asan_init" in open(bd.BIN, "rb").read() if os.path.exists(bd.BIN) else False


class Page:
    """fault_inject.h's page; any process may be made to map it."""

    def __init__(self, path):
        with open(path, "w+b") as f:
            f.truncate(8192)
            self.map = mmap.mmap(f.fileno(), 8192)
        os.chmod(path, 0o666)
        self.path = path

    def get(self, form, at):
        return struct.unpack_from(form, self.map, at)[0]

    def arm(self, pid, what, at, mode=ONCE, error=0):
        self.map[0:4] = struct.pack("i", 0)
        self.map[4:40] = struct.pack("iii", CLASSES.index(what), mode, error) + struct.pack(
            "qqii", at, 0, 0, 0
        )
        self.map[48:4048] = bytes(4000)
        self.map[0:4] = struct.pack("i", pid)

    def disarm(self):
        self.map[0:4] = struct.pack("i", 0)

    seen = property(lambda self: self.get("q", 24))
    injected = property(lambda self: self.get("i", 32))
    crash = property(lambda self: self.get("i", 36))

    def step_clock(self, seconds):
        """The wall clock of every process that maps the page is that far ahead."""
        self.map[40:48] = struct.pack("q", int(seconds * 1e9))

    def frames(self, at):
        return self.map[at : at + 2000].split(b"\0")[0].decode(errors="replace").splitlines()

    injected_in = property(lambda self: symbols(self.frames(48)))
    crashed_in = property(lambda self: symbols(self.frames(2048)))


def build_library(into):
    """fault_inject.so, by the compiler that builds the rest."""
    out = os.path.join(into, "fault_inject.so")
    sources = [os.path.join(HERE, name) for name in ("fault_inject.c", "fault_inject_heap.c")]
    done = subprocess.run(
        [
            *(os.environ.get("CC") or "cc").split(),
            "-O1",
            "-g",
            "-shared",
            "-fPIC",
            "-o",
            out,
            *sources,
            "-ldl",
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise unittest.SkipTest("no fault_inject.so: %s" % done.stderr)
    return out


def symbols(frames):
    """Frames of bookingd as function and line, others as they are."""
    out = []
    for frame in frames[:14]:
        m = re.match(r"bookingd\+(0x[0-9a-f]+)", frame)
        if m:
            said = subprocess.run(
                ["addr2line", "-sfpe", bd.BIN, hex(int(m.group(1), 16) - 1)],
                capture_output=True,
                text=True,
            ).stdout.strip()
            out.append(said or frame)
        else:
            out.append(frame.split("+")[0] + ":" + (frame.split(" ", 1)[1:] or [""])[0])
    return out
