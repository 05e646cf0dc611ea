#!/usr/bin/env bash
# run.sh BUILD_DIR SECONDS [TARGET...]: libFuzzer on the named targets, or all, which share the seconds.
# BUILD_DIR was configured with CC=clang --enable-fuzz. What is found lies in BUILD_DIR/findings; inputs that reach new
# code gather in BUILD_DIR/corpus, and belong into tests/fuzz/corpus once a change of the code needs them.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?build directory}" && pwd)
seconds=${2:?seconds}
shift 2
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in "$here"/fuzz_*.c; do
        targets+=("$(basename "$file" .c)")
    done
fi
each=$((seconds / ${#targets[@]}))
[ "$each" -ge 1 ] || each=1
mkdir -p "$build/findings"
bad=0
for target in "${targets[@]}"; do
    mkdir -p "$build/corpus/$target"
    dict=()
    [ -f "$here/$target.dict" ] && dict=("-dict=$here/$target.dict")
    if "$build/tests/fuzz/$target" -max_total_time="$each" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
        "${dict[@]}" -artifact_prefix="$build/findings/$target-" "$build/corpus/$target" "$here/corpus/$target" \
        >"$build/findings/$target.log" 2>&1; then
        printf '%s: %s executions in %s s, no finding\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/findings/$target.log")" "$each"
    else
        bad=1
        tail -n 40 "$build/findings/$target.log"
        printf '%s: FINDING, see %s\n' "$target" "$build/findings"
    fi
done
exit $bad
