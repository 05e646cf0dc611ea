#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# C is as clang-format 14 leaves it, Python as black does; flake8 has nothing to say. Arguments:
# what to look at (c, python) instead of both. Skipped where a tool is missing or of another
# version; with BOOKINGD_LINT_COMPLETE (./dev test) that is a failure.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
bad=0 skipped=0
[ $# -gt 0 ] || set -- c python
skip() {
    echo "skipped: $*"
    skipped=1
}
for what in "$@"; do
    case $what in
    c)
        format=$(command -v clang-format-14 || command -v clang-format)
        case $("${format:-false}" --version 2>/dev/null) in
        *"version 14."*)
            find src include tests -name '*.[ch]' -print0 |
                xargs -0 -n 40 -P "$(nproc)" "$format" --dry-run -Werror || bad=1 ;;
        *) skip "clang-format 14 is not here" ;;
        esac ;;
    python)
        mapfile -t scripts < <(grep -rlE '^#!.*python3' tests/campaigns tests/system/run \
            2>/dev/null)
        mapfile -t -O ${#scripts[@]} scripts < <(find src tests doc -name '*.py')
        if command -v black >/dev/null; then
            black --quiet --check -l 100 "${scripts[@]}" ||
                { black --check -l 100 "${scripts[@]}"; bad=1; }
        else
            skip "black is not here"
        fi
        if command -v flake8 >/dev/null; then
            # E501: tests/lint/width.py counts columns and has the list of known exceptions
            flake8 --max-line-length 100 --extend-ignore=E203,W503,E501 "${scripts[@]}" || bad=1
        else
            skip "flake8 is not here"
        fi ;;
    esac
done
[ $bad = 0 ] || exit 1
[ $skipped = 0 ] || [ -z "${BOOKINGD_LINT_COMPLETE-}" ] || exit 1
[ $skipped = 0 ] || exit 77
