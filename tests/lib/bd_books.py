# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Whether a database is consistent: queries of which each counts rows that must not exist, and the
three figures of the notifications.
"""
import collections

import bd

QUESTIONS = {
    # What begins and ends, in order of time, summed up; what ends at a moment does so before what
    # begins then.
    "overlaps": """WITH live AS (SELECT * FROM bookings WHERE booking_is_live(status,
      hold_expires_at)),
        change AS (SELECT venue_id, resource_id, lower(occupied) AS at, party_size AS n FROM live
                   UNION ALL SELECT venue_id, resource_id, upper(occupied), -party_size FROM live),
        load AS (SELECT venue_id, resource_id, sum(n) OVER (PARTITION BY venue_id,
          resource_id ORDER BY at, n) AS units FROM change)
        SELECT count(*) FROM load l JOIN resources r ON (r.venue_id, r.id) = (l.venue_id,
          l.resource_id) WHERE l.units > r.capacity""",
    "versions without history": """SELECT count(*) FROM bookings b
        WHERE version <> (SELECT count(*) FROM booking_history h WHERE (h.venue_id,
          h.booking_id) = (b.venue_id, b.id))""",
    "confirmed without a notification": """SELECT count(*) FROM bookings b
      JOIN booking_history h ON (h.venue_id, h.booking_id) = (b.venue_id, b.id)
        WHERE h.to_status = 'confirmed' AND h.from_status IS DISTINCT FROM 'confirmed'
          AND NOT EXISTS (SELECT FROM notifications n
        WHERE (n.venue_id, n.booking_id) = (b.venue_id,
          b.id) AND n.template = 'booking_confirmed')""",
    "payments that their history does not know": """SELECT count(*) FROM payments p
      WHERE p.status IS DISTINCT FROM
        (SELECT h.to_status FROM payment_history h WHERE (h.venue_id, h.payment_id) = (p.venue_id,
          p.id) ORDER BY h.at DESC LIMIT 1)""",
    "bookings with two open payments": """SELECT count(*) FROM (SELECT FROM payments
      WHERE status IN ('creating', 'initiated', 'unknown')
        GROUP BY booking_id HAVING count(*) > 1) x""",
    "bookings paid twice": """SELECT count(*) FROM (SELECT FROM payments WHERE status IN ('paid',
      'partially_refunded') AND NOT surplus
        GROUP BY booking_id HAVING count(*) > 1) x""",
}


def wrong(session):
    """{question: count} of what is not 0. session: bd.Session."""
    answers = {name: int(session.ask(" ".join(sql.split()))[0]) for name, sql in QUESTIONS.items()}
    return {name: n for name, n in answers.items() if n}


def notification_figures(shop, limit=25.0):
    """Waits until rows, metrics page and staff list show the same notifications; returns
    {(template, outcome): rows}. A count that was cut off is made again after twenty times its
    limit: a minute.
    """

    def rows():
        return {
            (t, e): int(n)
            for t, e, n in shop.pg.sql(
                "SELECT template, coalesce(error_code, status), count(*) FROM notifications "
                "GROUP BY 1, 2"
            )
        }

    def page():
        m = shop.daemon.metrics()
        by_status = {l["status"]: 0 for n, l, v in m if n == "bookingd_notifications"}
        for n, l, v in m:
            if n == "bookingd_notifications":
                by_status[l["status"]] += int(v)
        return by_status, {
            (l["template"], l["error_code"]): int(v)
            for n, l, v in m
            if n == "bookingd_notifications_failed" and v
        }

    def expected(have):
        failed = {k: n for k, n in have.items() if k[1] not in ("SENT", "PENDING")}
        return (
            {
                "pending": sum(n for k, n in have.items() if k[1] == "PENDING"),
                "sent": sum(n for k, n in have.items() if k[1] == "SENT"),
                "failed": sum(failed.values()),
            },
            failed,
        )

    said = {}

    def equal():
        said["rows"] = have = rows()
        said["page"] = page()
        if said["page"] != expected(have):
            return False
        said["list"] = dict(
            collections.Counter(
                (n["template"], n["error_code"] or n["status"]) for n in shop.notifications()
            )
        )
        return said["list"] == have

    try:
        bd.wait_until(equal, "equal figures of notifications", limit)
    except AssertionError as e:
        raise AssertionError("%s: %r" % (e, said)) from None
    return said["rows"]
