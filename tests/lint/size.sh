#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# House limits: functions of at most 100 lines and 92 in 100 of them at most 60; files at most 600 lines; no goto but to `out`.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
bad=0
over=0 all=0
for file in src/*.c src/*/*.c; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || { echo "$file: $lines lines"; bad=1; }
    grep -nE '\bgoto +[a-z_]+' "$file" | grep -v 'goto out;' | sed "s|^|$file:|" | grep . && bad=1
    while read -r n at; do
        all=$((all + 1))
        [ "$n" -le 60 ] || over=$((over + 1))
        [ "$n" -le 100 ] || { echo "$file:$at: function of $n lines"; bad=1; }
    done < <(awk '/^\{/ { start = FNR } /^\}/ && start { print FNR - start - 1, start; start = 0 }' "$file")
done
[ $((over * 100)) -le $((all * 8)) ] || { echo "$over of $all functions are over 60 lines"; bad=1; }
exit $bad
