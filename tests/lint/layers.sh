#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# A layer includes itself and lower ones; http, db and ext never include each other; svc never sees HTTP.
# Only proc forks; only proc and cli exit (the sandbox is a program of its own).
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
declare -A MAY=(
    [base]="base"
    [sys]="base sys"
    [domain]="base sys domain"
    [http]="base http"
    [db]="base sys domain db"
    [ext]="base sys domain ext"
    [svc]="base sys domain db ext svc"
    [api]="base sys domain db ext svc http api"
    [proc]="base sys domain db ext svc http api proc cli"
    [cli]="base sys domain db ext svc http api proc cli"
)
bad=0
for layer in "${!MAY[@]}"; do
    while IFS=: read -r file line include; do
        target=$(printf '%s' "$include" | sed -n 's|.*"\([a-z]*\)/.*|\1|p')
        [ -n "$target" ] || continue
        case " ${MAY[$layer]} " in
        *" $target "*) ;;
        *) echo "$file:$line: layer $layer may not include $target/"; bad=1 ;;
        esac
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include "' "src/$layer" "include/$layer" --include='*.[ch]' 2>/dev/null)
done
words() { grep -rnwE "$1" "${@:2}" --include='*.c' | grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'; }
for layer in base sys domain http db ext svc api cli; do
    words '(fork|vfork|clone3?|posix_spawn)\(' "src/$layer" | sed 's/$/   <- only proc forks/' | grep . && bad=1
done
for layer in base sys domain http db ext svc api; do
    words '(exit|_exit|_Exit|quick_exit)\(' "src/$layer" | sed 's/$/   <- only proc and cli exit/' | grep . && bad=1
done
exit $bad
