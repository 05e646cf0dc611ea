#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# The system tests, or the named ones, with every process of the daemon under valgrind's memcheck.
#
#   valgrind [TEST...]
#
# Waits and the figures that tests hold are stretched (BOOKINGD_TEST_PATIENCE). Any report fails its
# file. What cannot run under valgrind is listed in tests/lib/valgrind-left-out, with the reasons.
# The build is without hardening: a fortified memmove(3) has the same address as memcpy(3), whose
# overlaps memcheck reports.
# packages: valgrind openssl
# shellcheck source=tests/lib/build.sh
. "$(dirname "$0")/../lib/build.sh"
campaign_help "$@"
build build-valgrind CC=gcc --enable-valgrind --disable-hardening CFLAGS="-O1 -g"
BOOKINGD_SYSTEM_TESTS="${*#test_}" BOOKINGD_TEST_PATIENCE=20 \
    BOOKINGD_PLAIN_BIN=$TOP/build-valgrind/bookingd BOOKINGD_BIN=$TOP/tests/lib/under-valgrind \
    BOOKINGD_SANDBOX_BIN=$TOP/build-valgrind/bookingd-sandbox tests/system/run
