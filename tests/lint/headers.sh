#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Every header compiles alone, and carries the guard that its path says.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
bad=0
flags="$(pkg-config --cflags libpq libcurl jansson yaml-0.1 libssl libcrypto 2>/dev/null)"
for header in include/*/*.h; do
    guard="BOOKINGD_$(printf '%s' "${header#include/}" | tr 'a-z/.' 'A-Z__')"
    grep -q "#ifndef $guard" "$header" || { echo "$header: guard is not $guard"; bad=1; }
    # shellcheck disable=SC2086
    printf '#define _GNU_SOURCE 1\n#include "%s"\n' "${header#include/}" |
        ${CC:-cc} -std=gnu11 -Wall -Wextra -Wno-unused-function -Iinclude $flags -fsyntax-only -x c - ||
        { echo "$header: does not compile alone"; bad=1; }
done
exit $bad
