# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The scenarios of campaigns/load.py that tell something within seconds on a busy machine."""
import unittest

import bd
import load

load.OPTIONS.short = True
NAMES = ("test_held", "test_overload_long_queue", "test_term", "test_kills")


class Short(load.Scenarios):
    def setUp(self):
        super().setUp()
        load.RESULTS.clear()

    def tearDown(self):
        self.assertTrue(load.RESULTS and all(load.RESULTS), "the figures above")


def load_tests(loader, tests, pattern):
    return unittest.TestSuite(map(Short, NAMES))


if __name__ == "__main__":
    bd.main()
