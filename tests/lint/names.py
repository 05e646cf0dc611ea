#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Static functions are called <module>_<verb>_<noun>: no name of one word, and no name in two
files.

So a backtrace, a profile or a grep says where one is. Known exceptions: known/names.txt.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
# "static", a type over one or two lines, a name, its parameters, and a body.
STATIC = re.compile(r"^static\s+(?![^\n(]*=)[\w\s*]*?\b(\w+)\((?!\()[^;{}]*\)\s*\{", re.M)


def statics(text):
    text = re.sub(r"\b(?:MUST_CHECK|__attribute__\s*\(\(.*?\)\)|PRINTF_\w+\([^)]*\))", "", text)
    return [m.group(1) for m in STATIC.finditer(text)]


def main():
    files = {}
    for path in sorted(glob.glob("src/**/*.c", root_dir=ROOT, recursive=True)):
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            for name in set(statics(f.read())):
                files.setdefault(name, []).append(path)
    findings = []
    for name, where in sorted(files.items()):
        if "_" not in name:
            findings.append((name, "%s: %s() is one word" % (" ".join(where), name)))
        elif len(where) > 1:
            findings.append((name, "%s() is in %s" % (name, " and ".join(where))))
    print("%d static functions" % sum(len(where) for where in files.values()))
    return known.judge("names", findings)


if __name__ == "__main__":
    sys.exit(main())
