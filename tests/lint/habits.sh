#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# No promise left in the tree, and no way round the typed interfaces.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
bad=0
look() { # what the rule says, pattern, where...
    local hits
    hits=$(grep -rnE "$2" "${@:3}" --include='*.[ch]' | grep -v 'lint-allow') || return
    printf '%s\n%s\n' "$1:" "$hits"
    bad=1
}
look "promises" '\b(TODO|FIXME|XXX|HACK)\b' src include tests
look "randomness is base/rng's" '\b(s?rand|s?random|drand48|arc4random)\(' src
look "unbounded or locale-bound C" \
    '\b(gets|strcpy|strcat|sprintf|vsprintf|strtok|sscanf)\(' src
look "unbounded or locale-bound C" \
    '\b(ato[ilf]|gmtime|localtime|ctime|asctime)\(' src
look "secrets are compared by digest_equal" \
    '\b(memcmp|strcmp|strncmp)\([^;]*(secret|token|code_mac|password|api_key)' src
look "SQL is never formatted" \
    '(sb_printf|arena_printf|snprintf)\([^;]*"(SELECT|INSERT|UPDATE|DELETE) ' src/svc src/api \
        src/cli
look "blocking libpq" \
    '\b(PQexec|PQexecParams|PQexecPrepared|PQconnectdb|PQcancel|PQreset|PQputCopyEnd)\(' src
exit $bad
