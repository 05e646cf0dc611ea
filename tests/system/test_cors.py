# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Pages of other origins, and what the dispatcher answers without a worker (BEHAVIOUR §2, §12)."""
import bd
import bd_wait

LISTED, OTHER = "https://book.example.com", "https://evil.example.com"
SECOND = "http://localhost:5173"
EXPOSED = {"etag", "location", "retry-after", "x-request-id", "idempotency-replayed"}
ASKED = {
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-request-id",
}
ACCESS = "access-control-"


def access(r):
    """The fields of the CORS protocol: {name without its beginning: value}."""
    return {k.lower()[len(ACCESS) :]: v for k, v in r.headers if k.lower().startswith(ACCESS)}


def items(text):
    return {part.strip().lower() for part in text.split(",")}


class Cors(bd.Case):
    @classmethod
    def setUpClass(cls):
        cls.pg = bd.Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.d = bd.Daemon(
            cls.pg, {"server": {"cors_origins": [LISTED, "HTTP://LocalHost:5173/".rstrip("/")]}}
        )
        cls.addClassCleanup(cls.d.close)
        cls.d.start()

    def readable(self, r, origin=LISTED):
        """The page may read this answer, and no cache gives it to another page."""
        have = access(r)
        self.assertEqual(have.get("allow-origin"), origin)
        self.assertIn("origin", items(r.header("Vary")))
        self.assertEqual(items(have["expose-headers"]), EXPOSED)
        self.assertNotIn("allow-credentials", have)
        return have

    # O17: the answers that were refused to every page
    def test_every_answer_to_a_listed_origin(self):
        for method, path, body, status in (
            ("GET", "/v1/venues", None, 200),
            ("HEAD", "/v1/venues", None, 200),
            ("GET", "/healthz", None, 200),
            ("GET", "/readyz", None, 200),
            ("GET", "/openapi.json", None, 200),
            ("GET", "/v1/me", None, 401),
            ("GET", "/nope", None, 404),
            ("PUT", "/v1/otp", None, 405),
            ("POST", "/v1/otp", {"phone": "1"}, 422),
        ):
            for origin in (LISTED, SECOND):
                r = self.d.request(method, path, body, {"Origin": origin})
                self.assertEqual(r.status, status, (method, path))
                self.readable(r, origin)

    def test_answers_of_the_dispatcher_too(self):
        head = b"Host: x\r\nOrigin: %s\r\n" % LISTED.encode()
        for status, data in (
            (400, b"GET /v1/venues HTTP/1.1\r\nOrigin: %s\r\nA b: c\r\n" % LISTED.encode()),
            (413, b"POST /v1/otp HTTP/1.1\r\nContent-Length: 999999\r\n" + head),
            (501, b"FOO / HTTP/1.1\r\n" + head),
        ):
            with self.d.client() as c:
                c.send(data + b"\r\n")
                r = c.recv_response()
            self.assertEqual(r.status, status)
            self.readable(r)

    def test_other_origins_get_nothing(self):
        for given in (
            OTHER,
            "null",
            LISTED + "/",
            LISTED.upper(),
            LISTED + ":443",
            LISTED + ".evil.example",
            "http://book.example.com",
            "https://book.example.co",
            "*",
            "",
        ):
            for method, path in (
                ("GET", "/v1/venues"),
                ("GET", "/nope"),
                ("GET", "/healthz"),
                ("OPTIONS", "/v1/otp"),
                ("OPTIONS", "/nope"),
            ):
                r = self.d.request(method, path, None, {"Origin": given})
                self.assertEqual(access(r), {}, (given, path))
                self.assertIsNone(r.header("Vary"), (given, path))
        with self.d.client() as c:  # two of them name no origin
            c.send(
                b"GET /healthz HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nOrigin: %s\r\n\r\n"
                % (LISTED.encode(), LISTED.encode())
            )
            self.assertEqual(access(c.recv_response()), {})

    def test_preflight_of_every_route(self):
        paths = self.d.get("/openapi.json").json()["paths"]
        before = bd_wait.served(self.d)
        with self.d.client() as c:
            for path, item in paths.items():
                methods = {m for m in item if m in ("get", "put", "post", "patch", "delete")}
                methods |= {"head"} if "get" in methods else set()
                target = path.replace("{transition}", "cancel").replace("{", "").replace("}", "")
                asks = {"Access-Control-Request-Method": "POST", "Origin": LISTED}
                asks["Access-Control-Request-Headers"] = "authorization, content-type"
                r = c.request("OPTIONS", target + "?limit=1", None, asks)
                self.assertEqual((r.status, r.body), (204, b""), target)
                have = self.readable(r)
                self.assertEqual(items(have["allow-methods"]), methods, target)
                self.assertEqual(items(have["allow-headers"]), ASKED)
                self.assertEqual(have["max-age"], "600")
                for origin in ({}, {"Origin": OTHER}):
                    r = c.request("OPTIONS", target, None, origin)
                    self.assertEqual((r.status, access(r)), (204, {}), target)
                    self.assertEqual(items(r.header("Allow")), methods | {"options"}, target)
        self.assertEqual(bd_wait.served(self.d), before)  # no worker was asked

    def test_preflight_of_no_route(self):
        r = self.d.request("OPTIONS", "/nope", None, {"Origin": LISTED})
        self.assertEqual((r.status, r.code), (404, "not_found"))
        self.readable(r)
        self.assertEqual(self.d.request("OPTIONS", "/nope").code, "not_found")

    # O16: default health checks of load balancers
    def test_options_of_the_server(self):
        for data in (
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\n",
            b"OPTIONS / HTTP/1.1\r\nHost: x\r\n",
            b"OPTIONS / HTTP/1.0\r\n",
            b"OPTIONS http://x HTTP/1.1\r\nHost: x\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n",
        ):
            with self.d.client() as c:
                c.send(data + b"\r\n" + (b"hi" if b"Length" in data else b""))
                r = c.recv_response()
                self.assertEqual((r.status, access(r)), (204, {}), data)
                self.assertIn("OPTIONS", r.header("Allow").split(", "))
                self.assertIsNone(r.header("Content-Length"))
                if b"1.1" in data:
                    self.assertEqual(c.get("/healthz").status, 200)  # the connection lives on
        self.assertEqual(self.d.get("/").status, 404)

    def test_access_record(self):
        self.d.request("OPTIONS", "/v1/otp", None, {"X-Request-Id": "pre-1", "Origin": LISTED})
        self.d.log_contains(r"request_id=pre-1 method=OPTIONS route=none status=204", 5)
        self.d.get("/healthz", {"X-Request-Id": "health-1"})
        self.d.log_contains(r"request_id=health-1 method=GET route=/healthz status=200", 5)


