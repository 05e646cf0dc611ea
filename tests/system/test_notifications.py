# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A small part of campaigns/notifications.py."""
import argparse

import bd
import notifications


class Small(notifications.Fire):
    def test_small(self):
        self.play(argparse.Namespace(notifications=300, kills=5, seed="1", clients=8, workers=10))


if __name__ == "__main__":
    bd.main()
