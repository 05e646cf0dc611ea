# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Slots against an independent model: random schedules in fourteen time zones, walked minute by
minute in Python with the zone rules of `zoneinfo`, and every answer of GET
/v1/services/{id}/slots and /days compared with it, also for the move of a booking.
BOOKINGD_SCHEDULES sets how many."""
import datetime as dt
import os
import random
import time
import unittest
import uuid
import zoneinfo

import bd

SCHEDULES = int(os.environ.get("BOOKINGD_SCHEDULES", "2000"))
ZONES = """Asia/Riyadh Europe/Berlin America/New_York Australia/Lord_Howe Africa/Cairo Asia/Beirut
Africa/Casablanca America/Santiago America/St_Johns Antarctica/Troll Asia/Kathmandu Europe/Lisbon
Pacific/Chatham Pacific/Kiritimati""".split()
UTC = dt.timezone.utc
MINUTE = dt.timedelta(minutes=1)


def clock_changes(zone, after, days):
    """Local dates on which the zone's offset changes."""
    tz, found = zoneinfo.ZoneInfo(zone), []
    for n in range(days):
        at = after + dt.timedelta(days=n)
        if at.astimezone(tz).utcoffset() != (at + dt.timedelta(days=1)).astimezone(tz).utcoffset():
            found.append((at + dt.timedelta(days=1)).astimezone(tz).date())
    return found


