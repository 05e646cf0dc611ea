# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A part of the matrix of campaigns/faults.py, half a minute long at most."""
import threading

import bd
import faults

HERE = (
    "none",
    "refused",
    "accepted, silent",
    "certificate untrusted",
    "no TLS spoken",
    "hang in the body",
    "reset",
    "body cut off",
    "garbage in a 200",
    "huge",
    "400",
    "429",
    "500",
)
faults.LATE = 0.1 * bd.PATIENCE


class Part(faults.Matrix):
    faults = [f for f in faults.FAULTS if f.name in HERE]


class Share(bd.Case):
    def test_all_providers_together_leave_a_worker_in_eight(self):
        """Each has room for six of the eight workers: seven are inside calls, and the last one
        serves whoever needs no provider.
        """
        w = faults.World(
            self,
            "http",
            10.0,
            providers={n: {"timeout": "4s"} for n in ("otp", "notification", "moyasar")},
        )
        create = faults.Create(w)
        booked = []
        for _ in range(6):
            create.prepare()
            booked.append((create.booking, create.me))
        for front in (w.otp_front, w.pay_front):
            front.spoil(".", bd.p_hang())
        answers, refused = [], threading.Event()

        def ask(act):
            r = act()
            answers.append((r.status, r.code))
            if r.code == "provider_unavailable":
                refused.set()

        acts = [
            lambda n=n: w.shop.call("POST", "/v1/otp", {"phone": "+9665520%05d" % n})
            for n in range(6)
        ]
        acts += [
            lambda b=b, me=me: w.shop.call(
                "POST", "/v1/bookings/%s/payments" % b, {"return_url": "https://book.example/"}, me
            )
            for b, me in booked
        ]
        threads = [threading.Thread(target=ask, args=(act,)) for act in acts]
        for t in threads:
            t.start()

        def in_flight():
            return w.shop.daemon.metric("bookingd_provider_in_flight")

        bd.wait_until(
            lambda: in_flight() == 7 and refused.is_set() and len(answers) >= 5,
            "seven of eight inside",
            3,
        )
        for _ in range(5):
            self.assertEqual(
                w.shop.call("GET", "/v1/services/%s/slots" % w.shop.service).status, 200
            )
        self.assertEqual(w.shop.book(w.shop.customer("+966559999999"), 5).status, 201)
        self.assertEqual(in_flight(), 7)  # all of that while they hang
        for t in threads:
            t.join()
        self.assertEqual(
            sorted(answers), [(503, "provider_unavailable")] * 5 + [(504, "provider_timeout")] * 7
        )
        bd.wait_until(lambda: in_flight() == 0, "nobody inside")


del faults.Matrix

if __name__ == "__main__":
    bd.main()
