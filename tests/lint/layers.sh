#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# A layer includes itself and lower ones; http, db and ext never include each other; svc never sees
# HTTP. The roles do not include each other (the monitor has the common loop of src/roles); only
# src/main.c sees both cli and master. Only the master forks; only master, confine, roles and cli
# exit (the sandbox is a program of its own).
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
declare -A MAY=(
    [base]="base"
    [sys]="base sys"
    [domain]="base sys domain"
    [http]="base sys domain http"
    [db]="base sys domain db"
    [ext]="base sys domain ext"
    [svc]="base sys domain db ext svc"
    [api]="base sys domain db ext svc http api"
    [ipc]="base sys domain ipc"
    [confine]="base sys domain db confine"
    [dispatcher]="base sys domain http ipc dispatcher"
    [roles]="base sys domain db ext svc http api ipc roles"
    [monitor]="base sys domain db ext svc http api ipc roles monitor"
    [master]="base sys domain db ext ipc confine api dispatcher roles monitor master"
    [cli]="base sys domain db ext svc http api cli"
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
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include "' "src/$layer" "include/$layer" \
        --include='*.[ch]' 2>/dev/null)
done
words() { grep -rnwE "$1" "${@:2}" --include='*.c' |
    grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'; }
for layer in base sys domain http db ext svc api ipc confine dispatcher roles monitor cli; do
    words '(fork|vfork|clone3?|posix_spawn)\(' "src/$layer" |
        sed 's/$/   <- only the master forks/' | grep . && bad=1
done
for layer in base sys domain http db ext svc api ipc dispatcher monitor; do
    words '(exit|_exit|_Exit|quick_exit)\(' "src/$layer" |
        sed 's/$/   <- only master, confine, roles and cli exit/' | grep . && bad=1
done
exit $bad
