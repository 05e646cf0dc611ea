#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: none
"""What grows without end must not make requests slower: the blocks that each statement reads, with
a hundred times the rows behind it; a short run is test_growth.py.

The past grows (bookings, notifications, payments, audit log, keys); what is ahead and what is open
stays the same. Each statement is run with a plan for its values and with the plan that PostgreSQL
keeps; the worse one counts. The ratio of blocks must not exceed 1.5.
"""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST = 1.5
VENUES = 50


def uid(kind, n):
    return "0000000%d-0000-7000-8000-%012x" % (kind, n)


VENUE, RESOURCE, SERVICE, CUSTOMER, BOOKING, NOTE, PAYMENT, AUDIT = range(1, 9)
SQL_UID = "('0000000%d-0000-7000-8000-' || lpad(to_hex(%s), 12, '0'))::uuid"

# Who books is one of so many: of a few hundred a plan reads all, which is less than a look per row.
LEAST_PEOPLE = 10000
# Venues with a resource each, and eight bookings per resource and day: the past is `n` of them, and
# what is ahead is the same. Rows come in the order of time, as they would.
FILL = """
SET session_replication_role = replica;  -- the past was legal when it was made
INSERT INTO venues (id, name, time_zone, currency, locale)
SELECT {venue_i}, 'Venue', 'Asia/Riyadh', 'SAR', 'ar' FROM generate_series(0, {v} - 1) AS i;
INSERT INTO resources (venue_id, id, name)
SELECT {venue_i}, {resource_i}, 'Chair' FROM generate_series(0, {v} - 1) AS i;
INSERT INTO services (venue_id, id, name, duration_minutes, slot_step_minutes, price, payment)
SELECT {venue_i}, {service_i}, 'Cut', 60, 60, 10000, 'none' FROM generate_series(0, {v} - 1) AS i;
INSERT INTO service_resources (venue_id, service_id, resource_id)
SELECT {venue_i}, {service_i}, {resource_i} FROM generate_series(0, {v} - 1) AS i;
INSERT INTO opening_hours (venue_id, resource_id, position, weekday, opens_minute, closes_minute)
SELECT {venue_i}, {resource_i}, d, d, 540, 1020
  FROM generate_series(0, {v} - 1) AS i, generate_series(1, 7) AS d;
INSERT INTO customers (id, phone, locale)
SELECT {customer_i}, '+9665' || lpad(i::text, 8, '0'), 'ar'
  FROM generate_series(0, {people} - 1) AS i;
INSERT INTO sessions (token_hash, customer_id, expires_at)
SELECT 'token-' || i, {customer_c}, now() + interval '30 days'
  FROM (SELECT i, i * {apart} AS c FROM generate_series(0, {n} / 20) AS i) o;
INSERT INTO staff_keys (id, name, key_hash, role, venue_id)
VALUES (gen_random_uuid(), 'all', 'all', 'admin', NULL),
       (gen_random_uuid(), 'one', 'one', 'admin', '{one}');

INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status, starts_at,
                      ends_at, occupied, party_size, amount, currency, payment, hold_expires_at,
                      ended_at, cancelled_at)
SELECT {venue_k}, {booking_i}, {service_k}, {resource_k}, {customer_c}, b.status, b.at,
       b.at + interval '1 hour', tstzrange(b.at, b.at + interval '1 hour'), 1, 10000, 'SAR', 'none',
       CASE WHEN b.status = 'pending_payment' THEN now() + interval '20 minutes' END,
       CASE WHEN b.status IN ('completed', 'no_show') THEN b.at END,
       CASE WHEN b.status = 'cancelled' THEN b.at END
  FROM (SELECT i, i % {v} AS k, i % ({n} / 20 + 1) * {apart} AS c,
               date_trunc('day', now()) + ((i - {n}) / ({v} * 8)) * interval '1 day'
                   + ((i / {v}) % 8 + 6) * interval '1 hour'
                   + CASE WHEN i <= {n} THEN interval '-2 days' ELSE interval '1 day' END AS at,
               CASE WHEN i > {n} + 500 THEN 'pending_payment'
                    WHEN i > {n} THEN 'confirmed'
                    WHEN (i / {v}) % 10 = 0 THEN 'cancelled'
                    WHEN (i / {v}) % 20 = 1 THEN 'no_show'
                    ELSE 'completed' END AS status
          FROM generate_series(1, {n} + 520) AS i) b;
INSERT INTO booking_history (venue_id, booking_id, version, at, to_status, actor)
SELECT venue_id, id, 1, created_at, status, 'customer:' || customer_id FROM bookings ORDER BY id;
INSERT INTO notifications (venue_id, id, booking_id, event, template, locale, recipient, body,
                           status, error_code, acknowledged_at, acknowledged_by, send_by,
                           expires_at, created_at)
SELECT b.venue_id, {note_i}, b.id, 'booking_confirmed:1', 'booking_confirmed', 'ar',
       '+966500000000', 'Your booking', s.status,
       CASE WHEN s.status = 'FAILED' THEN 'unknown' END,
       CASE WHEN s.status = 'FAILED' AND b.i <= {n} THEN b.starts_at END,
       CASE WHEN s.status = 'FAILED' AND b.i <= {n} THEN 'staff:one' END,
       b.starts_at, b.starts_at, b.starts_at - interval '9 days'
  FROM (SELECT *, row_number() OVER (ORDER BY id)::integer AS i FROM bookings) b,
       LATERAL (SELECT CASE WHEN b.i > {n} + 480 THEN 'PENDING'
                            WHEN b.i > {n} + 400 THEN 'FAILED'
                            WHEN b.i <= {n} AND (b.i / {v}) % 4 = 3 THEN 'FAILED'
                            ELSE 'SENT' END AS status) s;
INSERT INTO payments (venue_id, id, booking_id, status, amount, currency, provider, gateway_id,
                      charge_id, return_url, invoice_expires_at, created_at)
SELECT b.venue_id, {payment_i}, b.id, 'paid', 10000, 'SAR', 'pay', 'invoice-' || b.i,
       'charge-' || b.i, 'https://example.com/', b.starts_at, b.starts_at
  FROM (SELECT *, row_number() OVER (ORDER BY id)::integer AS i FROM bookings) b
 WHERE b.i <= {n} AND (b.i / {v}) % 3 = 0;
INSERT INTO payment_history (venue_id, payment_id, at, to_status, actor)
SELECT venue_id, id, created_at, status, 'gateway' FROM payments ORDER BY id;
INSERT INTO audit_log (id, venue_id, at, actor, action, subject)
SELECT {audit_i}, {venue_k}, now() - ({n} - i) * interval '10 minutes', 'staff:one', 'venue.change',
       'x'
  FROM (SELECT i, i % {v} AS k FROM generate_series(1, {n}) AS i) a;
INSERT INTO idempotency_keys (caller, key, request_hash, holder, claimed_until, status, body,
                              created_at)
SELECT 'customer:' || {customer_c}, 'key-' || k, 'hash', 'holder-' || i || '-' || k,
       now() + interval '1 minute', CASE WHEN i > 0 OR k > 1 THEN 201 END, '{{}}',
       now() - (i % 1000) * interval '1 minute'
  FROM (SELECT i, i * {apart} AS c FROM generate_series(0, {n} / 20) AS i) o,
       generate_series(1, 20) AS k;
INSERT INTO rate_limits (subject, window_start, window_end, taken)
SELECT 'subject-' || i, now(), now() + interval '1 hour', 1 FROM generate_series(1, {n}) AS i;
SET session_replication_role = DEFAULT;
VACUUM (ANALYZE);
"""

