#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Codes that doc/openapi.yaml enumerates per operation are rows of include/base/errors.def with the
status under which they stand, and each row stands somewhere: system tests hold every answer against
the enumeration of its operation (tests/lib/bd_openapi.py), tests/unit/check_api what the frame of a
route can answer. Every operation has a name of its own, a summary and a description."""
import os
import re
import sys

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
ERROR = re.compile(r'^ERR\(\w+, "(\w+)", (\d+),', re.M)
OPERATION = re.compile(r"^    (get|put|post|patch|delete):\n((?:      .*\n)+)", re.M)
RESPONSE = re.compile(r'^ *"(\d{3})": (.*)$', re.M)
NAMED = re.compile(r"\n    (\w+):\n      description:.*(?:\n        .*)*\n      content: (.*)")
CODES = re.compile(r"properties: \{code: \{type: string, enum: \[([^]]*)\]")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def codes(text):
    found = CODES.search(text)
    return found.group(1).split(", ") if found else []


def main():
    status_of = {
        code: int(status) for code, status in ERROR.findall(read("include/base/errors.def"))
    }
    text = read("doc/openapi.yaml")
    paths, components = text.split("\ncomponents:\n")
    named = {
        name: codes(content) for name, content in NAMED.findall(components.split("  schemas:")[0])
    }
    bad, operations = [], set()
    seen = set(named["ClientFault"] + named["ServerFault"])
    for _, body in OPERATION.findall(paths):
        name = re.search(r"^      operationId: (\w+)$", body, re.M)
        if not name or name.group(1) in operations:
            bad.append("an operation without a name of its own: %s" % body[:60])
            continue
        operations.add(name.group(1))
        for word in ("summary", "description"):
            if "\n      %s: " % word not in body:
                bad.append("%s: no %s" % (name.group(1), word))
        # not `default`, which some generators take for a success, but where there is no other
        if any('"%sXX": {$ref' % of not in body for of in "45") or (
            "default: {" in body and '"20' in body
        ):
            bad.append("%s: 4XX and 5XX are ClientFault and ServerFault" % name.group(1))
        for status, response in RESPONSE.findall(body):
            listed = codes(response)
            for ref in re.findall(r"^\{\$ref: .*responses/(\w+)", response):
                listed = named.get(ref, [])
            if int(status) >= 400 and not listed:
                bad.append("%s: %s without codes" % (name.group(1), status))
            seen |= set(listed)
            bad += [
                "%s: %s is not a code of %s" % (name.group(1), code, status)
                for code in listed
                if status_of.get(code) != int(status)
            ]
    bad += ["%s: no operation lists it" % c for c, s in status_of.items() if s and c not in seen]
    for fault in bad:
        print("doc/openapi.yaml: " + fault)
    return 1 if bad or not operations else 0


if __name__ == "__main__":
    sys.exit(main())
