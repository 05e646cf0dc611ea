#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The dashboard in etc/grafana names metrics and labels that exist, and is fit to be read.

Each panel has a description and a unit; counters are shown as rates; data source, job and instance
are variables.
"""
import json
import os
import re
import sys

TOP = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
OWN = {"le", "job", "instance"}  # of Prometheus itself


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def metrics():
    """{name: (kind, labels)}, from the generated reference."""
    found = {}
    for part in re.split(r"(?m)^### ", read("doc/METRICS.md"))[1:]:
        name = part.split("\n", 1)[0]
        kind = re.search(r"(?m)^\* (counter|gauge|histogram)", part).group(1)
        labels = set(re.findall(r"(?m)^\* label `(\w+)`", part))
        for line in re.findall(r"(?m)^\* labels?: (.*)", part):
            labels |= set(re.findall(r"\w+", line))
        found[name] = (kind, labels | OWN)
    return found


def judge(where, expr, known):
    faults = []
    if 'job="$job"' not in expr or 'instance=~"$instance"' not in expr:
        faults.append("does not select by $job and $instance")
    for use in re.finditer(r"\b((?:bookingd|process)_\w+)(\{[^}]*\})?(\[)?", expr):
        name = re.sub(r"_bucket$", "", use.group(1))
        if name not in known:
            faults.append("no such metric: " + name)
            continue
        kind, labels = known[name]
        for label in re.findall(r"(\w+)=~?\"|(\w+)!=\"", use.group(2) or ""):
            if (label[0] or label[1]) not in labels:
                faults.append("%s has no label %s" % (name, label[0] or label[1]))
        if (kind != "gauge") != bool(use.group(3)):
            faults.append("%s is a %s%s" % (name, kind, "" if kind == "gauge" else ": no rate"))
        if kind == "gauge" and use.group(3) and expr.startswith("changes("):
            faults.pop()
        if len(re.findall(r"(?:bookingd|process)_\w+", expr)) == 1:
            for by in re.findall(r"by \(([^)]*)\)", expr):
                for label in re.findall(r"\w+", by):
                    if label not in labels:
                        faults.append("%s has no label %s" % (name, label))
    return ["%s: %s" % (where, fault) for fault in faults]


def main():
    board = json.loads(read("etc/grafana/bookingd.json"))
    known, faults = metrics(), []
    variables = [v["name"] for v in board["templating"]["list"]]
    if variables != ["datasource", "job", "instance"]:
        faults.append("variables: %s" % variables)
    panels = [p for p in board["panels"] if p["type"] != "row"]
    for p in panels:
        where = p["title"]
        if not p.get("description") or not p["fieldConfig"]["defaults"].get("unit"):
            faults.append("%s: no description, or no unit" % where)
        for t in p["targets"]:
            if t["datasource"]["uid"] != "${datasource}":
                faults.append("%s: another data source" % where)
            faults += judge(where, t["expr"], known)
    if len({p["id"] for p in board["panels"]}) != len(board["panels"]):
        faults.append("two panels of one id")
    for note in board["annotations"]["list"]:
        faults += judge(note["name"], note["expr"], known)
    print("\n".join(faults) or "%d panels" % len(panels))
    return 1 if faults or not panels else 0


sys.exit(main())
