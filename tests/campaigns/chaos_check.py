# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What chaos.py compares after the quiet: each acknowledged answer with the rows, each row with an
answer, both sides' invoices, the windows.
"""
import collections
import hashlib
import json

import bd_books
import bd_courier

# After these nobody knows whether it was done. Everything else says that it was, or that it was
# not.
UNKNOWN = {None, "interrupted", "commit_unknown"}
WRITES = ("book", "staff book", "reschedule", "cancel", "staff cancel")
DOUBT_S = 890  # of the 15 minutes that the gateway's total is waited for


def may_be_done(r):
    return (
        r.acknowledged
        or r.status == 0
        or r.status >= 500
        and (r.code in UNKNOWN or (r.doc or {}).get("outcome") == "unknown")
    )


class Checker:
    def __init__(self, field, windows, unequal):
        """unequal: what Shop.imbalance() found last, when all was quiet; a hold that ends later has
        a payment that the keeper ends a moment after it.
        """
        self.field, self.shop, self.windows = field, field.shop, windows
        self.unequal = unequal
        self.records = field.recorder.records
        self.wrong, self.told_again = collections.defaultdict(list), 0

    def say(self, kind, words, *args):
        self.wrong[kind].append(words % args if args else words)

    def rows(self, sql):
        """Rows as dicts."""
        return [
            json.loads(line[0])
            for line in self.shop.pg.sql("SELECT to_json(x)::text FROM (%s) x" % sql)
        ]

    def all(self):
        self.deeds()
        self.bookings()
        self.once()
        self.same_answer()
        self.people()
        self.payments()
        self.answers()
        self.books()
        return self.wrong

    def deeds(self):
        """Each acknowledged change has its row of history; each row of history has a request that
        may have done it.
        """
        history = self.rows(
            "SELECT booking_id, version, to_status, request_id FROM booking_history"
        )
        known = {(h["booking_id"], h["version"]): h for h in history}
        asked = {r.id: r for r in self.records}
        for r in self.records:
            if r.what in WRITES and r.acknowledged and "version" in r.doc:
                h = known.get((r.doc["id"], r.doc["version"]))
                if h is None or h["to_status"] != r.doc["status"]:
                    self.say("acknowledged and missing", "%r; the history says %r", r, h)
        for h in history:
            r = asked.get(h["request_id"])
            if r is not None and not may_be_done(r):
                self.say("refused and done", "%r; the history says %r", r, h)

    def bookings(self):
        """The rows are as the newest that anybody was told; nobody was ever told something older
        than before.
        """
        rows = {
            b["id"]: b
            for b in self.rows(
                "SELECT id, version, status, to_char(starts_at AT TIME ZONE 'UTC', "
                '\'YYYY-MM-DD"T"HH24:MI:SS"Z"\') AS starts_at'
                " FROM bookings"
            )
        }
        told = {}
        for r in sorted(self.records, key=lambda r: r.ended):
            if not r.acknowledged or not r.doc or "version" not in r.doc:
                continue
            b, row = r.doc, rows.get(r.doc["id"])
            if row is None or row["version"] < b["version"]:
                self.say("acknowledged and missing", "%r; the row is %r", r, row)
            elif row["version"] == b["version"] and (
                b["starts_at"][:19] != row["starts_at"][:19]
                or b["status"] != row["status"]
                and row["status"] != "expired"
                and b["status"] != "expired"
            ):
                self.say("acknowledged and missing", "%r; the row is %r", r, row)
            if not r.replayed and r.what == "booking":
                version, ended = told.get(b["id"], (0, 0))
                if b["version"] < version and r.begun > ended:
                    self.say("told less than before", "%r after version %d", r, version)
            if b["version"] > told.get(b["id"], (0, 0))[0]:
                told[b["id"]] = (b["version"], r.ended)

    def once(self):
        """An intent to book is one booking at most, whatever happened to its requests; its note
        tells.
        """
        for row in self.rows(
            "SELECT note, count(*) AS n FROM bookings WHERE note IS NOT NULL GROUP BY 1 HAVING "
            "count(*) > 1"
        ):
            self.say("done twice", "%d bookings of one intent: %s", row["n"], row["note"])

    def same_answer(self):
        """All that was definitely said under one key is the same."""
        by_key = collections.defaultdict(list)
        for r in self.records:
            if (
                r.key
                and 0 < r.status < 500
                and r.code not in ("idempotency_in_flight", "unauthorized")
            ):
                by_key[r.who, r.key].append(r)
        for said in by_key.values():
            first = said[0]
            for r in said[1:]:
                if (r.status, r.code, r.doc) != (first.status, first.code, first.doc):
                    self.say("two answers to one key", "%r and %r", first, r)

    def people(self):
        """Sessions that were given are there unless they were given up; names are as acknowledged
        last.
        """
        sessions = {s["token_hash"] for s in self.rows("SELECT token_hash FROM sessions")}
        gone = {r.doc["token"] for r in self.records if r.what == "sign out" and may_be_done(r)}
        ended = {r.doc["token"] for r in self.records if r.what == "sign out" and r.acknowledged}
        for r in self.records:
            if r.what == "verify" and r.status == 200:
                there = hashlib.sha256(r.doc["token"].encode()).hexdigest() in sessions
                if not there and r.doc["token"] not in gone or there and r.doc["token"] in ended:
                    self.say(
                        "acknowledged and missing", "%s is %s", r, "there" if there else "not there"
                    )
        challenges = {
            c["id"]: c["status"] for c in self.rows("SELECT id, status FROM otp_challenges")
        }
        names = {c["name"] for c in self.rows("SELECT name FROM customers WHERE name IS NOT NULL")}
        last = {}
        for r in self.records:
            if (
                r.what == "otp"
                and r.status == 201
                and challenges.get(r.doc["id"]) not in ("sent", "sending")
            ):
                self.say(
                    "acknowledged and missing",
                    "%r; its challenge is %s",
                    r,
                    challenges.get(r.doc["id"]),
                )
            if r.what == "name" and may_be_done(r):
                last.setdefault(r.who, []).append(r)
        for renamed in last.values():
            while renamed and not renamed[-1].acknowledged:
                renamed.pop()  # what came after the last acknowledgement may have been done, too
            if (
                renamed
                and len(last[renamed[-1].who]) == len(renamed)
                and renamed[-1].doc["name"] not in names
            ):
                self.say("acknowledged and missing", "%r", renamed[-1])

    def payments(self):
        rows = {
            p["id"]: p for p in self.rows("SELECT id, booking_id, status, gateway_id FROM payments")
        }
        order = {
            "creating": 0,
            "unknown": 1,
            "initiated": 1,
            "failed": 2,
            "expired": 2,
            "paid": 3,
            "partially_refunded": 4,
            "refunded": 5,
        }
        for r in self.records:
            if r.what not in ("pay", "payment") or not r.acknowledged or "id" not in (r.doc or {}):
                continue
            p = rows.get(r.doc["id"])
            if (
                p is None
                or r.doc.get("gateway_id", p["gateway_id"]) != p["gateway_id"]
                or order[p["status"]] < order[r.doc["status"]]
            ):
                self.say("acknowledged and missing", "%r; the row is %r", r, p)

    def answers(self):
        """
        No 5xx but while a part was down that explains it; no connection that ends but with the
        dispatcher. One answer outlives its cause: a refund that came into doubt then may be told to
        be in doubt for the 15 minutes that the gateway's total is waited for, and after them that
        it was not made."""
        doubts = {}
        booking_of = dict(self.shop.pg.sql("SELECT id, booking_id FROM payments"))
        for r in sorted(self.records, key=lambda r: r.ended):
            if 0 < r.status < 500:
                continue
            about = booking_of.get(r.subject, r.subject)
            if self.cause(r):
                doubts.setdefault(about, r.begun)
            elif (
                r.what in ("cancel", "refund")
                and about in doubts
                and ((r.doc or {}).get("outcome") == "unknown" or r.ended - doubts[about] > DOUBT_S)
            ):
                self.told_again += 1
            else:
                self.say("5xx without a cause" if r.status else "connection ended", "%r", r)

    def cause(self, r):
        """The latest fault that explains an answer of 5xx, or none at all."""
        known = [
            w for w in self.windows if w.covers(r) and (r.code in w.codes if r.status else w.resets)
        ]
        return max(known, key=lambda w: w.begun) if known and r.status != 500 else None

    def books(self):
        session = self.shop.pg.session()
        for name, n in bd_books.wrong(session).items():
            self.say(
                "overlaps"
                if name == "overlaps"
                else "doubled payments"
                if "twice" in name or "two open" in name
                else "invariants",
                "%d %s",
                n,
                name,
            )
        session.close()
        for kind, words in self.unequal:
            self.say(
                "doubled payments" if kind == "doubled" else "invoices of both sides",
                "%s: %s",
                kind,
                words,
            )
        pending = int(
            self.shop.pg.value("SELECT count(*) FROM notifications WHERE status = 'PENDING'")
        )
        if pending:
            self.say("PENDING notifications", "%d are", pending)
        asking = self.shop.pg.session()
        differ = bd_courier.compare(bd_courier.read(asking), self.shop.sandbox.inbox())
        asking.close()
        for what in ("twice", "SENT and not arrived"):
            if differ[what]:
                self.say("notifications and messages", "%d %s", differ[what], what)
        try:
            bd_books.notification_figures(self.shop)
        except AssertionError as e:
            self.say("notifications and messages", "%s", e)
