# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Alerts without Prometheus (BEHAVIOUR §14): signed webhooks, SMS, resolved, limits, their own
failure.
"""
import base64
import hashlib
import hmac
import json
import subprocess

import bd
import bd_node
import bd_shop

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def verify(request, secret=SECRET):
    """As Standard Webhooks 1.0 says, written from its text."""
    headers = {k.lower(): v for k, v in request["headers"].items()}
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = "%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])
    body = request["body"] if isinstance(request["body"], bytes) else request["body"].encode()
    want = base64.b64encode(hmac.new(key, text.encode() + body, hashlib.sha256).digest())
    assert "v1," + want.decode() in headers["webhook-signature"].split(), headers
    return json.loads(body)


class Alerts(bd.Case):
    def start(self, **alerts):
        self.hook = self.provider(bd.p_reply(204))
        self.sms = self.provider(bd.p_reply(201, bd_shop.sms_ok))
        self.pg = self.postgres()
        over = bd.merge(
            {"after": 0, "webhook": self.hook.url + "/in?key=1", "webhook_secret": SECRET}, alerts
        )
        over["after"] = over["after"] or "0s"
        settings = bd.merge(bd_shop.config(self.sms), {"alerts": over})
        self.d = self.daemon(self.pg, settings)
        return self.d

    def break_reload(self):
        self.d.write_config({"server": {"workers": 0}})
        self.d.hup()

    def mend_reload(self):
        self.d.write_config({"server": {"workers": 2}})
        self.d.hup()

    def told(self, kind, name="BookingdReloadFailed"):
        def find():
            for request in list(self.hook.requests):
                message = verify(request)
                if message["type"] == kind and message["data"].get("name") == name:
                    return request, message
            return None

        return bd.wait_until(find, kind, 30)

    def test_a_condition_is_told_and_its_end(self):
        self.start()
        self.break_reload()
        request, message = self.told("condition.began")
        self.assertEqual(request["path"], "/in?key=1")
        self.assertEqual(set(message), {"type", "timestamp", "data"})
        data = message["data"]
        self.assertEqual((data["severity"], data["status"]), ("ticket", "firing"))
        self.assertIn("old configuration", data["summary"])
        self.assertIn("check-config", data["action"])
        self.mend_reload()
        _, message = self.told("condition.ended")
        self.assertEqual(message["data"]["status"], "resolved")
        ids = [r["headers"].get("webhook-id") for r in self.hook.requests]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids), 2)  # once each: the reload made no second keeper tell again
        self.second_opinion()

    def second_opinion(self):
        """The library of Standard Webhooks takes what was sent, and nothing that was changed."""
        sent = [
            {"headers": r["headers"], "body": r["body"].decode()} for r in list(self.hook.requests)
        ]
        forged = [{**m, "body": m["body"].replace("ticket", "page")} for m in sent]
        said = bd_node.verified(SECRET, sent + forged)
        if said is None:
            print("npm has no standardwebhooks here: signatures were verified by the test alone")
        else:
            self.assertEqual(said, [True] * len(sent) + [False] * len(sent))

    def test_it_is_told_without_a_database(self):
        self.start()
        self.pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % self.pg.name, admin=True)
        self.pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'"
            % self.pg.name,
            admin=True,
        )
        _, message = self.told("condition.began", "BookingdDatabaseDown")
        self.assertEqual(message["data"]["severity"], "page")

    def test_pages_go_to_phones_and_repeat(self):
        self.start(
            repeat="2s", sms={"to": ["+966551234567"], "provider": "sms"}, webhook_secret=SECRET
        )
        self.break_reload()  # a ticket: not by SMS
        self.told("condition.began")
        self.told("condition.repeated")
        self.assertEqual(self.sms.requests, [])
        self.pg.sql("ALTER DATABASE %s SET default_transaction_read_only = on" % self.pg.name)
        self.pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND "
            "application_name LIKE 'bookingd%%'" % self.pg.name
        )
        self.sms.wait_for(1, 30)
        text = json.loads(self.sms.requests[0]["body"])["body"]
        self.assertIn("BookingdDatabaseNotWritable", text)

    def test_a_failure_is_a_condition_and_the_message_is_sent_later(self):
        self.start()
        self.hook.default = bd.p_reply(500)
        self.break_reload()
        self.hook.wait_for(1, 30)
        name = "BookingdAlertsUnsent"
        bd.wait_until(lambda: self.d.metric("bookingd_condition", condition=name) == 1, name, 30)
        first = self.hook.requests[0]["headers"]["webhook-id"]
        self.hook.default = bd.p_reply(200)
        bd.wait_until(lambda: self.d.metric("bookingd_condition", condition=name) == 0, "end", 60)
        ids = [r["headers"]["webhook-id"] for r in self.hook.requests]
        self.assertGreaterEqual(ids.count(first), 2)  # the same message, tried again

    def test_a_limit_and_the_plain_form(self):
        self.start(limit="1/1h", form="text", repeat="1s")
        self.break_reload()
        self.hook.wait_for(1, 30)
        message = json.loads(self.hook.requests[0]["body"])
        self.assertEqual(list(message), ["text"])
        self.assertIn("BookingdReloadFailed", message["text"])
        bd.wait_until(
            lambda: self.d.metric("bookingd_config_last_reload_successful") == 0, "refused"
        )
        self.mend_reload()
        bd.wait_until(
            lambda: self.d.metric("bookingd_config_last_reload_successful") == 1, "reloaded"
        )
        self.assertEqual(len(self.hook.requests), 1)

    def test_alert_test(self):
        d = self.start(sms={"to": ["+966551234567"], "provider": "sms"})

        def run():
            return subprocess.run(
                [bd.BIN, "-c", d.path, "alert-test"], capture_output=True, text=True
            )

        done = run()
        self.assertEqual((done.returncode, done.stdout), (0, "webhook: sent\nsms: sent\n"))
        self.assertEqual(verify(self.hook.requests[0])["type"], "alert.test")
        self.hook.default = bd.p_reply(404)
        done = run()
        self.assertEqual(done.returncode, 69)
        self.assertIn("webhook: provider_failed, status 404\n", done.stdout)
        d.write_config({"alerts": None})
        self.assertEqual(run().returncode, 78)


if __name__ == "__main__":
    bd.main()
