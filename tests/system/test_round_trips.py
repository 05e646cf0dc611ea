# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""How often a request waits for the database, counted on the wire between a worker and PostgreSQL,
before and after the provider's call.
"""
import contextlib
import re
import socket
import threading
import uuid

import bd
import bd_shop


class Wire:
    """Stands before PostgreSQL. A round trip: bytes towards the server after bytes from it."""

    def __init__(self, port):
        self.port, self.trips, self.closing = port, 0, False
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.lock = threading.Lock()
        self.start(self.accept)

    def start(self, *what):
        threading.Thread(target=what[0], args=what[1:], daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.sock.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            turn = {"asking": False}
            self.start(self.pump, client, server, True, turn)
            self.start(self.pump, server, client, False, turn)

    def pump(self, source, sink, asking, turn):
        with source, contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                with self.lock:
                    self.trips += asking and not turn["asking"]
                    turn["asking"] = asking
                sink.sendall(data)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class RoundTrips(bd.Case):
    def setUp(self):
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 1},
                "otp": {"provider": "sms", "secret": "x" * 32, "resend_cooldown": "0s"},
            },
        )
        # The shop is set up; a fresh daemon behind the wire serves the rest, with nothing prepared
        # yet.
        conninfo = self.shop.pg.conninfo
        self.wire = Wire(int(re.search(r"\bport=(\d+)", conninfo).group(1)))
        self.addCleanup(self.wire.close)
        self.assertEqual(self.shop.daemon.stop(), 0)
        self.shop.daemon.write_config(
            {
                "monitor": {"poll_interval": "5m"},
                "database": {
                    "url": re.sub(
                        r"host=\S+ port=\d+",
                        "host=127.0.0.1 port=%d" % self.wire.sock.getsockname()[1],
                        conninfo,
                    )
                },
            }
        )
        self.shop.daemon.start()
        self.quiet()
        self.at_call = []

        def reply(request):
            self.at_call.append(self.wire.trips)
            return bd_shop.sms_ok(request)

        self.shop.sms.default = bd.p_reply(201, reply)

    def quiet(self):
        """Keeper and monitor have had their first looks: nobody else is on the wire for a while."""
        seen = []

        def still():
            seen.append(self.wire.trips)
            return len(seen) > 20 and len(set(seen[-20:])) == 1

        bd.wait_until(still, "a quiet wire", 20, 0.02)

    def count(self, act):
        """(answer, round trips before the provider's call or None, after it, the access record's
        count)
        """
        for _ in range(5):
            self.quiet()
            self.at_call.clear()
            before = self.wire.trips
            r = act()
            line = self.shop.daemon.log_contains(
                r"request_id=%s .*db_round_trips=(\d+)" % re.escape(r.header("X-Request-Id")), 5
            )
            total, told = self.wire.trips - before, int(line.group(1))
            if total == told:
                break  # else the keeper was at work in between: again
        self.assertEqual(total, told)
        if not self.at_call:
            return r, None, total
        return r, self.at_call[0] - before, before + total - self.at_call[0]

    def test_booking_and_reading(self):
        me = self.shop.customer()
        hours = iter(range(100))
        agent = self.shop.key("desk", "agent")

        def book(**more):
            return self.count(lambda: self.shop.book(me, next(hours), **more))

        for kind, more in (
            ("the first of a worker", {}),
            ("the next", {}),
            ("a note", {"note": "x"}),
        ):
            r, before, after = book(**more)
            self.assertEqual(r.status, 201, r)
            print(
                "POST /v1/bookings, %s: %s before the notification, %s after"
                % (kind, before, after),
                flush=True,
            )
            self.assertLessEqual(before, 3, kind)
            self.assertLessEqual(after, 1, kind)
        booking = r.json()
        r, before, after = self.count(
            lambda: self.shop.book(me, next(hours), headers={"Idempotency_Key": str(uuid.uuid4())})
        )
        self.assertEqual((r.status, before <= 3, after <= 1), (201, True, True), (r, before, after))
        r, before, after = self.count(
            lambda: self.shop.call(
                "POST",
                "/v1/staff/venues/%s/bookings" % self.shop.venue,
                {
                    "phone": "+966551234599",
                    "service_id": self.shop.service,
                    "starts_at": self.shop.at(next(hours)),
                },
                agent,
            )
        )
        self.assertEqual((r.status, before <= 3, after <= 1), (201, True, True), (r, before, after))
        for path, token in (
            ("/v1/bookings/" + booking["id"], me),
            ("/v1/me", me),
            ("/v1/staff/bookings/" + booking["id"], agent),
        ):
            for _ in range(2):
                r, before, trips = self.count(lambda: self.shop.call("GET", path, token=token))
                self.assertEqual((r.status, before), (200, None), r)
                print("GET %s: %d" % (re.sub(r"[0-9a-f-]{36}", "ID", path), trips), flush=True)
                self.assertLessEqual(trips, 1, path)


if __name__ == "__main__":
    bd.main()
