#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A strict reader of metric pages, since promtool is a linter and the scraper itself forgives much
(duplicates, bucket order, a count that is not the last bucket's). Standard library only.

    page = promcheck.parse(text, openmetrics=False)   # promcheck.Bad on the first breach of the
    format page.value("bookingd_database_up") promcheck.later(before, after)                    #
    counters and buckets never step back
"""
import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
NUMBER = re.compile(r"(?:[+-]?Inf|NaN|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\Z")
# Label values that are closed sets by contract; a name maps to the pattern that each of its values
# must match whole.
CLOSED = {
    "outcome": None,
    "state": None,
    "kind": None,
    "reason": None,
    "class": None,
    "thing": None,
    "lead": r"\d+[mhd]|other",
    "scope": r"[a-z]*",
    "act": None,
    "template": r"[a-z_]+",
    "error_code": r"[a-z_]+",
    "status": r"[1-5]\d\d|other|[a-z_]+",
    "method": r"[A-Z]+|other",
    "operation": r"[a-z_]+",
    "role": r"[a-z]+",
    "condition": r"Bookingd[A-Za-z]+",
    "severity": r"ticket|page",
    "route": r"none|/(?:[a-z0-9_.{}/-]*)",
    "provider": r"[A-Za-z0-9_.-]+",
    "version": r".+",
    "revision": r".+",
    "le": r".+",
}
SERIES_BUDGET = 2000


class Bad(AssertionError):
    pass


class Family:
    def __init__(self, name, kind, help_text):
        self.name, self.kind, self.help = name, kind, help_text
        self.samples = (
            []
        )  # (sample name, labels as sorted tuple of pairs, value, text of the value)


class Page:
    def __init__(self, families, openmetrics):
        self.families, self.openmetrics = families, openmetrics
        self.samples = {
            (name, labels): value for f in families.values() for name, labels, value, _ in f.samples
        }

    def value(self, name, **labels):
        """The one sample with exactly these labels; None when there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def series(self, name):
        """[(labels, value)] of all samples of that name."""
        return [(dict(labels), v) for (n, labels), v in self.samples.items() if n == name]


def unescape(text, quotes, where):
    out, i = [], 0
    while i < len(text):
        if text[i] != "\\":
            out.append(text[i])
            i += 1
            continue
        pair = text[i : i + 2]
        if pair not in (("\\\\", "\\n", '\\"') if quotes else ("\\\\", "\\n")):
            raise Bad("%s: bad escape %r" % (where, pair))
        out.append({"\\\\": "\\", "\\n": "\n", '\\"': '"'}[pair])
        i += 2
    return "".join(out)


def parse_labels(text, where):
    """The inside of the braces."""
    labels, at = [], 0
    while at < len(text):
        m = re.compile(r'([^=,"]+)="((?:[^"\\\n]|\\.)*)"').match(text, at)
        if not m or not LABEL.match(m.group(1)):
            raise Bad("%s: bad labels %r" % (where, text[at:]))
        labels.append((m.group(1), unescape(m.group(2), True, where)))
        at = m.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise Bad("%s: bad separator in %r" % (where, text))
            at += 1
    names = [name for name, _ in labels]
    if len(set(names)) != len(names):
        raise Bad("%s: a label twice" % where)
    return tuple(sorted(labels))


def parse_sample(line, where):
    m = re.match(
        r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\})? (\S+)\Z", line
    )
    if not m or not NUMBER.match(m.group(3)):
        raise Bad("%s: not a sample: %r" % (where, line))  # a timestamp is none of ours either
    return m.group(1), parse_labels(m.group(2) or "", where), float(m.group(3)), m.group(3)


def suffixes(family, openmetrics):
    """Names that samples of the family may have."""
    if family.kind == "histogram":
        return {family.name + s for s in ("_bucket", "_sum", "_count")}
    if openmetrics and family.kind == "counter":
        return {family.name + "_total"}
    if openmetrics and family.kind == "info":
        return {family.name + "_info"}
    return {family.name}


