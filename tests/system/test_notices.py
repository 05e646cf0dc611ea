# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A small part of notices.py; `./dev ledger` is the whole."""
import argparse

import bd
import notices


class Small(notices.Fire):
    def test_small(self):
        self.play(argparse.Namespace(notices=300, kills=5, seed="1", clients=8, workers=10))


if __name__ == "__main__":
    bd.main()
