#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Reloads under load: by default 200 in 60 seconds.

Clients read (over connections that stay open, and over new ones), sign in through a provider that
takes 30 ms, and some hold an idle connection from beginning to end, while server.workers goes 32,
8, 2, 32 again and again. Every request gets the answer that it should, no connection is reset or
closed, every reload succeeds, and no counter falls.
"""
import argparse
import multiprocessing
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_shop  # noqa: E402

WORKERS = (32, 8, 2, 32)
SECRET = "a-secret-of-at-least-32-bytes-for-tests"
OPTIONS = argparse.Namespace(reloads=200, seconds=60.0, clients=16, idle=50)


def client(number, port, stop, out):
    """One client: (requests, faults) into the queue at its end."""
    c, n, faults, slowest = bd.Client(("127.0.0.1", port)), 0, [], 0.0
    while not stop.is_set():
        begun = time.monotonic()
        try:
            if number in (3, 7):  # as many as max_concurrent
                r, good = c.post("/v1/otp", {"phone": "+96655%07d" % (number * 100000 + n)}), 201
            else:
                r, good = c.get(("/healthz", "/v1/venues")[n % 2]), 200
            if r.status != good or (r.header("Connection") or "") == "close":
                faults.append(("answer", repr(r)))
        except ConnectionResetError as e:
            faults.append(("reset", repr(e)))
            c.close()
        except (OSError, EOFError) as e:
            faults.append(("failed", repr(e)))
            c.close()
        slowest = max(slowest, time.monotonic() - begun)
        n += 1
        if number % 4 == 2:
            c.close()
    c.close()
    out.put((n, faults, slowest))


class Reloads(bd.Case):
    def test_reloads_under_load(self):
        o = OPTIONS
        reply = bd.p_reply(
            201,
            bd_shop.sms_ok,
            delay=0.03,
        )
        sms = self.provider(reply)
        d = self.daemon(
            self.postgres(),
            {
                "server": {
                    "workers": WORKERS[0],
                    "queue": 256,
                    "queue_timeout": "10s",
                    "idle_timeout": "10m",
                },
                "providers": {
                    "sms": {
                        "type": "taqnyat",
                        "base_url": sms.url,
                        "sender": "T",
                        "token": "t",
                        "max_concurrent": 2,
                        "timeout": "5s",
                        "breaker": {"failures": 1000},
                    }
                },
                "otp": {
                    "provider": "sms",
                    "secret": SECRET,
                    "resend_cooldown": "0s",
                    "per_phone": "1000000/1h",
                    "per_address": "1000000/1h",
                    "total": "1000000/1h",
                    "messages": {"en": "{code}", "ar": "{code}"},
                },
            },
        )
        context = multiprocessing.get_context("fork")
        stop, out = context.Event(), context.Queue()
        clients = [
            context.Process(target=client, args=(i, d.port, stop, out), daemon=True)
            for i in range(o.clients)
        ]
        for p in clients:
            p.start()
        idle = [d.client() for _ in range(o.idle)]
        for c in idle:
            self.assertEqual(c.get("/healthz").status, 200)
        took, counted, begun = [], 0, time.monotonic()
        for i in range(o.reloads):
            d.write_config({"server": {"workers": WORKERS[(i + 1) % len(WORKERS)]}})
            one = time.monotonic()
            done = d.run("reload", "--wait")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            took.append(time.monotonic() - one)
            now = d.metric("bookingd_http_requests_total")
            self.assertGreaterEqual(now, counted)
            counted = now
            time.sleep(max(0.0, begun + (i + 1) * o.seconds / o.reloads - time.monotonic()))
        seconds = time.monotonic() - begun
        stop.set()
        requests, faults, slowest = 0, [], 0.0
        for _ in clients:
            n, bad, worst = out.get(timeout=60)
            requests, faults, slowest = requests + n, faults + bad, max(slowest, worst)
        for c in idle:
            self.assertEqual(c.get("/healthz").status, 200)
        took.sort()
        print(
            "%d reloads in %.1f s (median %.0f ms, slowest %.0f ms), %d requests (%.0f a second, "
            "slowest %.2f s): failed %d, resets %d"
            % (
                o.reloads,
                seconds,
                took[len(took) // 2] * 1e3,
                took[-1] * 1e3,
                requests,
                requests / seconds,
                slowest,
                sum(kind != "reset" for kind, _ in faults),
                sum(kind == "reset" for kind, _ in faults),
            ),
            flush=True,
        )
        self.assertEqual(faults[:5], [])
        self.assertFalse("level=error" in d.log())
        self.assertEqual(d.metric("bookingd_process_restarts_total"), 0)
        self.assertEqual(d.stop(), 0)


def main():
    parser = bd_campaign.parser()
    for name, kind in (("reloads", int), ("seconds", float), ("clients", int), ("idle", int)):
        parser.add_argument("--" + name, type=kind, default=getattr(OPTIONS, name))
    bd_campaign.options(parser, OPTIONS)
    tests = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    bd_campaign.run(tests, verbosity=2)


if __name__ == "__main__":
    main()
