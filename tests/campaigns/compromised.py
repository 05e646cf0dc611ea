#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Plays workers that an attacker has taken over; a short run is test_compromised.py.

From outside, through /proc/PID/mem, each round overwrites a range of the shared memory that one
worker can write, with random bytes or with chosen values, while clients read and book. What the
worker cannot write stays as it is, whatever is tried. Some rounds send reports that no worker sends
over a copy of the worker's own socket. Meanwhile the pages of the monitor are read and the
configuration is reloaded. No process may end but by order, every client gets the right answer, and
the books are right at the end.
"""
import ctypes
import os
import random
import re
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_shop  # noqa: E402

WORKERS = 4
# What breaks readers that believe: the ends of each type, states and errors that do not exist,
# times before and after all times, counts that are lengths of tables, texts without an end.
CHOSEN = [
    0,
    1,
    2,
    255,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    3 << 62,
    1 << 63 | 2**36 - 1,
    255 << 56 | 1,
    2000000000,
    0x7FF0000000000000,
    0x7FF8000000000001,
    0xFFEFFFFFFFFFFFFF,
    0x0A0A0A0A0A0A0A0A,
    0x1B5B324A1B5B324A,
    0x2222222222222222,
    0xC0AFC0AFC0AFC0AF,
]
READY, PART, DONE, RETIRE, REFUSED = range(5)
SYS_PIDFD_GETFD = 438


def shared_ranges(pid):
    """[(from, to, writable)] of the memory that all processes share."""
    with open("/proc/%d/maps" % pid) as maps:
        found = [re.match(r"([0-9a-f]+)-([0-9a-f]+) r(.)-s .*bookingd-shared", m) for m in maps]
    return [(int(m.group(1), 16), int(m.group(2), 16), m.group(3) == "w") for m in found if m]


def write_memory(pid, at, data):
    """False: the kernel refuses it, as it does where a mapping can never become writable."""
    fd = os.open("/proc/%d/mem" % pid, os.O_RDWR)
    try:
        return os.pwrite(fd, data, at) == len(data)
    except OSError:
        return False
    finally:
        os.close(fd)


def borrow_pair(pid):
    """A copy of the worker's end of its pair with the dispatcher."""
    pidfd = os.pidfd_open(pid)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        for name in os.listdir("/proc/%d/fd" % pid):
            if not os.readlink("/proc/%d/fd/%s" % (pid, name)).startswith("socket:"):
                continue
            fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            s = socket.socket(fileno=fd)
            if s.type == socket.SOCK_SEQPACKET:
                return s
            s.close()
    finally:
        os.close(pidfd)
    raise AssertionError("worker %d has no pair" % pid)


def report(news, seq=0, length=0, data=b"", flags=0):
    return struct.pack("=IIQQ", news & 0xFFFFFFFF, flags, seq, length) + data


def bad_report(rng):
    return rng.choice(
        [
            lambda: report(DONE, rng.getrandbits(64), 0),
            lambda: report(DONE, rng.getrandbits(64), 400 << 20),
            lambda: report(DONE, 1, 48 << 10),
            lambda: report(PART, rng.getrandbits(64), 5, b"hello"),
            lambda: report(READY),
            lambda: report(REFUSED, rng.getrandbits(64)),
            lambda: report(rng.getrandbits(32) | 8, 1),
            lambda: rng.randbytes(rng.randrange(1, 200)),
            lambda: b"x",
        ]
    )()