class Schedule:
    """One venue with its resources, hours, closures, service and bookings, all drawn from a seeded
    generator.
    """

    def __init__(self, rng, now, changes):
        self.zone = rng.choice(ZONES)
        self.tz = zoneinfo.ZoneInfo(self.zone)
        self.venue, self.service, self.customer = (
            str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(3)
        )
        self.duration = rng.choice([5, 15, 20, 30, 45, 60, 90, 240, 1500])
        self.step = (
            rng.choice([None, 5, 10, 15, 30, 60, 120])
            if self.duration > 5
            else rng.choice([None, 15, 60])
        )
        self.before, self.after = rng.choice([0, 0, 5, 30]), rng.choice([0, 0, 10, 45])
        self.notice = rng.choice([0, 0, 60, 3000])
        self.advance = rng.choice([1, 30, 730, 730, 730])
        # Half of the windows lie around a clock change, where the zone has one.
        days = changes[self.zone]
        if days and rng.random() < 0.6:
            self.first = rng.choice(days) - dt.timedelta(days=rng.randint(0, 2))
        else:
            self.first = now.astimezone(self.tz).date() + dt.timedelta(days=rng.randint(-1, 40))
        self.last = self.first + dt.timedelta(days=rng.choice([0, 1, 3, 6]))
        self.resources = [self.resource(rng) for _ in range(rng.randint(1, 3))]
        self.closures = [self.closure(rng) for _ in range(rng.choice([0, 0, 1, 3]))]
        self.units = [u for r in self.resources for u in self.bookings(rng, r, now)]
        self.party = rng.choice([1, 1, 2, 3])
        self.ids = [str(uuid.uuid4()) for _ in self.units]
        # The booking that is to be moved: its own time is free for it.
        self.moved = rng.randrange(len(self.units)) if self.units and rng.random() < 0.3 else None

    def resource(self, rng):
        hours = []
        for _ in range(rng.randint(0, 8)):
            opens = rng.choice(
                [0, 30, 60, 90, 120, 150, 180, 210, 540, 600, 1320, rng.randrange(1440)]
            )
            closes = rng.choice(
                [0, 60, 120, 150, 180, 1020, 1320, 1440, opens, rng.randrange(1441)]
            )
            hours.append((rng.randint(1, 7), opens, closes))
        if rng.random() < 0.5:
            hours += [
                (d, 60, 240) for d in range(1, 8)
            ]  # every day, across the hours in which clocks change
        return {
            "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "capacity": rng.choice([1, 1, 2, 4]),
            "hours": hours,
            "special": self.special(rng),
        }

    def special(self, rng):
        """Hours of certain dates: (first day, last day, rows); some without a row, closed."""
        if rng.random() < 0.6:
            return None
        first = self.first + dt.timedelta(days=rng.randrange(-1, 4))
        rows = []
        for _ in range(rng.randint(0, 3)):
            rows.append((rng.randrange(1440), rng.choice([0, 1440, rng.randrange(1441)])))
        return first, first + dt.timedelta(days=rng.randrange(0, 3)), rows

    def instant(self, rng):
        start = dt.datetime.combine(self.first, dt.time(), UTC) - dt.timedelta(hours=12)
        return start + MINUTE * rng.randrange(0, ((self.last - self.first).days + 2) * 1440)

    def closure(self, rng):
        start = self.instant(rng)
        who = rng.choice([None] + [r["id"] for r in self.resources])
        return who, start, start + MINUTE * rng.choice([1, 30, 300, 2000])

    def bookings(self, rng, resource, now):
        """Units as bookings would hold them: never two at once on one unit; some of dead holds."""
        taken = []
        for _ in range(rng.choice([0, 2, 6, 12])):
            start = self.instant(rng)
            end = start + MINUTE * rng.choice([5, 30, 60, 200])
            unit = rng.randint(1, resource["capacity"])
            held = rng.choice(
                [None, None, now + dt.timedelta(hours=1), now - dt.timedelta(minutes=1)]
            )
            if not any(u == unit and start < e and s < end for _, u, s, e, _ in taken):
                taken.append((resource["id"], unit, start, end, held))
        return taken

    # ---- into the database ----

    def sql(self):
        def q(value):
            if value is None:
                return "NULL"
            return (
                str(value)
                if isinstance(value, int)
                else "'%s'" % (value.isoformat() if isinstance(value, dt.datetime) else value)
            )

        def row(table, *values):
            return "INSERT INTO %s VALUES (%s);" % (table, ", ".join(q(v) for v in values))

        out = [
            row("venues (id, name, time_zone, currency)", self.venue, "v", self.zone, "SAR"),
            row("customers (id, locale)", self.customer, "en"),
            row(
                "services (venue_id, id, name, duration_minutes, slot_step_minutes, "
                "buffer_before_minutes, buffer_after_minutes,"
                " min_notice_minutes, max_advance_days)",
                self.venue,
                self.service,
                "s",
                self.duration,
                self.step,
                self.before,
                self.after,
                self.notice,
                self.advance,
            ),
        ]
        for r in self.resources:
            out.append(
                row(
                    "resources (venue_id, id, name, capacity)",
                    self.venue,
                    r["id"],
                    "r",
                    r["capacity"],
                )
            )
            out.append(row("service_resources", self.venue, self.service, r["id"]))
            for i, (weekday, opens, closes) in enumerate(r["hours"]):
                out.append(row("opening_hours", self.venue, r["id"], i, weekday, opens, closes))
            if r["special"]:
                first, last, rows = r["special"]
                out.append(
                    row(
                        "special_hours (venue_id, id, resource_id, first_day, last_day,"
                        " opens_minutes, closes_minutes)",
                        self.venue,
                        str(uuid.uuid4()),
                        r["id"],
                        first,
                        last,
                        "{%s}" % ",".join(str(opens) for opens, _ in rows),
                        "{%s}" % ",".join(str(closes) for _, closes in rows),
                    )
                )
        for who, start, end in self.closures:
            out.append(
                row(
                    "closures (venue_id, id, resource_id, starts_at, ends_at)",
                    self.venue,
                    str(uuid.uuid4()),
                    who,
                    start,
                    end,
                )
            )
        for booking, (who, _, start, end, held) in zip(self.ids, self.units):
            occupied = "[%s,%s)" % (start.isoformat(), end.isoformat())
            out.append(
                row(
                    "bookings (venue_id, id, service_id, resource_id, customer_id, status, "
                    "starts_at, ends_at, occupied, party_size,"
                    " amount, currency, payment, hold_expires_at)",
                    self.venue,
                    booking,
                    self.service,
                    who,
                    self.customer,
                    "pending_payment" if held else "confirmed",
                    start,
                    end,
                    occupied,
                    1,
                    0,
                    "SAR",
                    "none",
                    held,
                )
            )
        return "\n".join(out)

    # ---- the model ----

    def opening(self, day, opens, closes):
        def at(base, minute):
            # fold=0 is the offset before a change, both for a skipped and for a repeated wall time
            wall = dt.datetime.combine(base, dt.time()) + MINUTE * minute
            return wall.replace(tzinfo=self.tz, fold=0).astimezone(UTC)

        if closes > opens:
            return at(day, opens), at(day, closes)
        return at(day, opens), at(day + dt.timedelta(days=1), closes)

    def rows_of(self, resource, day):
        """The hours of one date: special ones replace those of the week."""
        special = resource["special"]
        if special and special[0] <= day <= special[1]:
            return special[2]
        return [(o, c) for weekday, o, c in resource["hours"] if day.isoweekday() == weekday]

    def openings(self, resource):
        days = (self.last - self.first).days + 2 + self.duration // 1440
        found = []
        for n in range(-1, days + 1):
            day = self.first + dt.timedelta(days=n)
            found += [self.opening(day, o, c) for o, c in self.rows_of(resource, day)]
        return [o for o in found if o[0] < o[1]]

    @staticmethod
    def covered(openings, start, end):
        """Whether openings that touch or overlap hold the whole time."""
        while start < end:
            reach = max([c for o, c in openings if o <= start < c], default=None)
            if reach is None:
                return False
            start = reach
        return True

    def free_places(self, resource, start, end, now):
        """The capacity less the most people at any moment of the time."""
        there = [
            (s, e)
            for i, (who, _, s, e, held) in enumerate(self.units)
            if who == resource["id"] and s < end and start < e and i != self.moved
            if held is None or held > now
        ]
        moments = [start] + [s for s, _ in there if s > start]
        people = [sum(s <= m < e for s, e in there) for m in moments]
        return resource["capacity"] - max(people)

    def model(self, now):
        found = set()
        for r in self.resources:
            openings = self.openings(r)
            for opening in openings:
                found |= self.in_opening(r, opening, openings, now)
        return sorted(found)

    def in_opening(self, r, opening, openings, now):
        found, start = set(), opening[0]
        while start < opening[1]:
            end = start + MINUTE * self.duration
            if (
                self.first <= start.astimezone(self.tz).date() <= self.last
                and self.covered(openings, start, end)
                and now + MINUTE * self.notice
                <= start
                <= now + dt.timedelta(hours=24 * self.advance)
                and not any(
                    who in (None, r["id"]) and start < e and s < end for who, s, e in self.closures
                )
            ):
                free = self.free_places(
                    r, start - MINUTE * self.before, end + MINUTE * self.after, now
                )
                if free >= self.party:
                    found.add(
                        (
                            start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                            end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                            r["id"],
                            free,
                        )
                    )
            start += MINUTE * (self.step or self.duration)
        return found


