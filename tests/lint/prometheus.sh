#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# The alert rules are lint-free, their unit tests pass, every alert has one, and every metric they
# name exists.
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
command -v promtool >/dev/null || { echo "skipped: promtool is not installed"; exit 77; }
bad=0
rules=etc/prometheus/bookingd.rules.yml
tests=etc/prometheus/bookingd.rules.test.yml
promtool check rules --lint=all --lint-fatal "$rules" || bad=1
promtool test rules "$tests" || bad=1
promtool check config etc/prometheus/prometheus.yml || bad=1
while read -r alert; do
    # an alert with only quiet tests could never fire and nobody would know
    awk -v a="$alert" \
        '$0 ~ "alertname: " a "$" { seen = 1; next } seen && /exp_alerts:/ { ok = 1 }
         { seen = 0 } END { exit !ok }' "$tests" ||
        { echo "$alert: no test makes it fire"; bad=1; }
done < <(sed -n 's/^ *- alert: *//p' "$rules")
# Each alert leads to its section of the runbook, and no section is left over.
while read -r alert; do
    grep -qx "## $alert" doc/RUNBOOK.md || { echo "$alert: no section in doc/RUNBOOK.md"; bad=1; }
    anchor=$(printf '%s' "$alert" | tr '[:upper:]' '[:lower:]')
    grep -qE "runbook_url: doc/RUNBOOK[.]md#$anchor\$" "$rules" ||
        { echo "$alert: no runbook_url"; bad=1; }
done < <(sed -n 's/^ *- alert: *//p' "$rules")
while read -r section; do
    grep -qE "alert: $section\$" "$rules" || { echo "doc/RUNBOOK.md: no alert $section"; bad=1; }
done < <(sed -n 's/^## //p' doc/RUNBOOK.md)
[ "$(grep -c '^\* \*\*Do:' doc/RUNBOOK.md)" = "$(grep -c '^## ' doc/RUNBOOK.md)" ] ||
    { echo "doc/RUNBOOK.md: a section without Do"; bad=1; }
while read -r metric; do
    grep -qF "\"$metric\"" include/domain/metrics.def || { echo "$metric: no such metric"; bad=1; }
done < <(grep -ohE '\bbookingd_[a-z_]+' "$rules" | grep -vE '^bookingd_http_errors$' |
    sed -E 's/_(bucket|sum|count)$//' | sort -u)
exit $bad
