#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The codes that comments of doc/openapi.yaml name per operation are codes of its schema Problem,
which tests/unit/check_api holds against the table of errors."""
import os
import re
import sys

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
# "# otp_expired, otp_used - with a remark": codes come first, up to a dash or a parenthesis.
COMMENT = re.compile(r'Problem"\}+ +# ([^\n]*)')


def main():
    with open(os.path.join(ROOT, "doc/openapi.yaml"), encoding="utf-8") as f:
        text = f.read()
    listed = re.search(r"Stable name of the fault.*?\[(.*?)\]", text, re.S)
    known = set(re.findall(r"\w+", listed.group(1)))
    bad = 0
    for comment in COMMENT.findall(text):
        codes = re.sub(r"\([^)]*\)", "", comment).split(" - ")[0].split(", ")
        for code in codes:
            if re.fullmatch(r"[a-z]+(_[a-z]+)+ *", code) and code.strip() not in known:
                print("doc/openapi.yaml: no such code: %s" % code)
                bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
