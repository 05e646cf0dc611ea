#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# doc/METRICS.md is what the tables say: `make doc` writes it anew.
set -u
root=${srcdir:-$(dirname "$0")/../..}
./src/domain/mkmetrics | diff -u "$root/doc/METRICS.md" - && exit 0
echo "doc/METRICS.md is stale: make doc"
exit 1
