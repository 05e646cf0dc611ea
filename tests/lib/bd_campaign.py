# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What the programs in tests/campaigns share: options, --help with the packages needed, a run.

A campaign drives the real daemon for minutes; a short part of most is in tests/system. Its first
lines name the Debian packages that it needs beyond those of a build ("# packages: ...").
"""
import argparse
import os
import re
import sys
import unittest

import bd_shop

HERE = os.path.dirname(os.path.abspath(__file__))


def packages(path):
    with open(path, encoding="utf-8") as f:
        found = re.search(r"^# packages: *(.*)$", f.read(1000), re.M)
    return found.group(1).strip() if found else ""


def parser():
    """Of the campaign that was started; its docstring is the help."""
    campaign = sys.modules["__main__"]
    path = os.path.abspath(campaign.__file__)
    name = os.path.splitext(os.path.basename(path))[0]
    return argparse.ArgumentParser(
        prog="./dev campaign " + name,
        description=campaign.__doc__,
        epilog="Debian packages beyond those of a build and of PostgreSQL: %s."
        % (packages(path) or "none"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_delivery(given):
    given.add_argument(
        "--delivery",
        choices=("inline", "deferred"),
        help="of notifications: inside requests (the default), or by couriers",
    )


def options(given, namespace=None):
    """Parses the command line; then goes on with a throwaway PostgreSQL, if there is none yet."""
    parsed = given.parse_args(namespace=namespace)
    bd_shop.DELIVERY = getattr(parsed, "delivery", None)
    if "BOOKINGD_TEST_PG" not in os.environ:
        with_pg = os.path.join(HERE, "with-pg")
        os.execv(with_pg, [with_pg, sys.executable, *sys.argv])
    return parsed


def suite(*cases):
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    return unittest.TestSuite([load(case) for case in cases])


def run(tests, verbosity=1, judge=lambda: True):
    """Runs a suite or one class of tests; exits 0 when all passed and the judge agrees."""
    tests = tests if isinstance(tests, unittest.TestSuite) else suite(tests)
    result = unittest.TextTestRunner(verbosity=verbosity).run(tests)
    sys.exit(0 if result.wasSuccessful() and judge() else 1)
