# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A sample of campaigns/fault_injection.py.

A few of every kind of failing call, and of the places where a worker is killed.
"""
import os
import shutil
import unittest

import bd
import fault_inject
import fault_injection


@unittest.skipIf(fault_inject.SANITIZED, "a build with sanitizers has an allocator of its own")
class Sample(fault_injection.FaultInjection):
    options = fault_injection.Options(
        seconds=2.5,
        seed=os.getpid(),
        lanes=1,
        ops=["sign-in", "booking", "payment"],
        tls=False,
        wait=False,
        whats=["alloc", "all", "sendto", "recvfrom", "kill"],
    )

    # It takes as long as a claim for each death in a call; test_courier.py has one.
    test_courier_killed_at_every_call = None

    def test_killed_at_every_call(self):
        super().test_killed_at_every_call()
        self.assertGreater(self.coverage.rows["kill", "booking"][1], 0)


@unittest.skipIf(fault_inject.SANITIZED, "a build with sanitizers has an allocator of its own")
@unittest.skipUnless(shutil.which("openssl"), "no openssl(1)")
class Tickets(bd.Case):
    """TLS sessions arrive with the answer of a provider, near the end of a booking.

    libcurl before 8.8.0 cannot keep them without memory.
    """

    def test_memory_runs_out_as_a_session_arrives(self):
        coverage = fault_injection.Coverage()
        fault_injection.inject_faults(
            self,
            fault_injection.Options(
                lanes=1, ops=["booking"], whats=["alloc"], tls=True, wait=False, last=64
            ),
            coverage,
            tls=True,
        )
        self.assertEqual(coverage.findings, [])
        self.assertGreater(coverage.rows["alloc", "booking over TLS"][1], 50)


del fault_injection.FaultInjection

if __name__ == "__main__":
    bd.main()
