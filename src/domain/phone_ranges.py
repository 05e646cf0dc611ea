#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""phone_ranges.py >include/domain/phone_ranges.def

Writes the mobile number ranges of all regions, from libphonenumber's metadata (Debian's
python3-phonenumbers). Run it by hand when Debian brings newer metadata, and commit what it writes.

libphonenumber has one regular expression per region and kind of number. A number is mobile when it
matches the general and the mobile expression and none of those that libphonenumber asks first
(premium rate, toll free, shared cost, VoIP, personal, pager, UAN, voicemail). These sets are
combined here as finite automata, whose paths are the rows: "5[013-689]/9" is nine digits that begin
with 5 and one of the class; "50/6-10" has six to ten; x stands for any digit.
"""
import os
import sre_parse
import sys
import time
import warnings
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata

warnings.simplefilter("ignore")
DIGITS = frozenset("0123456789")
DIGITS_MAX = 15  # E.164
# Mobile ranges of newer metadata (2026) in the region that this program is made for, which Debian's
# does not have yet. A row goes when Debian's has it.
NEWER = {
    "BH": "30/8 385/8 6441/8 667[89]/8",
    "ET": "7[03]/9 71[0-8]/9 72[1-35-79]/9 8[01]/9",
    "IT": "43/10",
    "JO": "427/9 711/9 72/9",
    "SY": "50/9 90/9",
    "TR": "50/10 55/10 561011/10 56[24]/10 57[245]/10 582[2-5]/10",
}
ASKED_FIRST = "premium_rate toll_free shared_cost voip personal_number pager uan voicemail".split()


class Automaton:
    """A non-deterministic automaton of one regular expression over digits."""

    def __init__(self, pattern):
        self.moves, self.free = [], []
        first = self.add_state()
        self.end = self.add_sequence(sre_parse.parse(pattern), first)
        self.start = self.close({first})
        self.step = lru_cache(None)(self.find_step)

    def add_state(self):
        self.moves.append([])
        self.free.append([])
        return len(self.moves) - 1

    def add_move(self, state, digits):
        target = self.add_state()
        self.moves[state].append((digits, target))
        return target

    def add_sequence(self, sequence, state):
        for kind, value in sequence:
            state = getattr(self, "add_" + str(kind).lower())(value, state)
        return state

    def add_literal(self, value, state):
        return self.add_move(state, frozenset(chr(value)))

    def add_in(self, values, state):
        digits = set()
        for kind, value in values:
            if str(kind) == "LITERAL":
                digits.add(chr(value))
            elif str(kind) == "RANGE":
                digits |= {chr(c) for c in range(value[0], value[1] + 1)}
            else:  # a category: \d is the only one in use
                digits |= DIGITS
        return self.add_move(state, frozenset(digits))

    def add_branch(self, value, state):
        end = self.add_state()
        for choice in value[1]:
            begin = self.add_state()
            self.free[state].append(begin)
            self.free[self.add_sequence(choice, begin)].append(end)
        return end

    def add_subpattern(self, value, state):
        return self.add_sequence(value[3], state)

    def add_max_repeat(self, value, state):
        least, most, sequence = value
        for _ in range(least):
            state = self.add_sequence(sequence, state)
        end = self.add_state()
        self.free[state].append(end)
        for _ in range(most - least):
            state = self.add_sequence(sequence, state)
            self.free[state].append(end)
        return end

    def close(self, states):
        states, todo = set(states), list(states)
        while todo:
            for state in self.free[todo.pop()]:
                if state not in states:
                    states.add(state)
                    todo.append(state)
        return frozenset(states)

    def find_step(self, states, digit):
        return self.close({t for s in states for digits, t in self.moves[s] if digit in digits})

    def accepts(self, states):
        return self.end in states


class Mobiles:
    """The mobile numbers of one region, as a graph without cycles whose equal parts are shared."""

    def __init__(self, meta):
        kinds = [meta.general_desc, meta.mobile]
        for name in ASKED_FIRST:
            kind = getattr(meta, name)
            if kind is not None and kind.national_number_pattern not in (None, "", "NA"):
                kinds.append(kind)
        self.parts = [
            (Automaton(k.national_number_pattern), k.possible_length or kinds[0].possible_length)
            for k in kinds
        ]
        self.shared, self.nodes, self.known = {}, {}, {}
        self.root = self.find_node(tuple(a.start for a, _ in self.parts), 0)

    def matches(self, part, states, length):
        automaton, lengths = part
        return automaton.accepts(states) and length in lengths

    def find_node(self, states, length):
        key = (states, length)
        if key in self.known:
            return self.known[key]
        self.known[key] = None
        if not states[0] or not states[1] or length > DIGITS_MAX:
            return None
        found = [self.matches(p, s, length) for p, s in zip(self.parts, states)]
        ends = found[0] and found[1] and not any(found[2:])
        targets = {}
        for digit in sorted(DIGITS):
            after = tuple(a.step(s, digit) for (a, _), s in zip(self.parts, states))
            node = self.find_node(after, length + 1)
            if node is not None:
                targets.setdefault(node, set()).add(digit)
        if not ends and not targets:
            return None
        moves = [(node, frozenset(digits)) for node, digits in targets.items()]
        node = self.shared.setdefault((ends, frozenset(moves)), len(self.shared))
        self.nodes[node] = (ends, moves)
        self.known[key] = node
        return node

    def rows(self):
        found = {}

        def walk(node, path):
            ends, moves = self.nodes[node]
            if ends:
                prefix, length = range_of(path)
                found.setdefault(prefix, set()).add(length)
            for target, digits in moves:
                walk(target, path + [digits])

        if self.root is not None:
            walk(self.root, [])
        return sorted(t for prefix, lengths in found.items() for t in range_texts(prefix, lengths))


def class_text(digits):
    if digits == DIGITS:
        return "x"
    runs = []
    for digit in sorted(digits):
        if runs and int(digit) == int(runs[-1][-1]) + 1:
            runs[-1] += digit
        else:
            runs.append(digit)
    text = "".join(r if len(r) < 3 else r[0] + "-" + r[-1] for r in runs)
    return text if len(digits) == 1 else "[" + text + "]"


def range_of(path):
    """The classes that tell a number apart, and how many digits it has."""
    length = len(path)
    while path and path[-1] == DIGITS:
        path = path[:-1]
    return "".join(map(class_text, path)), length


def range_texts(prefix, lengths):
    """Lengths in a row become one range: "50/6-10"."""
    runs = []
    for length in sorted(lengths):
        if runs and length == runs[-1][1] + 1:
            runs[-1][1] = length
        else:
            runs.append([length, length])
    return ["%s/%s" % (prefix, a if a == b else "%d-%d" % (a, b)) for a, b in runs]


def row_text(region, meta, rows):
    """One row of the table, its string broken at 100 columns."""
    lines, line = [], ""
    for row in rows:
        if len(line) + len(row) > 90:
            lines.append(line)
            line = ""
        line += row + " "
    lines.append(line.rstrip())
    trunk = meta.national_prefix or ""
    head = 'PHONE_REGION(%s, "%d", "%s",' % (region, meta.country_code, trunk)
    return head + "".join('\n    "%s"' % text for text in lines) + ")"


def main():
    regions = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        meta = PhoneMetadata.metadata_for_region(region)
        if meta.mobile is not None and meta.mobile.national_number_pattern:
            main_region = phonenumbers.region_code_for_country_code(meta.country_code)
            regions.append((meta.country_code, region != main_region, region, meta))
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Copyright the bookingd authors */")
    print("/*")
    print(" * Mobile numbers of all regions: code, calling code, trunk prefix, ranges. Written by")
    print(" * src/domain/phone_ranges.py: do not edit. Sorted by calling code; of the regions that")
    print(" * share one, the main one is first.")
    print(" */")
    made = time.gmtime(os.path.getmtime(phonenumbers.__file__))
    print('PHONE_METADATA("%s", "%s")' % (phonenumbers.__version__, time.strftime("%F", made)))
    for _, _, region, meta in sorted(regions, key=lambda r: r[:3]):
        newer = NEWER.get(region, "").split()
        print(row_text(region, meta, sorted(Mobiles(meta).rows() + newer)))


if __name__ == "__main__":
    sys.exit(main())
