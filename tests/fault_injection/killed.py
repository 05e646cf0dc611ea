# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""kill -9 of the worker at every system call of a booking: strace counts a call's name and kills at
the Kth.
"""
import collections
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import bd
import bd_books
import ops
import fault_injection

LINE = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(?:\d+\.\d+ )?(?:<\.\.\. )?(\w+)[( ]")


class Strace:
    """strace on one process until it is told to let go."""

    def __init__(self, pid, *args):
        self.out = tempfile.NamedTemporaryFile("r", prefix="bd-strace-")
        self.proc = subprocess.Popen(
            ["strace", "-q", "-o", self.out.name, *args, "-p", str(pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pid = pid
        bd.wait_until(self._attached, "strace to attach", 5, 0.002)

    def _attached(self):
        if self.proc.poll() is not None:
            raise unittest.SkipTest("strace cannot attach here")
        with open("/proc/%d/status" % self.pid) as f:
            return "TracerPid:\t0\n" not in f.read()

    def end(self):
        """The lines that it wrote."""
        if self.proc.poll() is None:
            self.proc.terminate()
        self.proc.wait(10)
        self.out.seek(0)
        return self.out.read().splitlines()


def count(world, op):
    """{name: how often} of the system calls of one booking, from the request's arrival to the next
    wait for one.
    """
    for _ in range(6):
        op.prepare()
        op.act()
    op.prepare()
    trace = Strace(world.pid)
    op.act()
    time.sleep(0.05)
    calls = collections.Counter(m.group(1) for m in map(LINE.match, trace.end()) if m)
    return calls


def kill_at(world, booking, name, k):
    """Kills the worker at its Kth call of that name in a booking: whether it died there, and
    whether the client was told of success all the same.
    """
    warm = type(booking)(world)
    for _ in range(2):
        warm.prepare()
        warm.act()
    booking.prepare()
    trace = Strace(
        world.pid, "-e", "trace=" + name, "-e", "inject=%s:signal=SIGKILL:when=%d" % (name, k)
    )
    try:
        answers = booking.act()
    except (OSError, EOFError):
        answers = []  # killed in the middle of its answer: the connection is ended
    time.sleep(0.01)
    trace.end()
    dead = world.ended()
    for r in answers:
        if r.status != 201 and (r.status, r.code) not in (
            (502, ops.ENDED),
            (503, "database_unavailable"),
        ):
            world.fail("answer %r" % r)
    world.answers_again()
    booking.settle(answers)
    wrong = bd_books.wrong(world.db)
    if wrong:
        world.fail("books: %r" % wrong)
    if dead:
        world.restart()
    return dead, dead and any(r.status == 201 for r in answers)


def sweep(case, options, coverage, role="worker"):
    """The world, after all points."""
    if not shutil.which("strace"):
        raise unittest.SkipTest("no strace")
    world = fault_injection.World(case, preload=False, role=role)
    booking = ops.ALL["sending" if role == "courier" else "booking"](world)
    calls = count(world, booking)
    points = [
        (name, k)
        for name, n in sorted(calls.items())
        for k in range(1, n + 1)
        if name not in ("restart_syscall", "exit_group")
    ]
    killed = told = tried = 0
    begun = time.monotonic()
    for name, k in [points[i - 1] for i in options.points(len(points))]:
        if options.seconds and time.monotonic() - begun > options.seconds:
            break
        tried += 1
        world.label = "%s, killed at %s %d of %d" % (booking.name, name, k, calls[name])
        for _ in range(fault_injection.TRIES):  # a wait that was not needed is a call fewer
            dead, late = kill_at(world, booking, name, k)
            told += late
            if dead:
                break
        else:
            print("%s: not reached" % world.label)
        killed += dead
    print(
        "%-10s kill      %d system calls of %d names, %d tried, %d killed there, %d of them "
        "after the answer, %d findings, %.1f s"
        % (
            booking.name,
            len(points),
            len(calls),
            tried,
            killed,
            told,
            len(world.findings),
            time.monotonic() - begun,
        ),
        flush=True,
    )
    world.balance(options.wait)
    coverage.add(booking.name, "kill", len(points), killed)
    coverage.take(world)
    return world