ME = "'token-1'"
ALL, ONE = "'all'", "'one'"


def apart(n):
    """Between the numbers of customers who book, 20 times each."""
    return max(LEAST_PEOPLE // (n // 20 + 1), 1)


def nulls(n):
    return ", ".join(["NULL"] * n)


def lists(n):
    """(what, statement, its parameters), with `n` bookings in the past."""
    v1, venue = "'%s'" % uid(VENUE, 1), "'%s'" % uid(VENUE, 2)
    booking = "'%s'" % uid(BOOKING, n // 20 * 10 + 1)
    key = "notification_list_key"
    mid = "(now() - interval '5 days')::timestamptz, '%s'" % uid(NOTE, 0)
    audit = "((extract(epoch FROM now()) - 36000) * 1000000)::bigint, '%s'" % uid(AUDIT, 0)
    of_service = "'%s', NULL, NULL" % uid(SERVICE, 1)
    calendar = "booking_list_staff"
    return [
        ("notifications", key, "%s, %s, %s, 50, NULL, NULL" % (ALL, nulls(6), nulls(2))),
        ("  FAILED", key, "%s, 'FAILED', %s, 50, NULL, NULL" % (ALL, nulls(7))),
        ("  PENDING", key, "%s, 'PENDING', %s, 50, NULL, NULL" % (ALL, nulls(7))),
        ("  of a booking", key, "%s, NULL, %s, %s, 50, NULL, NULL" % (ALL, booking, nulls(6))),
        ("  behind a cursor", key, "%s, %s, %s, 50, NULL, NULL" % (ALL, nulls(6), mid)),
        ("  of one venue", key, "%s, %s, 50, NULL, %s" % (ALL, nulls(8), v1)),
        ("venue key: notifications", key, "%s, %s, 50, NULL, NULL" % (ONE, nulls(8))),
        ("  FAILED", key, "%s, 'FAILED', %s, 50, NULL, NULL" % (ONE, nulls(7))),
        ("  PENDING", key, "%s, 'PENDING', %s, 50, NULL, NULL" % (ONE, nulls(7))),
        ("  of a booking", key, "%s, NULL, %s, %s, 50, NULL, NULL" % (ONE, booking, nulls(6))),
        ("  of another venue", key, "%s, %s, 50, NULL, %s" % (ONE, nulls(8), venue)),
        ("a booking's notifications", "notification_of_booking", "%s, %s" % (ONE, booking)),
        ("groups, open", "notification_groups", "%s, %s, false, NULL" % (ALL, nulls(4))),
        ("venue key: groups, open", "notification_groups", "%s, %s, false, NULL" % (ONE, nulls(4))),
        ("resend, dry run", "notification_count", nulls(12)),
        ("  its texts", "notification_bodies", nulls(12) + ", 2000"),
        (
            "resend, next",
            "notification_claim_next",
            "%s, (now() - interval '7 days')::timestamptz, '%s', 1000, %s"
            % (nulls(7), uid(NOTE, 0), nulls(3)),
        ),
        ("acknowledge", "notification_acknowledge", nulls(9) + ", 'staff:one'"),
        ("acknowledge, dry run", "notification_count_open", nulls(9)),
        ("audit", "audit_list", ALL + ", NULL, NULL, 50"),
        ("venue key: audit", "audit_list", ONE + ", NULL, NULL, 50"),
        ("  behind a cursor", "audit_list", "%s, %s, 50" % (ONE, audit)),
        ("calendar, pending", calendar, calendar_of(v1, "'{pending_payment}'")),
        ("calendar, confirmed", calendar, calendar_of(v1, "'{confirmed}'")),
        ("calendar, expired", calendar, calendar_of(v1, "'{expired}'")),
        ("calendar, all", calendar, calendar_of(v1, "NULL")),
        ("calendar, a week", calendar, calendar_of(v1, "NULL", "current_date, current_date + 6")),
        (
            "calendar, a customer",
            calendar,
            calendar_of(v1, "NULL", customer="'%s'" % uid(CUSTOMER, apart(n))),
        ),
        (
            "a closure's bookings",
            "catalog_closure_conflicts",
            "%s, NULL, now() + interval '1 day', now() + interval '2 days'" % v1,
        ),
        ("changed hours", "catalog_conflicts", "'%s', true, true, true, NULL" % uid(RESOURCE, 1)),
        ("slots", "slot_times", of_service + ", NULL, current_date, current_date + 6"),
        ("slots, resources", "slot_resources", of_service + ", NULL, current_date, current_date"),
        ("get booking", "booking_find_staff", "%s, %s" % (ONE, booking)),
        ("history", "booking_history", "%s, %s" % (ONE, booking)),
        ("my bookings", "booking_list_mine", "%s, NULL, NULL, NULL, 50" % ME),
        ("payments", "payment_list", "%s, %s, 50, NULL" % (ALL, nulls(6))),
        ("venue key: payments", "payment_list", "%s, 'paid', %s, 50, NULL" % (ONE, nulls(5))),
        ("a claim in doubt", "idem_release_any", "'token-0', 'key-1', 'holder-0-1'"),
        ("  of nobody", "idem_release_any", "'token-x', 'key-1', 'holder-0-1'"),
        ("keeper: interrupted", "keeper_interrupted", None),
        ("keeper: holds", "booking_due", "50"),
        ("keeper: payments", "payment_due", "60, 'request', 16"),
        ("keeper: orphans", "payment_orphans", None),
        ("keeper: refunds", "refund_due", "60"),
        ("keeper: old keys", "keeper_idempotency_keys", None),
        ("keeper: old limits", "keeper_rate_limits", None),
        ("keeper: old sessions", "keeper_sessions", None),
        ("keeper: old audit", "keeper_audit", "(1000 * 365 * 86400000::bigint)"),
        ("courier: too old", "courier_expire", None),
        ("monitor: look", "gauges_look", None),
    ]


def calendar_of(venue, states, dates="NULL, NULL", customer="NULL"):
    return "%s, %s, %s, %s, NULL, NULL, 50, NULL, %s, NULL, NULL" % (
        ALL,
        venue,
        states,
        dates,
        customer,
    )


class World:
    """A database with `n` bookings in the past."""

    def __init__(self, case, n):
        self.pg, self.n = case.postgres(), n
        rows = {"n": n, "v": VENUES, "one": uid(VENUE, 1)}
        rows["people"] = max(n // 20 + 1, LEAST_PEOPLE)
        rows["apart"] = apart(n)
        for name, kind in (
            ("venue", VENUE),
            ("resource", RESOURCE),
            ("service", SERVICE),
            ("customer", CUSTOMER),
            ("booking", BOOKING),
            ("note", NOTE),
            ("payment", PAYMENT),
            ("audit", AUDIT),
        ):
            for column in "ikc":
                rows["%s_%s" % (name, column)] = SQL_UID % (kind, column)
        self.psql(FILL.format(**rows))

    def psql(self, text):
        """As Postgres.sql(), however long it takes."""
        done = subprocess.run(
            [self.pg.psql(), "-XqAt", "-v", "ON_ERROR_STOP=1", self.pg.conninfo, "-f", "-"],
            input=text,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise AssertionError("psql: %s" % done.stderr)
        return done.stdout

    def blocks(self, calls):
        """[most blocks of both plans, the worse plan] per call."""
        text = self.prepared()
        for mode in ("force_custom_plan", "force_generic_plan"):
            # What was rolled back before lies in the way of lists of the same rows.
            text += "VACUUM (INDEX_CLEANUP on);\nSET plan_cache_mode = %s;\n" % mode
            for _, statement, params in calls:
                run = statement + ("(%s)" % params if params else "")
                # The second time nothing is left to do for the rows' first reader.
                text += (
                    "BEGIN; EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off, SUMMARY off)"
                    " EXECUTE %s; ROLLBACK; \\echo ====\n" % run
                ) * 2
        plans = self.psql(text).split("====\n")[1:-1:2]
        n = len(calls)
        out = []
        for i in range(n):
            both = [(self.read(p), p) for p in (plans[i], plans[n + i])]
            out.append(max(both, key=lambda x: x[0]))
        return out

    @staticmethod
    def prepared():
        sql = os.path.join(TOP, "src", "svc", "sql")
        files = sorted(os.path.join(sql, f) for f in os.listdir(sql) if f.endswith(".sql"))
        embed = os.path.join(TOP, "src", "db", "embed.py")
        return subprocess.check_output([sys.executable, embed, "psql", *files], text=True)

    @staticmethod
    def rows(plan):
        return int(re.search(r"actual rows=(\d+)", plan).group(1))

    @staticmethod
    def read(plan):
        """Of the first node that says so, which has those below it in its sum."""
        line = re.search(r"^ *Buffers: (.*)$", plan, re.M)
        found = re.findall(r"shared (.*?)(?:,|$)", line.group(1)) if line else []
        return sum(int(v) for v in re.findall(r"(?:hit|read)=(\d+)", " ".join(found)))


class Growth(bd.Case):
    small, large, slack = 4000, 40000, 220

    def test_cost_follows_no_table(self):
        small, large = World(self, self.small), World(self, self.large)
        calls = lists(self.small)
        few, many = small.blocks(calls), large.blocks(lists(self.large))
        print("%-28s %9d %9d  ratio" % ("rows", self.small, self.large))
        slow = []
        for (what, statement, _), (a, before), (b, plan) in zip(calls, few, many):
            ratio = b / max(a, 1)
            # Each index is one or two levels deeper: that is no growth, and counts where a
            # statement reads next to nothing. Rows that are shown, or changed, may be more.
            fair = self.slack + 5 * max(World.rows(plan) - World.rows(before), 0)
            bad = ratio > MOST and b - a > fair
            print("%-28s %9d %9d  %5.2f%s" % (what, a, b, ratio, "  TOO MUCH" if bad else ""))
            if bad:
                slow.append("%s (%s): %d, %d\n%s" % (what, statement, a, b, plan))
        if slow:
            self.fail("\n".join(slow))


class Purge(bd.Case):
    rows = 20000
    hour_s = 0
    PER_SECOND = 1000  # what expires in the worst hour that is planned for

    def test_purges_keep_up(self):
        """Expired rows go faster than they come, and none is overdue at the end."""
        pg = self.postgres()
        pg.sql(
            "INSERT INTO rate_limits (subject, window_start, window_end, taken)"
            " SELECT 's-' || i, now() - interval '2 hours', now() - interval '1 hour', 1"
            " FROM generate_series(1, %d) AS i" % self.rows
        )
        begun = time.monotonic()
        self.daemon(pg, {"server": {"workers": 1}})
        bd.wait_until(
            lambda: self.overdue(pg) == 0,
            "expired limits to be gone",
            self.rows / self.PER_SECOND + 15,
        )
        took = time.monotonic() - begun
        print("purge: %d rows in %.1f s, with the start" % (self.rows, took), flush=True)

    def test_an_hour_of_expiring_rows(self):
        """As many rows as expire in an hour, in less time: none is overdue at the end."""
        if not self.hour_s:
            self.skipTest("minutes: ./dev campaign growth --hour 1200")
        pg = self.postgres()
        # Off in the tests' cluster. Without it deleted rows lie in front of those to delete.
        pg.sql("ALTER SYSTEM SET autovacuum = on")
        pg.sql("SELECT pg_reload_conf()")
        self.addCleanup(pg.sql, "SELECT pg_reload_conf()")
        self.addCleanup(pg.sql, "ALTER SYSTEM RESET autovacuum")
        self.daemon(pg, {"server": {"workers": 1}})
        begun, made, most, total = time.monotonic(), 0, 0, 3600 * self.PER_SECOND
        while made < total:
            # What the clock asks for by now, spread over the second that comes.
            share = min((time.monotonic() - begun + 1) / self.hour_s, 1)
            more = int(total * share) - made
            pg.sql(
                "INSERT INTO rate_limits (subject, window_start, window_end, taken)"
                " SELECT 's-' || %d + i, now(), now() + random() * interval '1 second', 1"
                " FROM generate_series(1, %d) AS i" % (made, more)
            )
            made += more
            most = max(most, self.overdue(pg))
            time.sleep(0.5)
        fed = time.monotonic() - begun
        bd.wait_until(lambda: self.overdue(pg) == 0, "nothing to be overdue", 60)
        print(
            "purge: %d rows expired within %.0f s, at most %d overdue, none %.0f s later"
            % (made, fed, most, time.monotonic() - begun - fed),
            flush=True,
        )

    @staticmethod
    def overdue(pg):
        return int(pg.value("SELECT count(*) FROM rate_limits WHERE window_end < now()"))

    def test_refused_requests_leave_nothing(self):
        """1,500 requests for codes that one limit refuses: no row of the other limits."""
        pg = self.postgres()
        pg.sql("SELECT * FROM rate_take(ARRAY['total'], ARRAY[1], ARRAY[3600000]::bigint[])")
        denied = pg.value(
            "SELECT count(*) FROM generate_series(1, 1500) AS i,"
            " rate_take(ARRAY['phone-' || i, 'address-' || i, 'total'], ARRAY[5, 20, 1],"
            " ARRAY[3600000, 3600000, 3600000]::bigint[])"
        )
        self.assertEqual(denied, "1500")
        self.assertEqual(pg.value("SELECT count(*) FROM rate_limits"), "1")


if __name__ == "__main__":
    given = bd_campaign.parser()
    given.add_argument("--small", type=int, default=10000, help="rows of the past")
    given.add_argument("--large", type=int, default=1000000, help="and those that they grow to")
    given.add_argument("--purge", type=int, default=200000, help="rows that have expired")
    given.add_argument("--hour", type=int, default=1200, help="seconds for an hour of rows")
    options = bd_campaign.options(given)
    Growth.small, Growth.large, Growth.slack = options.small, options.large, 12
    Purge.rows, Purge.hour_s = options.purge, options.hour
    bd_campaign.run(bd_campaign.suite(Growth, Purge))
