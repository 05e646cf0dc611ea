#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# The manual pages are without fault. References to pages that this machine does not have are not
# their fault.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
command -v mandoc >/dev/null || { echo "mandoc is not installed"; exit 77; }
mandoc -T lint doc/*.[158] 2>&1 |
    grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' && exit 1
exit 0