class NoOrigins(bd.Case):
    def test_nothing_is_listed_by_default(self):
        d = self.daemon(self.postgres())
        for method in ("GET", "OPTIONS"):
            r = d.request(method, "/v1/venues", None, {"Origin": LISTED})
            self.assertEqual((r.status, access(r)), ({"GET": 200, "OPTIONS": 204}[method], {}))
            self.assertIsNone(r.header("Vary"))

    def test_reload_brings_and_takes_them(self):
        d = self.daemon(self.postgres())
        for origins in ([LISTED], [], [OTHER, LISTED]):
            d.notes.clear()
            d.write_config()
            d.config["server"]["cors_origins"] = origins
            d.write_config()
            d.hup()
            bd.wait_until(lambda: "READY=1" in d.notes, "the reload")
            for method, path in (
                ("OPTIONS", "/v1/otp"),
                ("GET", "/healthz"),
                ("GET", "/v1/venues"),
            ):
                r = d.request(method, path, None, {"Origin": LISTED})
                want = LISTED if LISTED in origins else None
                self.assertEqual(access(r).get("allow-origin"), want, (origins, path))

    def test_check_config(self):
        for bad in (
            "*",
            ["*"],
            ["null"],
            ["book.example.com"],
            ["https://book.example.com/"],
            ["https://book.example.com/x"],
            ["https://*.example.com"],
            ["ftp://x"],
            [""],
            [LISTED] * 65,
        ):
            d = bd.Daemon(None, {"server": {"cors_origins": bad}})
            done = d.run("check-config")
            d.close()
            self.assertEqual(done.returncode, 78, bad)
            self.assertIn("server.cors_origins", done.stderr)


class Encoded(bd.Case):
    # O28: an encoded body is not "not valid JSON"
    def test_encoded_body(self):
        d = self.daemon(self.postgres())
        for coding, status in (("gzip", 415), ("br", 415), ("x, gzip", 415), ("identity", 422)):
            r = d.request("POST", "/v1/otp", {"phone": 1}, {"Content-Encoding": coding})
            self.assertEqual(r.status, status, coding)
            if status == 415:
                self.assertEqual(r.code, "unsupported_media_type")
                self.assertEqual(r.header("Accept-Encoding"), "identity")


class WithoutWorkers(bd.Case):
    def test_every_worker_waits(self):
        pg = self.postgres()
        d = self.daemon(
            pg,
            {
                "server": {"workers": 1, "request_budget": "20s", "cors_origins": [LISTED]},
                "database": {"statement_timeout": "20s"},
            },
        )
        with bd_wait.blocked(d, pg, 1):
            with d.client() as c:
                for _ in range(20):
                    self.assertEqual(c.get("/healthz").json(), {"status": "ok"})
                    self.assertEqual(c.request("HEAD", "/healthz").status, 200)
                    r = c.request("OPTIONS", "/v1/bookings", None, {"Origin": LISTED})
                    self.assertEqual(r.status, 204)
            r = d.get("/healthz?probe=1", {"Origin": LISTED})
            self.assertEqual((r.status, access(r)["allow-origin"]), (200, LISTED))


if __name__ == "__main__":
    bd.main()
