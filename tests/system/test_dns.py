# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""DNS that answers nothing: every request ends inside its budget, and while an address is known
nothing is felt at all.
"""
import ctypes
import os
import random
import re
import shutil
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

import bd
import bd_shop

BUDGET = 3.0
LATE = 0.1 * bd.PATIENCE
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18
LIBC = ctypes.CDLL(None, use_errno=True)


class NameServer:
    """Says 127.0.0.1 for every name, or nothing at all."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = "127.%d.%d.%d" % tuple(random.randint(1, 250) for _ in range(3))
        self.sock.bind((self.address, 53))
        self.sock.settimeout(0.2)
        self.answering, self.asked, self.closing = False, 0, False
        self.file = tempfile.NamedTemporaryFile("w", suffix=".resolv", delete=False)
        self.file.write("nameserver %s\n" % self.address)
        self.file.close()
        os.chmod(self.file.name, 0o644)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.closing:
            try:
                query, peer = self.sock.recvfrom(4096)
            except socket.timeout:
                continue
            self.asked += 1
            if not self.answering or len(query) < 17:
                continue
            end = query.index(b"\0", 12) + 5
            is_a = query[end - 4 : end - 2] == b"\0\1"
            answer = (
                b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 1, 4) + bytes([127, 0, 0, 1])
                if is_a
                else b""
            )
            self.sock.sendto(
                query[:2]
                + b"\x81\x80"
                + query[4:6]
                + struct.pack(">HHH", is_a, 0, 0)
                + query[12:end]
                + answer,
                peer,
            )

    def namespace(self):
        """For preexec_fn: from here on /etc/resolv.conf names this server."""

        def do(rc):
            if rc != 0:
                os._exit(71)

        do(LIBC.unshare(CLONE_NEWNS))
        do(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        do(LIBC.mount(self.file.name.encode(), b"/etc/resolv.conf", None, MS_BIND, None))

    def namespace_of(self, etc):
        """For preexec_fn: from here on `etc` is /etc. Files in it can be renamed over others."""

        def do():
            if LIBC.unshare(CLONE_NEWNS) != 0:
                os._exit(71)
            for source, target, flags in (
                (b"none", b"/", MS_REC | MS_PRIVATE),
                (etc.encode(), b"/etc", MS_BIND),
            ):
                if LIBC.mount(source, target, None, flags, None) != 0:
                    os._exit(71)

        return do

    def close(self):
        self.closing = True
        self.thread.join()
        self.sock.close()
        os.unlink(self.file.name)


def may_mount():
    if os.geteuid() != 0:
        return False
    pid = os.fork()
    if pid == 0:
        ok = (
            LIBC.unshare(CLONE_NEWNS) == 0
            and LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
        )
        os._exit(0 if ok else 1)
    return os.waitpid(pid, 0)[1] == 0


@unittest.skipUnless(may_mount(), "only root can have a mount namespace of its own")
class Dns(bd.Case):
    def setUp(self):
        try:
            self.dns = NameServer()
        except PermissionError:
            self.skipTest("no port 53 here")
        self.addCleanup(self.dns.close)

    def start(self, database=False, preexec_fn=None, **start):
        """The shop is made with plain addresses; then the daemon starts anew where the world goes
        by names.
        """
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 4, "request_budget": "%dms" % (BUDGET * 1000)},
                "otp": {
                    "provider": "sms",
                    "secret": "x" * 32,
                    "resend_cooldown": "0s",
                    "per_phone": "1000/1h",
                    "per_address": "1000/1h",
                },
            },
        )
        self.me = self.shop.customer()
        d = self.shop.daemon
        self.assertEqual(d.stop(), 0)
        over = {
            "providers": {"sms": {"base_url": "http://sms.bookingd.test:%d" % self.shop.sms.port}}
        }
        if database:
            over["database"] = {
                "url": re.sub(r"host=\S+", "host=db.bookingd.test", self.shop.pg.conninfo)
            }
        d.write_config(over)
        d.start(preexec_fn=preexec_fn or self.dns.namespace, **start)
        return d

    def timed(self, act, limit=BUDGET + LATE):
        began = time.monotonic()
        r = act()
        took = time.monotonic() - began
        self.assertLess(took, limit, r)
        return r, took

    def notification(self, booking):
        (n,) = self.shop.notifications(booking_id=booking.json()["id"])
        return n["status"], n["error_code"]

    def test_silent_from_the_start(self):
        d = self.start()
        bd.wait_until(lambda: self.dns.asked > 0, "a question to the name server")
        worst = 0
        for hour in range(3):
            r, took = self.timed(lambda: self.shop.book(self.me, hour))
            self.assertEqual(r.status, 201, r)
            self.assertEqual(self.notification(r), ("FAILED", "provider_failed"))
            r, took2 = self.timed(
                lambda: self.shop.call("POST", "/v1/otp", {"phone": "+966551110000"})
            )
            self.assertEqual(
                (r.status, r.code, r.json()["outcome"]), (502, "provider_failed", "failed")
            )
            self.assertEqual(d.get("/healthz").status, 200)
            worst = max(worst, took, took2)
        print("provider's name unknown: slowest answer %.0f ms" % (worst * 1e3), flush=True)
        self.assertLess(worst, 0.5 * bd.PATIENCE)  # a worker never waits for a name
        self.dns.answering = True
        bd.wait_until(
            lambda: self.shop.call("POST", "/v1/otp", {"phone": "+966551110001"}).status == 201,
            "the name to be known",
            15,
            0.2,
        )
        r = self.shop.book(self.me, 10)
        self.assertEqual((r.status, self.notification(r)), (201, ("SENT", None)))

    def test_silent_later(self):
        self.dns.answering = True
        d = self.start(database=True)
        r = bd.wait_until(
            lambda: (lambda r: r if r.status == 201 else None)(
                self.shop.call("POST", "/v1/otp", {"phone": "+966551110000"})
            ),
            "sent",
        )
        self.dns.answering = False
        # A new resolver looks everything up at once, and a new worker needs the database's address.
        for role in ("resolver", "worker"):
            old = d.children(role)[0]
            os.kill(old, signal.SIGKILL)
            bd.wait_until(
                lambda: old not in d.children(role) and len(d.children(role)) >= 1,
                "another " + role,
            )
        d.log_contains(r"resolver\.failed.*db\.bookingd\.test", 15)
        worst = 0
        for hour in range(9):
            r, took = self.timed(lambda: self.shop.book(self.me, hour))
            self.assertEqual((r.status, self.notification(r)), (201, ("SENT", None)))
            worst = max(worst, took)
        print("names known, DNS silent: slowest booking %.0f ms" % (worst * 1e3), flush=True)
        self.assertLess(worst, 0.5 * bd.PATIENCE)

    def test_the_database_has_no_address(self):
        d = self.start(database=True, ready=False)
        bd.wait_until(lambda: len([t for t in d.titles().values() if "idle" in t]) == 4, "workers")
        for path, token in (("/v1/venues", None), ("/v1/bookings", self.me)):
            r, _ = self.timed(lambda: self.shop.call("GET", path, token=token), 0.1 + LATE)
            self.assertEqual((r.status, r.code), (503, "database_unavailable"))
            self.assertTrue(r.header("Retry-After"))
        self.assertEqual(d.get("/healthz").status, 200)
        self.assertEqual(d.metric("bookingd_database_up"), 0)
        self.assertNotIn("READY=1", d.notes)
        self.dns.answering = True
        bd.wait_until(lambda: "READY=1" in d.notes, "READY=1 once the name is known", 20)
        bd.wait_until(
            lambda: self.shop.call("GET", "/v1/bookings", token=self.me).status == 200,
            "the database is used",
            5,
        )

    def test_resolv_conf_is_replaced(self):  # S19
        """As a DHCP client does it: a new file, renamed over the old one. The resolver may read
        files by their identity alone, so it makes room for one that may read the new file.
        """
        etc = tempfile.mkdtemp(prefix="bd-etc-", dir="/tmp")
        self.addCleanup(shutil.rmtree, etc)
        os.chmod(etc, 0o755)
        for name in ("passwd", "group", "nsswitch.conf", "hosts", "host.conf", "ld.so.cache"):
            if os.path.exists("/etc/" + name):
                shutil.copy2("/etc/" + name, etc)
        other = NameServer()
        self.addCleanup(other.close)
        other.answering = True

        def name_server(address, path=os.path.join(etc, "resolv.conf")):
            with open(path + ".new", "w") as f:
                f.write("nameserver %s\n" % address)
            os.chmod(path + ".new", 0o644)
            os.replace(path + ".new", path)

        name_server(self.dns.address)  # which says nothing
        d = self.start(preexec_fn=self.dns.namespace_of(etc))
        bd.wait_until(lambda: self.dns.asked > 0, "a question to the first name server")
        (old,) = d.children("resolver")
        restarts = d.metric("bookingd_process_restarts_total", role="resolver", reason="recycle")
        name_server(other.address)
        bd.wait_until(
            lambda: self.shop.call("POST", "/v1/otp", {"phone": "+966551110000"}).status == 201,
            "the name to be known by the second name server",
            30,
            0.2,
        )
        self.assertGreater(other.asked, 0)
        self.assertNotIn(old, d.children("resolver"))
        self.assertTrue(d.log_contains(r"resolver\.outdated.*file=/etc/resolv\.conf", 5))
        self.assertEqual(
            d.metric("bookingd_process_restarts_total", role="resolver", reason="recycle"),
            restarts + 1,
        )
        # What changes in another file of /etc is nobody's business.
        shutil.copy2("/etc/passwd", os.path.join(etc, "passwd.new"))
        os.replace(os.path.join(etc, "passwd.new"), os.path.join(etc, "passwd"))
        asked = other.asked
        d.hup()
        bd.wait_until(lambda: other.asked > asked, "the resolver of the next configuration asks")
        self.assertEqual(self.shop.book(self.me, 3).status, 201)


if __name__ == "__main__":
    bd.main()
