# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A venue with a service, a chair and customers, made over the staff API, for system tests of
bookings and notifications.
"""
import base64
import datetime as dt
import hashlib
import json
import os
import uuid
import zoneinfo

import bd

RIYADH = zoneinfo.ZoneInfo("Asia/Riyadh")
LOCAL_MESSAGES = {
    name: {"en": name + " {service} {starts_at}" + more, "ar": name + " {service}" + more}
    for name, more in (
        ("booking_confirmed", ""),
        ("booking_cancelled", ""),
        ("booking_rescheduled", ""),
        ("booking_expired", ""),
        ("payment_refunded", " {amount} {currency}"),
        ("payment_link", " {amount} {currency} {link}"),
        ("booking_reminder", ""),
    )
}


def sms_ok(request):
    """What Taqnyat answers to a message that it takes."""
    return {
        "statusCode": 201,
        "messageId": 8764321,
        "cost": "0.05",
        "currency": "SAR",
        "totalCount": 1,
        "msgLength": 1,
        "accepted": "[%s,]" % json.loads(request["body"])["recipients"][0],
        "rejected": "[]",
    }


# Signing in by codes, as often as anybody likes.
OTP = {
    "provider": "sms",
    "secret": "x" * 32,
    "resend_cooldown": "0s",
    "per_phone": "100000/1h",
    "per_address": "1000000/1h",
    "total": "1000000/1h",
}


# The campaigns' --delivery.
DELIVERY = None


def delivery():
    """Of notifications, as the campaign was told; couriers then look often."""
    return {"delivery": DELIVERY, "poll_interval": "200ms"} if DELIVERY else {}


PENDING = "SELECT count(*) FROM notifications WHERE status = 'PENDING'"


def wait_nothing_pending(value):
    """`value` runs SQL that gives one value. That a process died is known after its budget."""
    bd.wait_until(lambda: value(PENDING) == "0", "no PENDING notification", 60 / bd.PATIENCE, 0.1)


def config(sms, **over):
    return bd.merge(
        {
            "providers": {
                "sms": {
                    "type": "taqnyat",
                    "base_url": sms.url,
                    "sender": "BOOKINGS",
                    "token": "t",
                    "connect_timeout": "500ms",
                    "timeout": "1s",
                    "breaker": {"failures": 1000, "open_for": "1s"},
                }
            },
            "notifications": {"provider": "sms", "messages": LOCAL_MESSAGES, **delivery()},
            # Tests change more in an hour than people do; test_changes.py has the limit's own.
            "bookings": {"changes_per_customer": "1000000/1h"},
        },
        over,
    )


class Shop:
    def __init__(self, case, over=None, without=(), env=None):
        """over: configuration on top; without: names of whole sections to leave out; env: of the
        daemon.
        """
        self.pg = case.postgres()
        self.sms = case.provider(bd.p_reply(201, sms_ok))
        settings = config(self.sms, **(over or {}))
        self.daemon = case.daemon(
            self.pg, {k: v for k, v in settings.items() if k not in without}, env=env
        )
        self.admin = self.key("boss", "admin")
        self.venue = self.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Palm", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        self.chair = self.resource("Chair 1")
        self.service = self.make_service()

    def key(self, name, role="admin", venue=None):
        return self.daemon.staff_key(name, role, venue)

    def call(self, method, path, body=None, token=None, **headers):
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            fields["Authorization"] = "Bearer " + token
        if method != "GET" and body is None:
            fields["Content-Length"] = "0"
        return self.daemon.request(method, path, body, fields)

    def staff(self, method, path, body=None, status=None):
        """The answer to an admin's call that must succeed."""
        r = self.call(method, path, body, self.admin)
        if r.status not in ((status,) if status else (200, 201, 204)):
            raise AssertionError("%s %s: %r" % (method, path, r))
        return r.json() if r.body else None

    def resource(self, name, capacity=1):
        r = self.staff(
            "POST",
            "/v1/staff/venues/%s/resources" % self.venue,
            {"name": name, "capacity": capacity},
        )
        week = [{"weekday": d, "opens": "00:00", "closes": "24:00"} for d in range(1, 8)]
        self.staff("PUT", "/v1/staff/resources/%s/opening-hours" % r["id"], {"items": week})
        return r["id"]

    def make_service(self, **over):
        body = {
            "name": "Cut",
            "duration_minutes": 60,
            "price": 5000,
            "resource_ids": [self.chair],
            **over,
        }
        return self.staff("POST", "/v1/staff/venues/%s/services" % self.venue, body)["id"]

    def customer(self, phone="+966551234567", locale="en", name=None):
        """A signed-in customer's token; the session is written as verification would."""
        token = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        self.pg.sql(
            "INSERT INTO customers (id, phone, name, locale) VALUES ('%s', '%s', %s, '%s') ON "
            "CONFLICT DO NOTHING;"
            "INSERT INTO sessions (token_hash, customer_id, expires_at) SELECT '%s', id, now() + "
            "interval '1 day'"
            " FROM customers WHERE phone = '%s'"
            % (
                uuid.uuid4(),
                phone,
                "'%s'" % name if name else "NULL",
                locale,
                hashlib.sha256(token.encode()).hexdigest(),
                phone,
            )
        )
        return token

    @staticmethod
    def at(hours, offset=None):
        """`hours` after the venue's midnight that begins the day after tomorrow, RFC 3339."""
        day = dt.datetime.now(RIYADH).date() + dt.timedelta(days=2)
        moment = dt.datetime.combine(day, dt.time(), RIYADH) + dt.timedelta(hours=hours)
        return moment.astimezone(offset or dt.timezone.utc).isoformat().replace("+00:00", "Z")

    def book(self, token, hours, **over):
        headers = over.pop("headers", {})
        return self.call(
            "POST",
            "/v1/bookings",
            {"service_id": self.service, "starts_at": self.at(hours), **over},
            token,
            **headers
        )

    def notifications(self, **filters):
        query = "&".join("%s=%s" % f for f in filters.items())
        items, after = [], ""
        while True:
            page = self.staff("GET", "/v1/staff/notifications?limit=100&" + query + after)
            items += page["items"]
            if not page["next"]:
                return items
            after = "&after=" + page["next"]
