#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# systemd has nothing to say against the units, and the service's exposure stays low (1.1 or less;
# about the least for a daemon that talks to the network).
set -u
command -v systemd-analyze >/dev/null || { echo "no systemd-analyze"; exit 77; }
src=${srcdir:-$(dirname "$0")/../..}
build=${builddir:-$src/build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# The binary is not installed yet: the one that was built stands in for it.
sed -E "s|^(Exec[A-Za-z]+=)[^ ]*/bookingd |\\1$build/bookingd |" "$build/systemd/bookingd.service" \
    >"$dir/bookingd.service" || exit 1
cp "$src/systemd/bookingd.socket" "$dir/" || exit 1
bad=0
said=$(systemd-analyze verify --man=no "$dir/bookingd.service" "$dir/bookingd.socket" 2>&1) || bad=1
# Only what concerns our units: the machine's own may have faults of their own.
said=$(printf '%s\n' "$said" | grep -F bookingd)
[ -z "$said" ] || { printf '%s\n' "$said"; bad=1; }
systemd-analyze security --offline=true --threshold=11 --no-pager "$dir/bookingd.service" \
    >"$dir/out" 2>&1 || { cat "$dir/out"; bad=1; }
tail -n 1 "$dir/out"
# Each point that is left is explained, with its number.
# shellcheck disable=SC2016  # the backquotes are the page's, for Python
systemd-analyze security --offline=true --json=short --no-pager "$dir/bookingd.service" |
    python3 -c '
import json, sys
page, bad = open(sys.argv[1]).read(), 0
for point in json.load(sys.stdin):
    row = "* `%s` (%s):" % (point["name"], point["exposure"])
    if float(point.get("exposure") or 0) > 0 and row not in page:
        print("doc/SYSTEMD.md does not explain %s (%s)" % (point["name"], point["exposure"]))
        bad = 1
sys.exit(bad)' "$src/doc/SYSTEMD.md" || bad=1
exit $bad
