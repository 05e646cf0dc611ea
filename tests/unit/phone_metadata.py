#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Mobile numbers of phone_ranges.def against python3-phonenumbers: 100,000 random ones and 25 of
each region. Differences must be ranges that phone_ranges.py calls newer. Skips without the package.
"""
import os
import random
import re
import sys

try:
    import phonenumbers
    from phonenumbers import PhoneNumberType
except ImportError:
    # Debian's package belongs to Debian's interpreter, which need not be the first of the path.
    debian = "/usr/bin/python3"
    if sys.executable != debian and os.access(debian, os.X_OK):
        os.execv(debian, [debian, *sys.argv])
    print("python3-phonenumbers is not installed")
    sys.exit(77)

TOP = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def read_ranges(text):
    ranges = []
    for word in text.split():
        prefix, _, length = word.partition("/")
        least, _, most = length.partition("-")
        ranges.append((re.compile(prefix.replace("x", "[0-9]")), int(least), int(most or least)))
    return ranges


def read_table():
    with open(os.path.join(TOP, "include/domain/phone_ranges.def"), encoding="ascii") as f:
        rows = re.findall(r'PHONE_REGION\((\w+), "(\d+)", "\d*",((?:\s*"[^"]*")+)\)', f.read())
    return [(c, code, read_ranges(" ".join(re.findall(r'"(.*?)"', t)))) for c, code, t in rows]


def read_newer():
    with open(os.path.join(TOP, "src/domain/phone_ranges.py"), encoding="ascii") as f:
        newer = re.search(r"^NEWER = \{(.*?)^\}", f.read(), re.M | re.S).group(1)
    return {c: read_ranges(t) for c, t in re.findall(r'"(\w+)": "(.*?)"', newer)}


def inside(ranges, national):
    return any(a <= len(national) <= b and p.match(national) for p, a, b in ranges)


def theirs(calling, national):
    number = phonenumbers.PhoneNumber(
        country_code=int(calling),
        national_number=int(national),
        italian_leading_zero=national.startswith("0") or None,
        number_of_leading_zeros=len(national) - len(national.lstrip("0")) or None,
    )
    region = phonenumbers.region_code_for_number(number)
    return region if region and phonenumbers.number_type(number) in MOBILE else None


def example(ranges):
    prefix, least, most = random.choice(ranges)
    text = ""
    for part in re.findall(r"\[[^\]]*\]|\d", prefix.pattern):
        text += random.choice([d for d in "0123456789" if re.match(part, d)])
    return text + digits(random.randint(least, most) - len(text))


def digits(n):
    return "".join(random.choice("0123456789") for _ in range(n))


def main():
    table, newer, found, bad = read_table(), read_newer(), 0, 0
    random.seed(1)
    cases = [(random.choice(table)[1], digits(random.randint(6, 12))) for _ in range(100000)]
    cases += [(code, example(ranges)) for _, code, ranges in table for _ in range(25)]
    for calling, national in cases:
        ours = next((c for c, k, r in table if k == calling and inside(r, national)), None)
        found += ours is not None
        if ours != theirs(calling, national) and not inside(newer.get(ours, []), national):
            print("+%s %s: %s, not %s" % (calling, national, ours, theirs(calling, national)))
            bad += 1
    print("%d numbers, %d mobile, %d differences" % (len(cases), found, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
