# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Processes that run short of something: their descriptors taken away, and what they cost
meanwhile.
"""
import contextlib
import os
import resource
import time

import bd

TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return {int(n) for n in os.listdir("/proc/%d/fd" % pid)}


@contextlib.contextmanager
def starved(*pids, room=0):
    """Each of the processes can open `room` descriptors more and no others, inside
    the with block."""
    before = {}
    for pid in pids:
        before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        taken, limit, left = descriptors(pid), 0, room
        while limit in taken or left > 0:
            left -= limit not in taken
            limit += 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[pid][1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def cpu(pid):
    """Seconds of processor time used so far; 0 for one that has ended."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK


def busiest(pids, seconds=0.3):
    """Watches the processes for that long: the share of one processor that the busiest of them
    used, and its pid.
    """
    before = {pid: cpu(pid) for pid in pids}
    begun = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begun
    return max(((cpu(pid) - used) / took, pid) for pid, used in before.items())


def assert_calm(case, daemon, most=0.2 * min(bd.SLOWNESS, 3), lines=40):
    """Nothing of the daemon spins, and the log is not flooded: while nobody asks for anything."""
    pids = [daemon.pid, *daemon.children()]
    before = daemon.log().count("\n")
    share, pid = busiest(pids)
    case.assertLess(
        share, most, "%s spins\n%s" % (daemon.titles().get(pid, "master"), daemon.log()[-2000:])
    )
    case.assertLess(daemon.log().count("\n") - before, lines, "a flood of records")
    return share


def served(daemon, path="/healthz"):
    def once():
        try:
            return daemon.get(path).status == 200
        except (OSError, EOFError):
            return False

    return bd.wait_until(once, "%s is served again" % path, 5, 0.02)
