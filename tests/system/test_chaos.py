# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A smoke of campaigns/chaos.py: each kind of fault once, or one like it, in a fixed order."""
import bd
import chaos
import chaos_faults

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
        self.play("smoke", chaos_faults.sequence("smoke", KINDS), customers=6, staff=1, last=True)


if __name__ == "__main__":
    bd.main()
