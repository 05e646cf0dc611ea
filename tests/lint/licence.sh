#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Each source file names its licence and the copyright holder within its first three lines.
# Migrations that were released without are never changed.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
bad=0
while read -r file; do
    head=$(head -n 3 "$file")
    case $head in
    *"SPDX-License-Identifier: Apache-2.0"*"Copyright the bookingd authors"*) ;;
    *) echo "$file: no licence or no copyright holder in the first three lines"; bad=1 ;;
    esac
done < <(find src include tests etc systemd doc dev configure.ac Makefile.am \
    \( -path '*/corpus' -o -path '*/regressions' -o -path '*/known' -o -path '*/data' -o -name \
        '000[123]_*.sql' \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.def' -o -name '*.sql' -o -name '*.py' -o -name '*.sh' -o -name \
        '*.mk' \
    -o -name '*.am' -o -name '*.ac' -o -name '*.yaml' -o -path 'tests/campaigns/*' -o -path dev \) \
        -print)
exit $bad
