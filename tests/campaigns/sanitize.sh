#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Every test under AddressSanitizer and UBSan, or the named system tests (booking, test_slots ...).
#
#   sanitize [TEST...]
#
# Any report of a sanitizer fails its test. `./dev test` runs a part of it.
# packages: test
# shellcheck source=tests/lib/build.sh
. "$(dirname "$0")/../lib/build.sh"
campaign_help "$@"
build build-asan CC=clang --enable-werror --enable-asan --enable-ubsan
if [ $# -gt 0 ]; then
    BOOKINGD_SYSTEM_TESTS="${*#test_}" check_in build-asan TESTS=tests/system/run
else
    check_in build-asan
fi
