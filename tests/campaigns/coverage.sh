#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Lines of the parsers that the unit tests and the fuzz corpora reach, in a table.
#
# Exit 1 when less than 95 % of a parser's lines are reached. See tests/fuzz/coverage.py.
# packages: check
# shellcheck source=tests/lib/build.sh
. "$(dirname "$0")/../lib/build.sh"
campaign_help "$@"
build build-coverage CC=gcc --enable-coverage
find build-coverage -name '*.gcda' -delete
tests=$(make -s -C build-coverage print-parser-tests)
CK_TIMEOUT_MULTIPLIER=5 check_in build-coverage TESTS="$tests"
tests/fuzz/coverage.py build-coverage
