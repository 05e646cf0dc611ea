#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""known.py LINT: filters the findings of a lint by the list of known ones,
tests/lint/known/LINT.txt.

Reads findings from stdin, one per line: KEY, a tab, and the text to print. Prints those whose key
is not in the list, and fails when there are any. The lists may only become shorter:
  LINT_KNOWN=unused    also fails for keys in the list that are not found any more
  LINT_KNOWN=shrink    takes such keys out of the list
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def read_list(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


def write_list(path, keys):
    if keys:
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(key + "\n" for key in keys))
    elif os.path.exists(path):
        os.unlink(path)


def judge(lint, findings):
    """Filters findings, pairs of key and text; returns the exit code."""
    path = os.path.join(HERE, "known", lint + ".txt")
    known = read_list(path)
    found = {key for key, _ in findings}
    fresh = [text for key, text in findings if key not in known]
    for text in fresh:
        print(text)
    unused = [key for key in known if key not in found]
    mode = os.environ.get("LINT_KNOWN", "")
    if mode == "shrink" and unused:
        write_list(path, [key for key in known if key in found])
    if mode == "unused":
        for key in unused:
            print("tests/lint/known/%s.txt: %s is not needed any more" % (lint, key))
    print("%s: %d new, %d known" % (lint, len(fresh), len(findings) - len(fresh)))
    return 1 if fresh or (mode == "unused" and unused) else 0


def main():
    findings = [tuple(line.rstrip("\n").split("\t", 1)) for line in sys.stdin if line.strip()]
    return judge(sys.argv[1], findings)


if __name__ == "__main__":
    sys.exit(main())
