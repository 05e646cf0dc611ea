#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# run.sh BUILD_DIR SECONDS [TARGET...]: libFuzzer on the named targets, or all, SECONDS each, as many at a time as there are processors.
# run.sh --minimise BUILD_DIR [TARGET...]: makes tests/fuzz/corpus small again.
#
# BUILD_DIR was configured with CC=clang --enable-fuzz. What is found lies in BUILD_DIR/findings; inputs that reach new
# code gather in BUILD_DIR/corpus. A finding gets a name of its own in tests/fuzz/corpus: files whose names are not hashes
# are never taken away.
set -u
here=$(cd "$(dirname "$0")" && pwd)

minimise() {
    local target=$1 kept
    kept=$(mktemp -d) || return 1
    mkdir -p "$build/corpus/$target"
    find "$here/corpus/$target" -type f -regextype egrep ! -regex '.*/[0-9a-f]{40}' -exec cp -t "$kept" {} +
    "$build/tests/fuzz/$target" -set_cover_merge=1 -rss_limit_mb=2048 "$kept" "$here/corpus/$target" "$build/corpus/$target" \
        >"$build/findings/$target.minimise" 2>&1 || { tail -n 20 "$build/findings/$target.minimise"; rm -rf "$kept"; return 1; }
    rm -rf "${here:?}/corpus/$target"
    mkdir "$here/corpus/$target"
    cp "$kept"/* "$here/corpus/$target"
    rm -rf "$kept"
    printf '%-24s %5d files, %d bytes\n' "$target" "$(find "$here/corpus/$target" -type f | wc -l)" \
        "$(find "$here/corpus/$target" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')"
}

# One target for $seconds; its line of the table goes to findings/TARGET.line.
fuzz() {
    local target=$1 log=$build/findings/$1.log found=none dict=()
    mkdir -p "$build/corpus/$target"
    [ -f "$here/$target.dict" ] && dict=("-dict=$here/$target.dict")
    "$build/tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        "${dict[@]}" -artifact_prefix="$build/findings/$target-" "$build/corpus/$target" "$here/corpus/$target" >"$log" 2>&1 ||
        found="FOUND: $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
    printf '%-24s %12s %8s %s\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds" "$found" \
        >"$build/findings/$target.line"
    [ "$found" = none ] || tail -n 40 "$log"
}

small=
[ "${1-}" = --minimise ] && { small=1; shift; }
build=$(cd "${1:?build directory}" && pwd) || exit
shift
[ -n "$small" ] || { seconds=${1:?seconds}; shift; }
mkdir -p "$build/findings"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in "$here"/fuzz_*.c; do
        targets+=("$(basename "$file" .c)")
    done
fi
bad=0
if [ -n "$small" ]; then
    for target in "${targets[@]}"; do minimise "$target" || bad=1; done
    exit $bad
fi
jobs=$(nproc)
for target in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    fuzz "$target" &
done
wait
printf '%-24s %12s %8s %s\n' target executions seconds findings
for target in "${targets[@]}"; do
    cat "$build/findings/$target.line"
    grep -q 'none$' "$build/findings/$target.line" || bad=1
done
exit $bad
