#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""text_ranges.py >include/base/text_ranges.def

Writes the ranges of code points that nobody sees: white space, control and format characters,
combining marks, fillers. Run it by hand when Python brings a newer Unicode, and commit what it
writes.
"""
import unicodedata

# Letters and symbols by their category, blank all the same: fillers of Hangul, the empty Braille
# pattern.
FILLERS = {0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0}
HIDDEN = {"Cc", "Cf", "Cs", "Mn", "Me", "Mc", "Zs", "Zl", "Zp"}
# Planes 0 to 3 and 14; above them all is unassigned or private. Unassigned ones between two hidden
# ones count as hidden, which keeps the table short.
LAST = 0xEFFFF


def list_ranges():
    ranges, bridge = [], False
    for point in range(LAST + 1):
        category = unicodedata.category(chr(point))
        if category in HIDDEN or point in FILLERS:
            if bridge:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
            bridge = True
        elif category != "Cn":
            bridge = False
    return ranges


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Copyright the bookingd authors */")
    print("/*")
    print(
        " * Code points that nobody sees, of Unicode %s: first and last of each range, in" % VERSION
    )
    print(" * order. Written by src/base/text_ranges.py: do not edit.")
    print(" */")
    line = ""
    for first, last in list_ranges():
        entry = "TEXT_HIDDEN(0x%X, 0x%X)" % (first, last)
        if len(line) + len(entry) + 1 > 100:
            print(line)
            line = ""
        line += " " + entry if line else entry
    print(line)


VERSION = unicodedata.unidata_version
main()
