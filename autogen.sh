#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Makes ./configure from configure.ac; needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
mkdir -p m4
autoreconf --install --force --warnings=all,no-portability
