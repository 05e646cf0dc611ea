#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A database that version 0.1 filled is upgraded, and reads the same afterwards.

tests/data/v0.1.0.sql is a dump of a database after a day of version 0.1: bookings in each state,
paid, refunded, moved, of customers and of staff, in two zones. v0.1.0.json holds what 0.1 answered.
"""
import json
import os
import unittest

import bd
import bd_shop

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")


def load_answers():
    with open(os.path.join(DATA, "v0.1.0.json"), encoding="utf-8") as f:
        return json.load(f)


class Upgrade(bd.Case):
    @classmethod
    def setUpClass(cls):
        cls.keep = bd.Case()
        cls.addClassCleanup(cls.keep.doCleanups)
        cls.pg = cls.keep.postgres(migrate=False)
        with open(os.path.join(DATA, "v0.1.0.sql"), encoding="utf-8") as f:
            cls.pg.sql(f.read())
        cls.pg.sql("SELECT pg_catalog.set_config('search_path', 'public', false)")
        cls.counts = cls.count_rows()
        cls.pg.migrate()
        cls.seen = load_answers()
        sms = cls.keep.provider(bd.p_reply(201, bd_shop.sms_ok))
        cls.daemon = cls.keep.daemon(cls.pg, bd_shop.config(sms))

    @classmethod
    def count_rows(cls):
        tables = ("bookings", "booking_history", "notifications", "payments", "refunds")
        return {t: cls.pg.value("SELECT count(*) FROM %s" % t) for t in tables}

    def get(self, path, token):
        r = self.daemon.get(path, {"Authorization": "Bearer " + token})
        self.assertEqual(r.status, 200, r)
        return r.json()

    def assert_same(self, new, old, place):
        """Answers may have grown; what was there reads as before."""
        if isinstance(old, dict):
            for key, value in old.items():
                self.assertIn(key, new, place)
                self.assert_same(new[key], value, place + "." + key)
        elif isinstance(old, list):
            self.assertEqual(len(new), len(old), place)
            for i, value in enumerate(old):
                self.assert_same(new[i], value, "%s[%d]" % (place, i))
        else:
            self.assertEqual(new, old, place)

    def test_every_booking_reads_the_same_for_staff(self):
        for booking, old in self.seen["staff"].items():
            if any(p["status"] == "initiated" for p in old["payments"]):
                continue  # the keeper goes on with what was open
            new = self.get("/v1/staff/bookings/" + booking, self.seen["admin_key"])
            self.assert_same(new, old, booking)

    def test_every_booking_reads_the_same_for_its_customer(self):
        for booking, old in self.seen["mine"].items():
            current = dict(self.seen["staff"][booking])  # some changed after they were made
            old.update({k: current[k] for k in old})
            new = self.get("/v1/bookings/" + booking, self.seen["owner"][booking])
            self.assert_same(new, old, booking)

    def test_no_row_is_lost(self):
        self.assertEqual(self.count_rows(), self.counts)


if __name__ == "__main__":
    unittest.main()