def read(text, openmetrics):
    if not text.endswith("\n"):
        raise Bad("the last line has no line feed")
    lines = text[:-1].split("\n")
    if openmetrics and lines[-1] != "# EOF":
        raise Bad("no # EOF at the end")
    if openmetrics:
        lines.pop()
    families, current, helps = {}, None, {}
    for number, line in enumerate(lines, 1):
        where = "line %d" % number
        if line == "" or line != line.strip():
            raise Bad("%s: empty line or spaces around: %r" % (where, line))
        if line.startswith("#"):
            m = re.match(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)\Z", line)
            if not m:
                raise Bad("%s: comment or EOF in the middle: %r" % (where, line))
            word, name, rest = m.groups()
            if word == "HELP":
                if name in helps:
                    raise Bad("%s: second HELP of %s" % (where, name))
                helps[name] = unescape(rest, openmetrics, where)
                current = None
                continue
            kinds = {"counter", "gauge", "histogram"} | (
                {"info", "unknown"} if openmetrics else set()
            )
            if name in families or name not in helps or not helps[name] or rest not in kinds:
                raise Bad(
                    "%s: TYPE %s %s: twice, without HELP before it, or unknown"
                    % (where, name, rest)
                )
            current = families[name] = Family(name, rest, helps[name])
            continue
        sample = parse_sample(line, where)
        if current is None or sample[0] not in suffixes(current, openmetrics):
            raise Bad("%s: %s stands outside of its family" % (where, sample[0]))
        current.samples.append(sample)
    return families


def check_family(f, openmetrics):
    seen = set()
    for name, labels, value, text in f.samples:
        if (name, labels) in seen:
            raise Bad("%s%r twice" % (name, labels))
        seen.add((name, labels))
        if f.kind in ("counter", "histogram") and (value < 0 or math.isnan(value)):
            raise Bad("%s%r is %s" % (name, labels, text))
        for label, v in labels:
            if label not in CLOSED:
                raise Bad("%s has the label %s, which CLOSED does not know" % (name, label))
            pattern = CLOSED[label] or r"[a-z_]+"
            if not re.fullmatch(pattern, v):
                raise Bad("%s: %s=%r is none of a closed set" % (name, label, v))
            if re.search(r"\+?\d{9,}|[0-9a-f]{8}-[0-9a-f]{4}-", v):
                raise Bad("%s: %s=%r looks like a number of somebody" % (name, label, v))
    if not f.samples:
        raise Bad("%s has no sample" % f.name)
    total = f.name.endswith("_total")
    if not openmetrics and (f.kind == "counter") != total:
        raise Bad("%s is a %s" % (f.name, f.kind))
    if openmetrics and total and f.kind != "unknown":
        raise Bad("family %s keeps the suffix _total" % f.name)
    keys = {tuple(k for k, _ in labels if k != "le") for _, labels, _, _ in f.samples}
    if len(keys) != 1:
        raise Bad("%s: samples with different label names: %r" % (f.name, keys))
    if f.kind == "histogram":
        check_histogram(f)


def canonical(le):
    if le == "+Inf":
        return True
    return re.fullmatch(r"\d+\.\d+|\d(?:\.\d+)?e[+-]\d+", le) is not None


def check_histogram(f):
    groups = {}
    for name, labels, value, text in f.samples:
        rest = tuple(p for p in labels if p[0] != "le")
        g = groups.setdefault(rest, {"buckets": [], "sum": None, "count": None})
        if name.endswith("_bucket"):
            le = dict(labels).get("le")
            if le is None or not canonical(le) or not re.fullmatch(r"\d+", text):
                raise Bad("%s%r: le %r or count %r" % (name, labels, le, text))
            g["buckets"].append((float(le.replace("+Inf", "inf")), value))
        else:
            g["sum" if name.endswith("_sum") else "count"] = value
    for rest, g in groups.items():
        bounds = [b for b, _ in g["buckets"]]
        counts = [c for _, c in g["buckets"]]
        if (
            not bounds
            or bounds[-1] != math.inf
            or bounds != sorted(set(bounds))
            or counts != sorted(counts)
        ):
            raise Bad("%s%r: buckets do not rise to +Inf" % (f.name, rest))
        if g["count"] != counts[-1] or g["sum"] is None:
            raise Bad(
                "%s%r: count %r, last bucket %r, sum %r"
                % (f.name, rest, g["count"], counts[-1], g["sum"])
            )


def parse(text, openmetrics=False):
    families = read(text, openmetrics)
    for f in families.values():
        check_family(f, openmetrics)
    page = Page(families, openmetrics)
    if len(page.samples) != sum(len(f.samples) for f in families.values()):
        raise Bad("a series in two families")
    if len(page.samples) > SERIES_BUDGET:
        raise Bad("%d series" % len(page.samples))
    return page


def later(before, after):
    """No series of counters and histograms vanishes or steps back from one page to a later one."""
    for f in before.families.values():
        for name, labels, value, _ in f.samples:
            if f.kind not in ("counter", "histogram") and not name.endswith("_total"):
                continue
            now = after.samples.get((name, labels))
            if now is None or now < value:
                raise Bad("%s%r went from %r to %r" % (name, labels, value, now))


def main():
    parse(sys.stdin.read(), "--openmetrics" in sys.argv[1:])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Bad as bad:
        print(bad, file=sys.stderr)
        sys.exit(1)
