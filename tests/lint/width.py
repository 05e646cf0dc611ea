#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""No line over 100 columns in C, tables (.def), SQL, Python, shell and Markdown.

In Markdown bytes are counted, as terminals and pagers of all kinds show such files, and rows of
tables count too: a table that does not fit is a list. Exempt are lines that hold nothing but one
link. Known exceptions, by name of file: known/width.txt.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
COLUMNS = 100
TEXT = (".c", ".h", ".def", ".sql", ".py", ".sh", ".md", ".mk", ".am")
SCRIPTS = ("dev", ".ci/run", "tests/system/run", "tests/lib/with-pg", "tests/lib/under-valgrind")
# Statements of other versions, and what fuzzers wrote, stay as they are.
SKIP = ("tests/data", "tests/fuzz/corpus", "tests/fuzz/regressions", ".git", "autom4te.cache")


# Released migrations are never changed.
RELEASED = re.compile(r"src/db/migrations/000[123]_")


def sources():
    """Paths of the files that are looked at, below ROOT."""
    for where, folders, names in os.walk(ROOT):
        below = os.path.relpath(where, ROOT)
        folders[:] = sorted(
            name
            for name in folders
            if os.path.normpath(os.path.join(below, name)) not in SKIP
            and name != "__pycache__"
            and not os.path.exists(os.path.join(where, name, "config.status"))
        )
        for name in sorted(names):
            path = os.path.normpath(os.path.join(below, name))
            if RELEASED.match(path):
                continue
            if path.endswith(TEXT) or path in SCRIPTS or path.startswith("tests/campaigns/"):
                yield path


def width(path, line):
    """Columns of a line; bytes in Markdown, 0 when it cannot be broken."""
    if not path.endswith(".md"):
        return len(line)
    return 0 if re.fullmatch(r"\S*https?://\S*", line) else len(line.encode())


def main():
    findings = []
    for path in sources():
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            for number, line in enumerate(f.read().split("\n"), 1):
                if width(path, line) > COLUMNS:
                    text = "%s:%d: %d columns" % (path, number, width(path, line))
                    findings.append((os.path.basename(path), text))
    return known.judge("width", findings)


if __name__ == "__main__":
    sys.exit(main())
