#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Every header compiles alone, and carries the guard that its path below include/ or src/ says. A
# header in src/ is private: only files of its own folder, and the tests, include it.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
build=${builddir:-build}
flags="$(pkg-config --cflags libpq libcurl jansson yaml-0.1 libssl libcrypto 2>/dev/null)"

judge() { # header
    local header=$1 path=${1#include/} guard
    path=${path#src/}
    guard="BOOKINGD_$(printf '%s' "$path" | tr 'a-z/.' 'A-Z__')"
    grep -q "#ifndef $guard\$" "$header" ||
        printf '%s\t%s: guard is not %s\n' "${header##*/}" "$header" "$guard"
    # shellcheck disable=SC2086
    printf '#define _GNU_SOURCE 1\n#include "%s"\n' "$header" |
        ${CC:-cc} -std=gnu11 -Wall -Wextra -Wno-unused-function -I. -Iinclude \
            -I"$(dirname "$header")" -I"$build" \
            $flags -fsyntax-only -x c - ||
        printf '%s\t%s: does not compile alone\n' "${header##*/}" "$header"
}

for header in include/*/*.h src/*/*.h; do
    judge "$header"
done | python3 tests/lint/known.py headers
