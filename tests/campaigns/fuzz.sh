#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# libFuzzer on every parser, or on the named targets, under AddressSanitizer and UBSan.
#
#   fuzz [--minutes N | --seconds N] [TARGET...]   so long for each target; 10 minutes by default
#   fuzz --minimise [TARGET...]                    writes tests/fuzz/corpus anew, with as few inputs
#                                                  as reach the same code
#
# Exit 1 when something was found; it lies in build-fuzz/findings. See tests/fuzz/run.sh.
# packages: clang libclang-rt-14-dev
# shellcheck source=tests/lib/build.sh
. "$(dirname "$0")/../lib/build.sh"
campaign_help "$@"
seconds=600 minimise=
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) seconds=$((${2:?minutes} * 60)); shift 2 ;;
    --seconds) seconds=${2:?seconds}; shift 2 ;;
    --minimise) minimise=1; shift ;;
    *) break ;;
    esac
done
build build-fuzz CC=clang --enable-fuzz
if [ -n "$minimise" ]; then
    tests/fuzz/run.sh --minimise build-fuzz "$@"
else
    tests/fuzz/run.sh build-fuzz "$seconds" "$@"
fi
