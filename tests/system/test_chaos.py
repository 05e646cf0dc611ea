# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A smoke of chaos.py: each kind of strike once, or one of its like, in an order of its own; `./dev chaos --minutes N` is the whole."""
import bd
import chaos
import chaos_strikes

KINDS = (
    "workers",
    "sessions ended",
    "worker in a call",
    "backend killed",
    "keeper",
    "dispatcher",
    "gateway",
    "failover",
    "sms",
    "worker",
    "monitor",
    "restart fast",
)


class Smoke(chaos.Campaign):
    def test_smoke(self):
        self.play("smoke", chaos_strikes.sequence("smoke", KINDS), customers=6, staff=1, last=True)


if __name__ == "__main__":
    bd.main()
