#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Each C file says first what it is for, and over src/ without the sandbox at least 12 % of the
lines are comments. The two lines of the licence do not count.

Arguments: names of files or folders below src/, whose share is printed. Known exceptions, by name
of file, or "share": known/comments.txt.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
LEAST = 12.0
LICENCE = re.compile(r"^/\* (SPDX-License-Identifier:|Copyright) .*\*/\n", re.M)


def count_lines(text):
    """Lines that are comment only, and all lines."""
    comment, inside, lines = 0, False, text.split("\n")[:-1]
    for line in lines:
        line = line.strip()
        starts = line.startswith(("/*", "//"))
        if inside or starts:
            end = line.find("*/")
            comment += end < 0 or not line[end + 2 :].strip()
            inside = end < 0 and not line.startswith("//")
    return comment, len(lines)


def main():
    findings, comments, total = [], 0, 0
    for path in sorted(glob.glob("src/**/*.c", root_dir=ROOT, recursive=True)):
        if path.startswith("src/sandbox/"):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = LICENCE.sub("", f.read())
        if not text.startswith("/*"):
            findings.append((os.path.basename(path), "%s: has no head comment" % path))
        part, lines = count_lines(text)
        comments, total = comments + part, total + lines
        if any(name in path for name in sys.argv[1:]):
            print("%5.1f %% %5d lines  %s" % (100.0 * part / lines, lines, path))
    share = 100.0 * comments / total
    if share < LEAST:
        findings.append(("share", "%.1f %% of the lines are comments" % share))
    print("%.1f %% of %d lines are comments" % (share, total))
    return known.judge("comments", findings)


if __name__ == "__main__":
    sys.exit(main())
