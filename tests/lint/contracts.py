#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Each function that a header declares has a contract that its caller can rely on.

* A comment stands over it, over the group of declarations that it is in (no blank line between
  them), or behind it. A heading ("---- x ----") is no contract.
* It returns `enum err`: that comment, or the head comment of the file, names an error (ERR_...) or
  says what happens to errors.
* It returns a pointer, takes no arena and is not about text that is constant: one of these comments
  says who owns what it returns, or how long that lives. What a function with an arena returns lives
  in the arena; this needs no words.
* Its parameters, and the fields of structs, that are times or ages as plain numbers end in their
  unit: _ms, _us, _ns, _s, _minutes, _days.

Known exceptions, by name of function or field: known/contracts.txt.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
LICENCE = re.compile(r"/\* (SPDX-License-Identifier:|Copyright) .*\*/")
# A prototype or an inline function at the left margin: type, name, parameters.
FUNCTION = re.compile(
    r"^(?!#|typedef|extern|struct \w+ \{|enum \w+ \{|union )"
    r"((?:static inline )?(?:const )?(?:NORETURN )?(?:unsigned |struct |enum )?\w+[\w ]*?[\s*]+)"
    r"((?!MUST_CHECK|PRINTF)\w+)\(([^;{}]*)\)[^;{}]*[;{]",
    re.M,
)
ERRORS = re.compile(r"ERR_|\berrors?\b", re.I)
OWNERSHIP = re.compile(
    r"\b(arena|borrow\w*|owns?|owned|lives?|valid|static|free[sd]?|free\(\)|heap|malloc\w*|until|"
    r"constant|copy|copied|keeps?|closes?|caller's|table|own|the same|next call|shared memory|"
    r"\w+_free\(?\)?|\w+_close\(?\)?)\b",
    re.I,
)
NUMBER = re.compile(r"\b(?:u?int\d*_t|int|long|unsigned|double|size_t) ((?:\w+, )*\w+)(?!\w|\()")
TIME = re.compile(
    r"(^|_)(timeout|delay|interval|duration|backoff|ttl|age|wait|budget|elapsed|period)s?(_|$)"
)
UNIT = re.compile(r"_(ms|us|ns|s|minutes|days)$|seconds")


def blank_comments(text):
    """The text with its comments replaced by spaces, so that positions stay."""
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def group_comment(text, code, start, end):
    """Comments over the group of declarations around [start, end), and behind the function."""
    lines_before = text[:start].split("\n")
    first = len(lines_before) - 1
    while first > 0 and lines_before[first - 1].strip():
        first -= 1
    begin = len("\n".join(lines_before[:first]))
    line_end = text.find("\n", end)
    found = COMMENT.findall(text[begin : line_end if line_end >= 0 else len(text)])
    return " ".join(comment for comment in found if not comment.startswith("/* ----"))


def judge_function(path, match, own, head):
    kind, name, params = match.group(1).strip(), match.group(2), match.group(3)
    if not own:
        return "%s: %s() has no comment" % (path, name)
    if re.match(r"(static inline )?enum err$", kind) and not ERRORS.search(own + head):
        return "%s: %s(): its errors are not named" % (path, name)
    returns_text = re.search(r"const char ?\*?$", kind)
    if kind.endswith("*") and "struct arena" not in params and not returns_text:
        if "svc *s" not in params and not OWNERSHIP.search(own + head):
            return "%s: %s(): nothing says who owns its result" % (path, name)
    return None


def header_findings(path, text):
    code = blank_comments(text)
    text = LICENCE.sub(lambda m: " " * len(m.group(0)), text)
    head = "".join(COMMENT.findall(text[: text.find("#ifndef")]))
    for match in FUNCTION.finditer(code):
        own = group_comment(text, code, match.start(), match.end())
        said = judge_function(path, match, own, head)
        if said:
            yield match.group(2), said
    for match in NUMBER.finditer(code):
        for name in match.group(1).split(", "):
            if TIME.search(name) and not UNIT.search(name):
                line = code.count("\n", 0, match.start()) + 1
                yield name, "%s:%d: %s has no unit" % (path, line, name)


def main():
    findings, functions = [], 0
    paths = glob.glob("include/*/*.h", root_dir=ROOT) + glob.glob("src/*/*.h", root_dir=ROOT)
    for path in sorted(paths):
        if path.startswith("src/sandbox/"):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = f.read()
        functions += len(FUNCTION.findall(blank_comments(text)))
        findings += header_findings(path, text)
    print("%d functions in headers" % functions)
    return known.judge("contracts", findings)


if __name__ == "__main__":
    sys.exit(main())
