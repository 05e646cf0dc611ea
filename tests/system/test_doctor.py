# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""`bookingd doctor`: what it says of a good installation, and of what is missing."""
import json
import os
import subprocess
import time

import bd
import bd_shop


class Doctor(bd.Case):
    def run_(self, shop, *argv):
        begun = time.monotonic()
        done = subprocess.run(
            [bd.BIN, "-c", shop.daemon.path, "doctor", *argv], capture_output=True, text=True
        )
        self.assertLess(time.monotonic() - begun, 10 * bd.SLOWNESS)
        lines = {}
        for line in done.stdout.splitlines():
            if not line.startswith("      "):
                verdict, _, rest = line.partition(" ")
                promise, _, seen = rest.strip().partition(": ")
                lines[promise] = (verdict, seen)
        return done, lines

    def test_what_is_there(self):
        shop = bd_shop.Shop(self, {"server": {"public_url": "https://book.example.com"}})
        sent = len(shop.sms.requests)
        rows = shop.pg.sql("SELECT count(*) FROM audit_log")
        done, lines = self.run_(shop)
        self.assertEqual(done.stderr, "")
        for promise in (
            "the configuration is good",
            "only the service reads its secrets",
            "nobody else reads files of secrets",
            "customers reach public_url over TLS",
            "the database answers and fits",
            "the database takes writes",
            "it has connections enough",
            "its clock is this machine's",
            "sms can be reached",
        ):
            self.assertEqual(lines[promise][0], "ok", (promise, done.stdout))
        self.assertIn("127.0.0.1", lines["sms can be reached"][1])
        self.assertEqual(len(shop.sms.requests), sent)
        self.assertEqual(shop.pg.sql("SELECT count(*) FROM audit_log"), rows)
        done, lines = self.run_(shop, "--send", "+966551234567")
        self.assertEqual(lines["an SMS arrives"][0], "ok")
        self.assertEqual(json.loads(shop.sms.requests[-1]["body"])["recipients"], ["966551234567"])

    def test_what_is_missing(self):
        shop = bd_shop.Shop(self)
        sandbox = self.sandbox()
        shop.daemon.write_config(
            {
                "providers": {
                    "away": {
                        "type": "taqnyat",
                        "base_url": "http://127.0.0.1:%d" % bd.free_port(),
                        "sender": "X",
                        "token": "t",
                    },
                    "moyasar": {
                        "type": "moyasar",
                        "base_url": "http://127.0.0.1:%d" % sandbox.port,
                        "secret_key": "sk_test_nobodys",
                        "webhook_secret": "0123456789abcdef",
                    },
                }
            }
        )
        token = os.path.join(shop.daemon.dir, "token")
        with open(token, "w") as f:
            f.write("token-in-a-file\n")
        os.chmod(token, 0o644)
        shop.daemon.write_config({"providers": {"away": {"token": {"file": token}}}})
        shop.pg.sql("ALTER DATABASE %s SET default_transaction_read_only = on" % shop.pg.name)
        done, lines = self.run_(shop)
        self.assertEqual(done.returncode, 1)
        for promise in (
            "customers reach public_url over TLS",
            "the database takes writes",
            "nobody else reads files of secrets",
            "away can be reached",
            "moyasar takes real money",
        ):
            self.assertEqual(lines[promise][0], "FAULT", (promise, done.stdout))
        self.assertEqual(lines["moyasar can be reached"][0], "ok", done.stdout)
        self.assertIn("default_transaction_read_only", done.stdout)
        self.assertEqual(lines["nobody else reads files of secrets"][1], token)
        self.assertNotIn("sk_test_nobodys", done.stdout + done.stderr)
        shop.daemon.write_config({"database": {"url": "host=127.0.0.1 port=1 dbname=none"}})
        done, lines = self.run_(shop)
        self.assertEqual(lines["the database answers and fits"][0], "FAULT")


if __name__ == "__main__":
    bd.main()
