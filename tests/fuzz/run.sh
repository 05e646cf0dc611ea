#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# run.sh BUILD_DIR SECONDS [TARGET...]: libFuzzer on the named targets, or all, SECONDS each; as
# many run at the same time as there are processors.
# run.sh --minimise BUILD_DIR [TARGET...]: writes the archives of tests/fuzz/corpus anew, with as
# few inputs as reach the same code.
#
# BUILD_DIR was configured with CC=clang --enable-fuzz. What is found lies in BUILD_DIR/findings;
# inputs that reach new code gather in BUILD_DIR/corpus. Each target has one archive of inputs,
# tests/fuzz/corpus/TARGET.tar, unpacked into BUILD_DIR/seeds. A finding becomes a file with a name
# that says what was wrong in tests/fuzz/regressions/TARGET: those files are never taken away.
set -u
here=$(cd "$(dirname "$0")" && pwd)

# Unpacks a target's archive; sets $inputs to the directories that libFuzzer reads.
unpack() {
    local target=$1
    rm -rf "$build/seeds/$target"
    mkdir -p "$build/corpus/$target" "$build/seeds/$target"
    if [ -f "$here/corpus/$target.tar" ]; then
        tar -xf "$here/corpus/$target.tar" -C "$build/seeds/$target" || return
    fi
    inputs=("$build/corpus/$target" "$build/seeds/$target")
    [ ! -d "$here/regressions/$target" ] || inputs+=("$here/regressions/$target")
}

# pack DIR ARCHIVE: the same files give the same bytes.
pack() {
    (cd "$1" && find . -type f -printf '%P\n' | LC_ALL=C sort |
        tar --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 \
            --no-recursion -cf - -T -) >"$2"
}

minimise() {
    local target=$1 kept file inputs log=$build/findings/$1.minimise
    kept=$(mktemp -d) || return
    unpack "$target" || return
    # what the regressions reach need not be reached by the archive once more
    [ ! -d "$here/regressions/$target" ] || cp -t "$kept" "$here/regressions/$target"/*
    "$build/tests/fuzz/$target" -set_cover_merge=1 -rss_limit_mb=2048 "$kept" "${inputs[@]}" \
        >"$log" 2>&1 || { tail -n 20 "$log"; rm -rf "$kept"; return 1; }
    for file in "$here/regressions/$target"/*; do
        rm -f "$kept/${file##*/}"
    done
    pack "$kept" "$here/corpus/$target.tar"
    printf '%-24s %5d files, %d bytes\n' "$target" "$(find "$kept" -type f | wc -l)" \
        "$(find "$kept" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')"
    rm -rf "$kept"
}

# One target for $seconds; its line of the table goes to findings/TARGET.line.
fuzz() {
    local target=$1 log=$build/findings/$1.log found=none dict=() inputs executed
    unpack "$target" || return
    [ -f "$here/$target.dict" ] && dict=("-dict=$here/$target.dict")
    "$build/tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 "${dict[@]}" -artifact_prefix="$build/findings/$target-" \
        "${inputs[@]}" >"$log" 2>&1 ||
        found="FOUND: $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-24s %12s %8s %s\n' "$target" "$executed" "$seconds" "$found" \
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