class Compromised(bd.Case):
    rounds, reports, seed = 10000, 200, 1

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("looks into other processes, which needs root")
        self.rng = random.Random(self.seed)
        self.shop = bd_shop.Shop(
            self, {"server": {"workers": WORKERS}, "monitor": {"poll_interval": "1s"}}
        )
        self.d = self.shop.daemon
        self.faults, self.answers, self.stop = [], {}, threading.Event()
        self.tolerated = set()
        self.overwritten = 0
        # Each client has a chair of its own, so that all bookings are free.
        self.people = []
        for i in range(4):
            chair = self.shop.resource("Seat %d" % i, 100)
            service = self.shop.make_service(name="Care %d" % i, resource_ids=[chair])
            self.people.append((self.shop.customer("+9665512300%02d" % i), service, []))

    def expect(self, what, r, status):
        key = (what, r.status)
        self.answers[key] = self.answers.get(key, 0) + 1
        if r.status != status and r.status not in self.tolerated:
            self.faults.append("%s: %r" % (what, r))
        return r.status == status

    def live(self, token, service, mine):
        """A client: books, cancels, and reads its own list, which has its own bookings alone."""
        fields, n = {"Authorization": "Bearer " + token}, 0
        while not self.stop.is_set():
            try:
                with self.d.client() as c:
                    for _ in range(20):
                        n += 1
                        self.act(c, fields, service, mine, n)
                        if self.stop.is_set():
                            break
            except (OSError, EOFError, AssertionError) as e:
                self.faults.append(repr(e))

    def act(self, c, fields, service, mine, n):
        if n % 4 == 1 and len(mine) < 3:
            body = {"service_id": service, "starts_at": self.shop.at(1 + n % 20)}
            r = c.post("/v1/bookings", body, fields)
            if self.expect("book", r, 201):
                mine.append(r.json()["id"])
        elif n % 4 == 3 and mine:
            r = c.post("/v1/bookings/%s/cancel" % mine[0], None, {**fields, "Content-Length": "0"})
            if self.expect("cancel", r, 200):
                del mine[0]
        r = c.request("GET", "/v1/bookings?status=confirmed&limit=100", None, fields)
        if self.expect("list", r, 200) and not self.tolerated:
            seen = {b["id"] for b in r.json()["items"]}
            if seen != set(mine):
                self.faults.append("list: %s and not %s" % (sorted(seen), sorted(mine)))
        r = c.get("/v1/venues/%s" % self.shop.venue)
        if self.expect("venue", r, 200) and r.json()["name"] != "Palm":
            self.faults.append("venue: %r" % r.json())

    def read_pages(self):
        """The monitor and the staff's view of providers are whole, and can be read."""
        metrics = self.d.metrics()
        self.assertIn("bookingd_workers", {name for name, _, _ in metrics})
        with bd.Client(("127.0.0.1", self.d.monitor_port)) as c:
            for path in ("/status", "/status?format=text", "/"):
                r = c.get(path)
                self.assertIn(r.status, (200, 404), path)
                if "json" in (r.header("Content-Type") or ""):
                    r.json()
        r = self.shop.call("GET", "/v1/staff/providers", token=self.shop.admin)
        if r.status not in self.tolerated:
            self.assertEqual(r.status, 200)
            for p in r.json()["items"]:
                self.assertIn(p["circuit"], ("closed", "open", "half_open"))

    def overwrite(self, pid):
        """One range that the worker can write, or a part of it; and one that it cannot."""
        ranges = shared_ranges(pid)
        writable = [r for r in ranges if r[2]]
        if not writable:
            return  # it has just ended, for a reload, or just begun and maps its own part next
        self.overwritten += 1
        at, end, _ = self.rng.choice(writable)
        if self.rng.random() < 0.3:
            data = self.rng.randbytes(end - at)
        elif self.rng.random() < 0.5:
            word = struct.pack("=Q", self.rng.choice(CHOSEN))
            data = word * ((end - at) // 8)
        else:
            at += 8 * self.rng.randrange((end - at) // 8)
            data = struct.pack("=Q", self.rng.choice(CHOSEN))
        self.assertTrue(write_memory(pid, at, data) or not shared_ranges(pid))
        closed = self.rng.choice([r for r in ranges if not r[2]])
        at = self.rng.randrange(closed[0], closed[1], 8)
        self.assertFalse(write_memory(pid, at, b"x" * 8), "%x is not the worker's" % at)

    def reload(self):
        before = len(re.findall("event=reload.done", self.d.log()))
        self.d.hup()
        bd.wait_until(
            lambda: len(re.findall("event=reload.done", self.d.log())) > before,
            "the reload",
            30,
        )

    def rounds_of(self, n, attack):
        begun = time.monotonic()
        clients = [threading.Thread(target=self.live, args=p) for p in self.people]
        for c in clients:
            c.start()
        try:
            for i in range(n):
                pids = self.d.children("worker")
                try:
                    attack(self.rng.choice(pids))
                except (FileNotFoundError, ProcessLookupError):
                    pass  # it was replaced by a reload meanwhile
                if i % 50 == 49:
                    self.read_pages()
                if i % 150 == 149:
                    self.reload()
                if self.faults:
                    break
        finally:
            self.stop.set()
            for c in clients:
                c.join()
        self.assertEqual(self.faults[:5], [])
        self.read_pages()
        print(
            "%d rounds in %.1f s: %s" % (n, time.monotonic() - begun, dict(self.answers)),
            file=sys.stderr,
        )

    def assert_calm(self):
        log = self.d.log()
        for event in ("child.violation", "child.overdue", "child.backoff"):
            self.assertNotIn("event=" + event, log)
        ended = [line for line in log.splitlines() if "level=warn event=child.ended" in line]
        self.assertEqual(ended[:3], [])

    def test_memory(self):  # S14, S15
        self.rounds_of(self.rounds, self.overwrite)
        self.assertGreater(self.overwritten, self.rounds // 2, "rounds that wrote something")
        self.assert_calm()
        booked = "SELECT count(*) FROM bookings WHERE service_id = '%s' AND status = 'confirmed'"
        for _, service, mine in self.people:
            self.assertEqual(self.shop.pg.value(booked % service), str(len(mine)))

    def test_reports(self):  # S16
        """The dispatcher gives up the worker, and nobody else's request."""
        # Of the request that the worker had in hand: what became of it is unknown. So a booking
        # may be cancelled already.
        self.tolerated = {502, 503, 409}

        def attack(pid):
            with borrow_pair(pid) as pair:
                for _ in range(self.rng.randrange(1, 4)):
                    try:
                        pair.send(bad_report(self.rng), socket.MSG_DONTWAIT)
                    except OSError:
                        break  # the dispatcher has closed it
            gone = bd.wait_until(
                lambda: pid not in self.d.children("worker"), "the worker's end", 30
            )
            self.assertTrue(gone)
            bd.wait_until(lambda: len(self.d.children("worker")) >= WORKERS, "another", 30)

        self.rounds_of(self.reports, attack)
        self.assert_calm()
        with open("/proc/%d/status" % self.d.children("dispatcher")[0]) as f:
            rss = int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        self.assertLess(rss, 32 * 1024 * bd.SLOWNESS, "the dispatcher in KiB")


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--rounds", type=int, default=Compromised.rounds)
    parser.add_argument("--reports", type=int, default=Compromised.reports)
    parser.add_argument("--seed", type=int, default=Compromised.seed)
    o = bd_campaign.options(parser)
    Compromised.rounds, Compromised.reports, Compromised.seed = o.rounds, o.reports, o.seed
    bd_campaign.run(Compromised)


if __name__ == "__main__":
    main()
