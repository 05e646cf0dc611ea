# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Processes that wait: workers, for tests of the dispatcher, and any that are stopped."""
import contextlib
import os
import re
import signal
import threading

import bd

LOCK = "LOCK TABLE venues IN ACCESS EXCLUSIVE MODE"


@contextlib.contextmanager
def frozen(pids):
    """Processes that do nothing inside the with block."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # one may have ended since they were listed
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def background(call):
    """Runs call() in a thread; join() returns its result or raises what it raised."""
    box = {}

    def run():
        try:
            box["value"] = call()
        except BaseException as e:  # handed to join()
            box["error"] = e

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join(limit=30):
        thread.join(limit * bd.PATIENCE)
        if thread.is_alive():
            raise AssertionError("still running")
        if "error" in box:
            raise box["error"]
        return box["value"]

    return join


def wait_for_workers(d, n, what="executing"):
    def busy():
        return sum(
            re.match(r"bookingd: worker \d+ " + what, t) is not None for t in d.titles().values()
        )

    bd.wait_until(lambda: busy() == n, "%d busy workers" % n)


@contextlib.contextmanager
def blocked(d, pg, n):
    """Within it the n workers of a daemon wait for a lock; their requests must end with 200."""
    with pg.holding(LOCK):
        joins = [background(lambda: d.get("/v1/venues")) for _ in range(n)]
        wait_for_workers(d, n)
        yield
    for join in joins:
        if join().status != 200:
            raise AssertionError("a request that waited: %r" % join())


def served(d):
    """How many requests workers have served since the start."""
    with bd.Client(("127.0.0.1", d.monitor_port)) as c:
        page = c.request("GET", "/status", None, {"Accept": "application/json"}).json()
    return sum(s["served"] for s in page["slots"] if s["role"] == "worker")
