# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Venues, services, resources, opening hours, closures: what staff may write, what the public sees,
every refusal.
"""
import unittest

import bd

NO_WORDS = {
    "names": {},
    "description": None,
    "descriptions": {},
    "category": None,
    "order": 0,
    "photo_url": None,
}
NOBODY = "018f0000-0000-7000-8000-000000000000"


class Catalog(bd.Case):
    def setUp(self):
        self.daemon_ = self.daemon(self.postgres(), {"server": {"workers": 2}})
        self.client = self.daemon_.client()
        self.addCleanup(self.client.close)
        self.keys = {
            role: self.daemon_.staff_key(role, role) for role in ("admin", "agent", "viewer")
        }

    def call(self, method, path, body=None, role="admin", key=None):
        headers = {"Authorization": "Bearer " + (key or self.keys[role])} if role or key else {}
        return self.client.request(method, path, body, headers)

    def made(self, path, body):
        answer = self.call("POST", path, body)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()

    def venue(self, **more):
        return self.made(
            "/v1/staff/venues",
            {"name": "Palms", "time_zone": "Asia/Riyadh", "currency": "SAR", **more},
        )

    def refused(self, answer, status, code, pointer=None):
        self.assertEqual((answer.status, answer.json()["code"]), (status, code), answer.body)
        self.assertEqual(answer.header("Content-Type"), "application/problem+json")
        if pointer is not None:
            self.assertIn(pointer, [e["pointer"] for e in answer.json()["errors"]])

    def test_venue(self):
        v = self.venue()
        self.assertEqual(self.client.get("/v1/venues/" + v["id"]).json(), v)
        self.assertEqual(
            v,
            {
                "id": v["id"],
                "name": "Palms",
                "time_zone": "Asia/Riyadh",
                "currency": "SAR",
                "active": True,
                **NO_WORDS,
                "locale": "ar",
                "address": None,
                "phone": None,
                "map_url": None,
                "reminders": "inherit",
            },
        )
        path = "/v1/staff/venues/" + v["id"]
        self.assertEqual(self.call("PATCH", path, {"name": "Oasis"}).json()["name"], "Oasis")
        self.refused(
            self.call("PATCH", path, {"time_zone": "Mars/Olympus"}),
            422,
            "validation_failed",
            "/time_zone",
        )
        self.refused(
            self.call("PATCH", path, {"currency": "ZZZ"}), 422, "validation_failed", "/currency"
        )
        self.refused(self.call("PATCH", path, {}), 422, "validation_failed")
        self.refused(self.call("PATCH", path, {"owner": 1}), 422, "validation_failed", "/owner")
        self.refused(self.call("PATCH", path, {"name": "x"}, role="agent"), 403, "forbidden")
        self.refused(self.call("PATCH", path, {"name": "x"}, role=None), 401, "unauthorized")
        self.refused(
            self.call("PATCH", "/v1/staff/venues/" + NOBODY, {"name": "x"}), 404, "not_found"
        )
        self.assertEqual(self.call("PATCH", path, {"active": False}).status, 200)
        self.refused(self.client.get("/v1/venues/" + v["id"]), 404, "not_found")
        self.refused(self.client.get("/v1/venues/%s/services" % v["id"]), 404, "not_found")

    def test_lists_are_paged(self):
        ids = [self.venue(name="V%d" % (i // 2))["id"] for i in range(5)]
        seen, path = [], "/v1/venues?limit=2"
        while path:
            page = self.client.get(path).json()
            seen += [v["id"] for v in page["items"]]
            self.assertLessEqual(len(page["items"]), 2)
            path = page["next"] and "/v1/venues?limit=2&after=" + page["next"]
        self.assertEqual(sorted(seen), sorted(ids))
        for bad in (
            "limit=0",
            "limit=101",
            "limit=x",
            "after=!!",
            "after=AAAA",
            "limit=1&limit=2",
            "colour=red",
        ):
            self.refused(
                self.client.get("/v1/venues?" + bad),
                422,
                "validation_failed",
                "query:" + bad.split("=")[0],
            )

    def test_service(self):
        v = self.venue()
        r = self.made("/v1/staff/venues/%s/resources" % v["id"], {"name": "Chair"})
        self.assertEqual(r["capacity"], 1)
        s = self.made(
            "/v1/staff/venues/%s/services" % v["id"],
            {"name": "Cut", "duration_minutes": 40, "resource_ids": [r["id"]]},
        )
        self.assertEqual(
            (
                s["slot_step_minutes"],
                s["max_advance_days"],
                s["currency"],
                s["payment"],
                s["venue_id"],
            ),
            (40, 90, "SAR", "none", v["id"]),
        )
        self.assertEqual(self.client.get("/v1/services/" + s["id"]).json(), s)
        self.assertEqual(
            self.client.get("/v1/venues/%s/services" % v["id"]).json(), {"items": [s], "next": None}
        )
        path = "/v1/staff/services/" + s["id"]
        changed = self.call(
            "PATCH", path, {"duration_minutes": 50, "price": 5000, "resource_ids": []}
        ).json()
        self.assertEqual(
            (
                changed["duration_minutes"],
                changed["slot_step_minutes"],
                changed["price"],
                changed["resource_ids"],
            ),
            (50, 50, 5000, []),
        )
        for body, pointer in (
            ({"duration_minutes": 4}, "/duration_minutes"),
            ({"price": -1}, "/price"),
            ({"price": 1.5}, "/price"),
            ({"payment": "later"}, "/payment"),
            ({"resource_ids": [NOBODY]}, "/resource_ids/0"),
            ({"resource_ids": ["x"]}, "/resource_ids/0"),
            ({"max_advance_days": 731}, "/max_advance_days"),
            ({"name": ""}, "/name"),
            ({"name": None}, "/name"),
            ({"active": "yes"}, "/active"),
        ):
            self.refused(self.call("PATCH", path, body), 422, "validation_failed", pointer)
        self.refused(
            self.call("POST", "/v1/staff/venues/%s/services" % v["id"], {"name": "x"}),
            422,
            "validation_failed",
            "/duration_minutes",
        )
        self.call("PATCH", path, {"active": False})
        self.refused(self.client.get("/v1/services/" + s["id"]), 404, "not_found")
        self.refused(self.client.get("/v1/services/%s/slots" % s["id"]), 404, "not_found")

    def test_opening_hours(self):
        v = self.venue()
        r = self.made("/v1/staff/venues/%s/resources" % v["id"], {"name": "Chair", "capacity": 3})
        path = "/v1/staff/resources/%s/opening-hours" % r["id"]
        self.assertEqual(self.call("GET", path).json(), {"items": []})
        week = {
            "items": [
                {"weekday": 7, "opens": "09:00", "closes": "24:00"},
                {"weekday": 1, "opens": "22:00", "closes": "02:00"},
            ]
        }
        none = {"conflicts": [], "conflicts_total": 0}
        self.assertEqual(self.call("PUT", path, week).json(), {**week, **none})
        self.assertEqual(self.call("GET", path, role="viewer").json(), week)
        for item, member in (
            ({"weekday": 0, "opens": "09:00", "closes": "10:00"}, "weekday"),
            ({"weekday": 1, "opens": "24:00", "closes": "10:00"}, "opens"),
            ({"weekday": 1, "opens": "09:60", "closes": "10:00"}, "opens"),
            ({"weekday": 1, "opens": "9:00", "closes": "10:00"}, "opens"),
            ({"weekday": 1, "opens": "09:00", "closes": "24:01"}, "closes"),
            ({"weekday": 1, "opens": "09:00"}, "closes"),
        ):
            self.refused(
                self.call("PUT", path, {"items": [item]}),
                422,
                "validation_failed",
                "/items/0/" + member,
            )
        self.assertEqual(self.call("GET", path).json(), week)
        self.refused(self.call("PUT", path, week, role="agent"), 403, "forbidden")

    def test_closures(self):
        v = self.venue()
        path = "/v1/staff/venues/%s/closures" % v["id"]
        c = self.made(
            path,
            {
                "starts_at": "2030-01-01T00:00:00+03:00",
                "ends_at": "2030-01-02T00:00:00+03:00",
                "reason": "Stocktaking",
            },
        )
        self.assertEqual(
            c,
            {
                "id": c["id"],
                "venue_id": v["id"],
                "starts_at": "2029-12-31T21:00:00Z",
                "ends_at": "2030-01-01T21:00:00Z",
                "reason": "Stocktaking",
                "conflicts": [],
                "conflicts_total": 0,
            },
        )
        del c["conflicts"], c["conflicts_total"]
        self.assertEqual(self.call("GET", path).json(), {"items": [c], "next": None})
        self.refused(
            self.call(
                "POST",
                path,
                {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"},
            ),
            422,
            "validation_failed",
            "/ends_at",
        )
        self.refused(
            self.call(
                "POST",
                path,
                {"starts_at": "2030-01-01T00:00:00", "ends_at": "2030-01-01T00:00:00Z"},
            ),
            422,
            "validation_failed",
            "/starts_at",
        )
        self.refused(
            self.call(
                "POST",
                path,
                {
                    "starts_at": "2030-01-01T00:00:00Z",
                    "ends_at": "2030-01-02T00:00:00Z",
                    "resource_id": NOBODY,
                },
            ),
            422,
            "validation_failed",
            "/resource_id",
        )
        self.assertEqual(self.call("DELETE", "/v1/staff/closures/" + c["id"]).status, 204)
        self.refused(self.call("DELETE", "/v1/staff/closures/" + c["id"]), 404, "not_found")

    def test_a_key_of_one_venue_sees_no_other(self):
        mine, other = self.venue(), self.venue()
        key = self.daemon_.staff_key("bound", "admin", mine["id"])
        r = self.made("/v1/staff/venues/%s/resources" % other["id"], {"name": "Chair"})
        self.refused(
            self.call(
                "POST",
                "/v1/staff/venues",
                {"name": "x", "time_zone": "UTC", "currency": "SAR"},
                key=key,
            ),
            403,
            "forbidden",
        )
        for method, path, body in (
            ("PATCH", "/v1/staff/venues/" + other["id"], {"name": "x"}),
            ("GET", "/v1/staff/venues/%s/resources" % other["id"], None),
            ("POST", "/v1/staff/venues/%s/resources" % other["id"], {"name": "x"}),
            ("PATCH", "/v1/staff/resources/" + r["id"], {"name": "x"}),
            ("GET", "/v1/staff/resources/%s/opening-hours" % r["id"], None),
            ("PUT", "/v1/staff/resources/%s/opening-hours" % r["id"], {"items": []}),
            ("GET", "/v1/staff/venues/%s/closures" % other["id"], None),
        ):
            self.refused(self.call(method, path, body, key=key), 404, "not_found")
        self.assertEqual(
            self.call("PATCH", "/v1/staff/venues/" + mine["id"], {"name": "x"}, key=key).status, 200
        )

    def test_slot_queries(self):
        v = self.venue()
        s = self.made(
            "/v1/staff/venues/%s/services" % v["id"], {"name": "Cut", "duration_minutes": 40}
        )
        path = "/v1/services/%s/slots?" % s["id"]
        self.assertEqual(self.client.get(path[:-1]).json(), {"items": [], "next": None})
        for query, name in (
            ("from=2030-02-30", "from"),
            ("to=tomorrow", "to"),
            ("from=2030-01-01&to=2030-02-02", "to"),
            ("from=2030-01-02&to=2030-01-01", "to"),
            ("party_size=0", "party_size"),
            ("resource_id=1", "resource_id"),
        ):
            self.refused(self.client.get(path + query), 422, "validation_failed", "query:" + name)
        self.assertEqual(self.client.get(path + "from=2030-01-01&to=2030-02-01").status, 200)
        self.refused(self.client.get(path + "resource_id=" + NOBODY), 404, "not_found")
        self.refused(self.client.get("/v1/services/%s/slots" % NOBODY), 404, "not_found")
        self.refused(self.client.get("/v1/services/x/slots"), 404, "not_found")


class Zones(bd.Case):
    def test_the_names_of_the_list_and_no_others(self):
        pg = self.postgres()
        names = "SELECT name FROM pg_timezone_names"
        self.assertEqual(pg.sql("SELECT name FROM (%s) z WHERE NOT zone_known(name)" % names), [])
        for change in ("lower(name)", "upper(name)", "name || '+3'", "name || ' '", "'/' || name"):
            wrong = "SELECT s FROM (SELECT %s AS s FROM (%s) z) x" % (change, names)
            wrong += " WHERE zone_known(s) <> (s IN (%s))" % names
            self.assertEqual(pg.sql(wrong), [], change)
        for name in "", "FOO+3", "<+03>-03", "Foo/Bar+3", "3", "PST", "pst", "../UTC", "a" * 300:
            self.assertEqual(pg.value("SELECT zone_known('%s')" % name), "f", name)


if __name__ == "__main__":
    unittest.main()