class Slots(bd.Case):
    def test_random_schedules_equal_the_model(self):
        seed = int(os.environ.get("BOOKINGD_SEED", time.time()))
        rng = random.Random(seed)
        now = dt.datetime.now(UTC)
        changes = {zone: clock_changes(zone, now, 700) for zone in ZONES}
        pg = self.postgres()
        daemon = self.daemon(pg, {"server": {"workers": 2}})
        slots = nonempty = 0
        key = daemon.staff_key("boss", "admin")
        with daemon.client() as client:
            client.headers["Authorization"] = "Bearer " + key
            for batch in range(0, SCHEDULES, 200):
                schedules = [
                    Schedule(rng, now, changes) for _ in range(min(200, SCHEDULES - batch))
                ]
                pg.sql("\n".join(s.sql() for s in schedules))
                for s in schedules:
                    slots += self.compare(client, s, seed)
                    nonempty += 1
        print("seed %d: %d schedules, %d slots" % (seed, nonempty, slots))
        self.assertGreater(slots, SCHEDULES)  # a generator that offers nothing would prove nothing

    def compare(self, client, s, seed):
        path = "/v1/services/%s/slots?from=%s&to=%s&party_size=%d" % (
            s.service,
            s.first,
            s.last,
            s.party,
        )
        if s.moved is not None:
            path += "&exclude_booking=" + s.ids[s.moved]
        # A start may cross the notice or horizon between the two clock readings: then the model is
        # asked again.
        for _ in range(3):
            before = s.model(dt.datetime.now(UTC))
            got = self.read_pages(client, path)
            days = client.get(path.replace("/slots?", "/days?")).json()["items"]
            after = s.model(dt.datetime.now(UTC))
            if before == after:
                break
        if got != after:
            missing, extra = sorted(set(after) - set(got))[:3], sorted(set(got) - set(after))[:3]
            self.fail(
                "seed %d, %s %s..%s: missing %s, extra %s\n%s"
                % (seed, s.zone, s.first, s.last, missing, extra, s.sql())
            )
        self.compare_days(s, days, after)
        return len(got)

    def read_pages(self, client, path):
        """All pages, of a size that most answers do not fit into."""
        found, after = [], ""
        while after is not None:
            answer = client.get("%s&limit=40%s" % (path, after))
            self.assertEqual(answer.status, 200, answer.body)
            page = answer.json()
            found += [
                (i["starts_at"], i["ends_at"], i["resource_id"], i["available"])
                for i in page["items"]
            ]
            after = page["next"] and "&after=" + page["next"]
        return found

    def compare_days(self, s, days, slots):
        per_day = {}
        for start, *_ in slots:
            moment = dt.datetime.fromisoformat(start.replace("Z", "+00:00"))
            per_day.setdefault(str(moment.astimezone(s.tz).date()), []).append(start)
        want, day = [], s.first
        while day <= s.last:
            starts = per_day.get(str(day), [])
            want.append((str(day), len(starts), min(starts, default=None)))
            day += dt.timedelta(days=1)
        self.assertEqual([(d["date"], d["starts"], d["first_starts_at"]) for d in days], want)


if __name__ == "__main__":
    unittest.main()
