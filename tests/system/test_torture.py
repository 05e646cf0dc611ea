# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A sample of tests/torture: a few of every kind of failing call, and of the places where a worker is killed. `./dev torture` does them all."""
import os
import shutil
import sys
import unittest

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "torture")
)
import bd  # noqa: E402
import strike  # noqa: E402
import torture  # noqa: E402


@unittest.skipIf(strike.SANITIZED, "a build with sanitizers has an allocator of its own")
class Sample(torture.Torture):
    options = torture.Options(
        seconds=2.5,
        seed=os.getpid(),
        lanes=1,
        ops=["sign-in", "booking", "payment"],
        tls=False,
        wait=False,
        whats=["alloc", "all", "sendto", "recvfrom", "kill"],
    )

    def test_killed_at_every_call(self):
        super().test_killed_at_every_call()
        self.assertGreater(self.coverage.rows["kill", "booking"][1], 0)


@unittest.skipIf(strike.SANITIZED, "a build with sanitizers has an allocator of its own")
@unittest.skipUnless(shutil.which("openssl"), "no openssl(1)")
class Tickets(bd.Case):
    """TLS sessions arrive with the answer of a provider, near the end of a booking. libcurl before 8.8.0 cannot keep them without memory."""

    def test_memory_runs_out_as_a_session_arrives(self):
        coverage = torture.Coverage()
        torture.torture(
            self,
            torture.Options(
                lanes=1, ops=["booking"], whats=["alloc"], tls=True, wait=False, last=64
            ),
            coverage,
            tls=True,
        )
        self.assertEqual(coverage.findings, [])
        self.assertGreater(coverage.rows["alloc", "booking over TLS"][1], 50)


del torture.Torture

if __name__ == "__main__":
    bd.main()
