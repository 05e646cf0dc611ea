#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Each alert rule is a condition of the same severity, and each condition an alert rule: who has
no Prometheus is told the same.
"""
import os
import re
import sys

TOP = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
# What the monitor cannot say about itself: when it is gone nobody evaluates anything.
ONLY_PROMETHEUS = {"BookingdDown", "BookingdMetricsAbsent"}


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def main():
    rules = dict(
        re.findall(
            r"- alert: (\w+)\n(?:.*\n)*?.*severity: (\w+)\}?",
            read("etc/prometheus/bookingd.rules.yml"),
        )
    )
    text = read("include/domain/conditions.def")
    conditions = {
        name: severity.lower()
        for name, severity in re.findall(r'^CONDITION\(\s*\w+,\s*"(\w+)",\s*(\w+)', text, re.M)
    }
    faults = []
    for name in sorted(set(rules) - set(conditions) - ONLY_PROMETHEUS):
        faults.append("%s: an alert rule without a row in conditions.def" % name)
    for name in sorted(set(conditions) - set(rules)):
        faults.append("%s: a condition without an alert rule" % name)
    for name in sorted(set(conditions) & set(rules)):
        if conditions[name] != rules[name]:
            faults.append("%s: condition is %s, rule is %s" % (name, conditions[name], rules[name]))
    print("\n".join(faults) or "%d conditions" % len(conditions))
    return 1 if faults or not conditions else 0


sys.exit(main())
