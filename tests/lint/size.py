#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""House limits: functions of at most 60 lines, 5 parameters and 3 levels of nesting; files of at
most 500 lines, headers of 150; no goto but to `out`.

Known exceptions, by name of function or file: known/size.txt.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
LINES, PARAMETERS, NESTING, FILE, HEADER = 60, 5, 3, 500, 150
# clang-format puts the braces of a function, and nothing else, into the first column.
FUNCTION = re.compile(r"^(\w[^\n;{}=]*?\b(\w+)\((?:[^{};]|\n)*?\))\s*\n\{\n(.*?)^\}", re.M | re.S)
CONTROL = re.compile(r"^( *)(?:if|for|while|switch|do)\b", re.M)


def count_parameters(head):
    """Parameters of the last parenthesised list of a function's head; commas inside it do not
    count.
    """
    head = head[head.index("(") + 1 : head.rindex(")")]
    depth, commas = 0, 0
    for char in head:
        depth += (char == "(") - (char == ")")
        commas += char == "," and depth == 0
    return 0 if head.strip() in ("", "void") else commas + 1


def judge_function(path, head, name, body):
    lines = body.count("\n")
    if lines > LINES:
        yield name, "%s: %s() has %d lines" % (path, name, lines)
    if count_parameters(head) > PARAMETERS:
        yield name, "%s: %s() has %d parameters" % (path, name, count_parameters(head))
    deepest = max((len(m.group(1)) // 4 for m in CONTROL.finditer(body)), default=0)
    if deepest > NESTING:
        yield name, "%s: %s() is nested %d levels deep" % (path, name, deepest)


def judge_file(path, text):
    lines = text.count("\n")
    limit = HEADER if path.endswith(".h") else FILE
    if lines > limit:
        yield os.path.basename(path), "%s: %d lines, more than %d" % (path, lines, limit)
    for label in re.findall(r"\bgoto +(\w+)", text):
        if label != "out":
            yield os.path.basename(path), "%s: goto %s" % (path, label)
    for m in FUNCTION.finditer(text):
        yield from judge_function(path, *m.groups())


def main():
    findings = []
    for pattern in ("src/**/*.[ch]", "include/**/*.h"):
        for path in sorted(glob.glob(pattern, root_dir=ROOT, recursive=True)):
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                findings += judge_file(path, f.read())
    return known.judge("size", findings)


if __name__ == "__main__":
    sys.exit(main())
