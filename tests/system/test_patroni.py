# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The failovers of campaigns/patroni.py. They take minutes, so `./dev campaign patroni` runs them;
here they run when BOOKINGD_PATRONI is set."""
import os
import unittest

import bd

if os.environ.get("BOOKINGD_PATRONI"):
    from patroni import Patroni  # noqa: F401
else:

    class Patroni(bd.Case):  # noqa: F811
        @unittest.skip("minutes: ./dev campaign patroni, or BOOKINGD_PATRONI=1")
        def test_failovers(self):
            """See the campaign."""


if __name__ == "__main__":
    bd.main()
