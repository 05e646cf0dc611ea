#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Migrations from 0014 on must run beside the service: none may lock or rewrite a large table.

Each names its phase and its works_from (src/db/embed.py). What a rule forbids may be right all the
same, for a table that is small or empty at that moment. Then the file says so, and why:
    -- lint: RULE: the reason
The bad examples in tests/lint/migrations/ are held against the rules they name, on each run.
"""
import glob
import os
import re
import sys

ROOT = os.environ.get("srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FIRST = 14  # those before it are of releases that are upgraded with all nodes stopped
LARGE = (
    "audit_log booking_history bookings customers idempotency_keys notifications otp_challenges "
    "payment_history payments rate_limits refunds sessions site_payments webhook_events"
).split()
NAME = r'"?(\w+)"?'
# Without a rewrite: a constant, or what is the same for the whole statement.
STABLE = re.compile(
    r"^(?:'[^']*'|[-\d.]+|true|false|null|now\(\)|current_timestamp|array\[\])(?:::\w+(?:\[\])?)?$"
)


class Migration:
    """Steps are lists of statements; `alone` says whether they run outside a transaction."""

    def __init__(self, path, earlier=""):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.path, self.earlier = path, earlier
        self.head = dict(re.findall(r"^-- (phase|works from): (\S+)$", self.text, re.M))
        self.allowed = set(re.findall(r"^-- lint: ([\w-]+): \S", self.text, re.M))
        self.contract = self.head.get("phase") == "contract"
        parts = re.split(r"^-- step: alone$", self.text, flags=re.M)
        self.alone = len(parts) > 1
        self.statements = [s for p in parts for s in split(p)]
        self.made = {
            m[1]
            for s in self.statements
            if (m := re.match(r"create table (?:if \w+ \w+ )?(\w+)", s))
        }

    def is_large(self, table):
        return table in LARGE and table not in self.made


def split(text):
    """Statements in lower case, with single spaces, without comments; bodies of functions stay
    whole.
    """
    text = re.sub(r"--[^\n]*", "", text)
    out, now, quote = [], "", None
    for token in re.findall(r"\$\w*\$|'(?:[^']|'')*'|;|[^;$']+|.", text):
        if re.fullmatch(r"\$\w*\$", token):
            quote = None if quote == token else quote or token
        if token == ";" and not quote:
            out.append(now)
            now = ""
        else:
            now += token
    return [s for s in (" ".join(x.split()).lower() for x in [*out, now]) if s]


def actions(statement):
    """The table of an ALTER TABLE and its actions; commas inside parentheses divide nothing."""
    m = re.match(r"alter table (?:only )?(?:if exists )?" + NAME + r" (.*)$", statement)
    if not m:
        return None, []
    found, depth, now = [], 0, ""
    for char in m[2]:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            found.append(now.strip())
            now = ""
        else:
            now += char
    return m[1], [*found, now.strip()]


def judge_column(action):
    m = re.match(
        r"add (?:column )?(?:if not exists )?(?!constraint|check|foreign|primary|unique|excl)"
        + NAME
        + r" (.*)$",
        action,
    )
    if not m:
        return
    rest = m[2]
    default = re.search(
        r"\bdefault (.+?)(?= not null| null\b| check\b| references\b| constraint\b|$)", rest
    )
    if default and not STABLE.match(default[1].replace(" ", "")):
        yield "volatile-default", "each row gets a value of its own: the table is rewritten"
    if re.search(r"\bserial\b|\bbigserial\b|generated .*(?:identity|stored)", rest):
        yield "volatile-default", "the table is rewritten"
    if re.search(r"\bnot null\b", rest) and not default:
        yield "not-null", "rows that are there have no value"
    if re.search(r"\bcheck\b|\breferences\b", rest):
        yield "constraint", "add it by itself, NOT VALID, and validate it in a step of its own"
    if re.search(r"\bunique\b|\bprimary key\b", rest):
        yield "index", "the index is built under a lock"


def has_valid_check(migration, column):
    """Whether a CHECK (column IS NOT NULL) was validated, which SET NOT NULL then uses."""
    text = " ".join(split(migration.earlier) + migration.statements)
    names = re.findall(r"add constraint (\w+) check \(\(? ?%s is not null ?\)?\)" % column, text)
    return any("validate constraint " + n in text for n in names)


def judge_action(migration, action):
    yield from judge_column(action)
    column = re.match(r"alter (?:column )?" + NAME + r" (set data type|type|set not null)", action)
    if column and column[2] != "set not null":
        yield "type", "the table is rewritten"
    elif column and not has_valid_check(migration, column[1]):
        yield "not-null", "without a validated CHECK (%s IS NOT NULL) all rows are read" % column[1]
    if re.match(r"add (?:constraint \w+ )?(?:check|foreign key)", action):
        if "not valid" not in action:
            yield "constraint", "NOT VALID, and validate it in a step of its own"
    if re.match(r"add (?:constraint \w+ )?(?:unique|primary key|exclude)", action):
        if "using index" not in action:
            yield "index", "the index is built under a lock; build it before, and USING INDEX"
    if re.match(r"validate constraint", action) and not migration.alone:
        yield "transaction", "in a step of its own: the lock of the ALTERs before it stays"
    if re.match(r"set (?:logged|unlogged|tablespace|without)|cluster", action):
        yield "rewrite", "the table is rewritten"


def judge_index(migration, s):
    m = re.match(
        r"create (?:unique )?index (concurrently )?(if not exists )?(?:\w+ )?on (?:only )?" + NAME,
        s,
    )
    if m and migration.is_large(m[3]) and not m[1]:
        yield "index", "CREATE INDEX CONCURRENTLY, in a step of its own"
    if m and m[1] and not m[2]:
        yield "repeat", "IF NOT EXISTS: a step of its own may be run again"
    if re.match(r"drop index (?!concurrently if exists)", s):
        yield "index", "DROP INDEX CONCURRENTLY IF EXISTS, in a step of its own"
    if re.match(r"reindex (?!.*concurrently)", s):
        yield "index", "REINDEX ... CONCURRENTLY"
    if "concurrently" in s and not migration.alone:
        yield "transaction", "CONCURRENTLY needs `-- step: alone`"


def judge_statement(migration, s):
    table, parts = actions(s)
    for action in parts:
        if re.match(
            r"drop (?:column )?(?!constraint|default|not null|expression|identity)\w", action
        ):
            if not migration.contract:
                yield "contract", "what older programs read goes away in a contract only"
        if re.match(r"rename (?!constraint|to )", action) and not migration.contract:
            yield "contract", "a new name is a column more, and a contract later"
        if migration.is_large(table):
            yield from judge_action(migration, action)
    if re.match(r"(?:drop (?:table|function|view|type|trigger)|alter \w+ .* rename to)\b", s):
        if not migration.contract:
            yield "contract", "what older programs use goes away in a contract only"
    yield from judge_index(migration, s)
    m = re.match(r"(?:with .* )?(?:update|delete from|insert into) (?:only )?" + NAME, s)
    if m and migration.is_large(m[1]) and not s.startswith("insert"):
        yield "rows", "in pieces that commit, in a step of its own"
    if re.match(r"lock\b|truncate\b|cluster\b|vacuum full\b", s):
        yield "lock", "nobody can read or write meanwhile"


def judge(migration):
    if "phase" not in migration.head or migration.head["phase"] not in ("expand", "contract"):
        yield "head", "the line `-- phase: expand` or `-- phase: contract` is missing"
    if "works from" not in migration.head:
        yield "head", "the line `-- works from: N` is missing"
    for s in migration.statements:
        for rule, why in judge_statement(migration, s):
            yield rule, "%s (%.60s)" % (why, s)


def find_faults(path, earlier=""):
    migration, used = Migration(path, earlier), set()
    for rule, why in judge(migration):
        used.add(rule)
        if rule not in migration.allowed:
            yield "%s: %s: %s" % (os.path.relpath(path, ROOT), rule, why)
    for rule in migration.allowed - used:
        yield "%s: the exception %s is not needed" % (os.path.relpath(path, ROOT), rule)


def check_examples():
    """Bad ones break the rules that their `-- expect:` names, and no others; good ones none."""
    paths = sorted(glob.glob(os.path.join(ROOT, "tests/lint/migrations/*.sql")))
    if not paths:
        yield "tests/lint/migrations: no examples"
    for path in paths:
        with open(path, encoding="utf-8") as f:
            expected = sorted(re.findall(r"^-- expect: ([\w-]+)$", f.read(), re.M))
        found = sorted(rule for rule, _ in judge(Migration(path)))
        if found != expected:
            yield "%s: found %s, expected %s" % (os.path.relpath(path, ROOT), found, expected)


def main():
    faults, earlier = list(check_examples()), ""
    for path in sorted(glob.glob(os.path.join(ROOT, "src/db/migrations/*.sql"))):
        if int(os.path.basename(path).partition("_")[0]) >= FIRST:
            faults += find_faults(path, earlier)
        with open(path, encoding="utf-8") as f:
            earlier += f.read()
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
