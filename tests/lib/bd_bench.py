# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A venue for load, what its clients ask, and what the machine spent: for tests/campaigns/bench.py
and tests/campaigns/cost.py.
"""
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import uuid

import bd
import bd_shop

RESOURCES = 50
CUSTOMERS = 100
HOURS = 24 * 300  # of each resource, from the day after tomorrow on


def config(base_url, workers):
    """Nothing that a deployment limits per client or per phone: here all are one."""
    return {
        "server": {"workers": workers, "queue_timeout": "5s"},
        "monitor": {"poll_interval": "5s"},
        "providers": {"sms": {"base_url": base_url}},
        "bookings": {"max_active_per_customer": 10000, "changes_per_customer": "1000000/1h"},
        "notifications": {"per_phone": "1000000/1h", "per_customer": "1000000/1h"},
        "otp": {
            "provider": "sms",
            "secret": "x" * 32,
            "resend_cooldown": "0s",
            "per_phone": "1000000/1h",
            "per_address": "1000000/1h",
            "total": "1000000/1h",
        },
    }


class World:
    """A venue with many chairs that are open all day, and customers who are signed in."""

    def __init__(self, case, workers, resources=RESOURCES, customers=CUSTOMERS, **over):
        self.box = case.sandbox()
        self.shop = bd_shop.Shop(case, bd.merge(config(self.box.url, workers), over))
        self.daemon = self.shop.daemon
        self.chairs = [self.shop.resource("Chair %d" % (i + 2)) for i in range(resources)]
        self.service = self.shop.make_service(
            name="Visit", max_advance_days=365, price=0, resource_ids=self.chairs
        )
        phones = ["+9665560%05d" % i for i in range(customers)]
        self.tokens = [self.shop.customer(p) for p in phones]
        # The first hour: its midnight keeps clear of the notice that a service may need.
        day = dt.datetime.now(dt.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = day + dt.timedelta(days=2)
        self.used = self.phone = 0
        self.bookings = []

    def encode(self, method, path, body=None, headers=None):
        return bd.Client.encode(method, path, body, headers)

    def auth(self, customer):
        return {"Authorization": "Bearer " + self.tokens[customer % len(self.tokens)]}

    def slot(self):
        """(chair, hour) that nobody asked for yet."""
        n, self.used = self.used, self.used + 1
        if n >= len(self.chairs) * HOURS:
            raise AssertionError("no slots are left")
        return n % len(self.chairs), n // len(self.chairs)

    def seed(self, n):
        """Bookings to read, made over the API."""
        with self.daemon.client() as c:
            c.check = None
            for i in range(n):
                c.send(self.book())
                r = c.recv_response()
                if r.status != 201:
                    raise AssertionError("booking: %r" % r)
                self.bookings.append((r.json()["id"], self.used - 1))
        self.shop.pg.sql("VACUUM ANALYZE")

    # -- one request each, as bytes --
    def healthz(self):
        return self.encode("GET", "/healthz")

    def get_booking(self):
        self.phone += 1
        booking, customer = self.bookings[self.phone % len(self.bookings)]
        return self.encode("GET", "/v1/bookings/" + booking, None, self.auth(customer))

    def slots(self):
        """A week of one chair: 168 starts at most."""
        self.phone += 1
        day = (self.begin + dt.timedelta(days=1 + self.phone % 200)).date()
        return self.encode(
            "GET",
            "/v1/services/%s/slots?resource_id=%s&from=%s&to=%s"
            % (
                self.service,
                self.chairs[self.phone % len(self.chairs)],
                day,
                day + dt.timedelta(days=6),
            ),
        )

    def otp(self):
        self.phone += 1
        return self.encode("POST", "/v1/otp", {"phone": "+96657%07d" % self.phone})

    def book(self):
        chair, hour = self.slot()
        at = self.begin + dt.timedelta(hours=hour)
        body = {
            "service_id": self.service,
            "resource_id": self.chairs[chair],
            "starts_at": at.isoformat().replace("+00:00", "Z"),
            "note": "by the window",
        }
        more = {**self.auth(self.used - 1), "Idempotency-Key": str(uuid.uuid4())}
        return self.encode("POST", "/v1/bookings", body, more)

    def mixed(self):
        self.phone += 1
        kinds = (
            [self.slots] * 8 + [self.get_booking] * 6 + [self.book] * 4 + [self.healthz, self.otp]
        )
        return kinds[self.phone % len(kinds)]()


# ---- the same work by PostgreSQL alone ----


def statements():
    """{name: (types, text)} of all statements of the program."""
    directory = os.path.join(bd.TOP, "src", "svc", "sql")
    files = sorted(os.path.join(directory, f) for f in os.listdir(directory))
    text = subprocess.run(
        [os.path.join(bd.TOP, "src", "db", "embed.py"), "psql", *files],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.findall(r"^PREPARE (\w+)(?: \(([^)]*)\))? AS\n(.*?);$", text, re.M | re.S)
    return {name: (types.split(", "), body) for name, types, body in found}


def pgbench_script(steps, values):
    """Lines for pgbench: each step is a list of statements that go out in one round trip. `values`
    has an SQL expression per parameter, by the statement's name."""
    known, lines = statements(), []
    for step in steps:
        lines.append("\\startpipeline")
        for name in step:
            if name in ("BEGIN", "COMMIT"):
                lines.append(name + ";")
                continue
            types, body = known[name]
            if len(types) != len(values[name]):
                raise AssertionError("%s has %d parameters" % (name, len(types)))
            for i in range(len(types), 0, -1):
                body = body.replace("$%d" % i, "(%s)::%s" % (values[name][i - 1], types[i - 1]))
            # pgbench takes a colon before a letter for a variable, inside texts too.
            lines.append(body.replace("HH24:MI", 'HH24":"MI') + ";")
        lines.append("\\endpipeline")
    return "\n".join(lines) + "\n"


def pick(words, index):
    """The index-th of constant texts, counted from 0, as SQL."""
    return "(ARRAY[%s])[1 + %s]" % (",".join("'%s'" % w for w in words), index)


def pgbench_scripts(world):
    """{scenario: text}: reading, searching and booking, with the program's own statements."""
    pg = world.shop.pg
    customers = dict(pg.sql("SELECT token_hash, customer_id FROM sessions"))
    hashes = list(customers)
    token, customer = pick(hashes, ":c::integer"), pick(customers.values(), ":c::integer")
    ids = ["00000000-0000-7000-800%d-' || lpad(to_hex(:n::integer), 12, '0')" % i for i in range(2)]
    booking, notice = ["'" + i for i in ids]
    venue, service = "'%s'" % world.shop.venue, "'%s'" % world.service
    chair = pick(world.chairs, ":r::integer")
    start = "to_timestamp(%d + :h::bigint * 3600)" % world.begin.timestamp()
    end = "to_timestamp(%d + (:h::bigint + 1) * 3600)" % world.begin.timestamp()
    key, holder, text = "'key-' || :n::integer", "'h-' || :n::integer", "'" + "x" * 900 + "'"
    asked = [service, "NULL", chair, start, "NULL", "NULL"]
    limits = ["ARRAY[10000000, 10000000]", "ARRAY[3600000, 3600000]"]
    values = {
        "session_auth": [token],
        "idem_claim_customer": [token, key, "'hash'", holder, "12000"],
        "idem_look_customer": [token, key, "'hash'", holder],
        "booking_lock_customer": [customer],
        "booking_count_active": [customer],
        "booking_lock_served": [service, chair, "NULL"],
        "slot_service": asked,
        "slot_resources": asked,
        "slot_times": asked,
        "booking_insert": [venue, booking, service, chair, customer, "'confirmed'", start, end]
        + [start, end, "1", "0", "'SAR'", "'none'", "'by the window'", "NULL", "true", "0"]
        + ["NULL", "NULL", "NULL", "'customer'", "''", "NULL"],
        "booking_event": [venue, booking, "1", "NULL", "'confirmed'", "'keeper'", "NULL", key],
        "notification_enqueue": [venue, notice, booking, "'booking_confirmed-1'"]
        + ["'booking_confirmed'", "'en'", "'+966556000000'", "'Visit, 2030-01-01'", "10000"]
        + ["86400000", "'notice-phone:' || :c::integer", *limits],
        "idem_complete": ["'customer:' || " + customer, key, holder, "201", "'{}'", text, customer],
        "notification_store": [venue, notice, "0", "'sent'", "NULL", "'sms'", "'8764321'", "true"],
        "booking_find_mine": [
            pick(hashes, ":c::integer"),
            pick([b for b, _ in world.bookings], ":n::integer"),
        ],
    }
    begin = "\\set c random(0, %d)\n\\set r random(0, %d)\n" % (
        len(hashes) - 1,
        len(world.chairs) - 1,
    )
    search = dict(values)
    for name in ("slot_service", "slot_resources", "slot_times"):
        day = "date '%s' + :n::integer" % (world.begin.date() + dt.timedelta(days=1))
        search[name] = [service, "NULL", chair, "NULL", day, day + " + 6"]
    facts = ["slot_service", "slot_resources", "slot_times"]
    book = (
        "\\set i :i + 1\n\\set n :i * :nc + :client_id\n\\set r :n %% %d\n\\set h 3600 + :n / %d\n"
        % (len(world.chairs), len(world.chairs))
        + "\\set c random(0, %d)\n" % (len(hashes) - 1)
    )
    return {
        "get_booking": begin
        + "\\set n random(0, %d)\n" % (len(world.bookings) - 1)
        + pgbench_script([["session_auth", "booking_find_mine"]], values),
        "slots": begin + "\\set n random(0, 200)\n" + pgbench_script([facts], search),
        "book": book
        + pgbench_script(
            [
                ["session_auth", "idem_claim_customer", "idem_look_customer"],
                ["BEGIN", "booking_lock_customer", "booking_count_active", "booking_lock_served"]
                + facts,
                ["booking_insert", "booking_event", "notification_enqueue", "idem_complete"]
                + ["COMMIT"],
                ["notification_store"],
            ],
            values,
        ),
    }


def pgbench(conninfo, script, clients, seconds, directory):
    """Transactions per second."""
    path = os.path.join(directory, "pgbench.sql")
    with open(path, "w", encoding="utf-8") as f:
        f.write(script)
    tool = os.path.join(os.path.dirname(os.path.realpath(bd.Postgres.psql())), "pgbench")
    tool = tool if os.path.exists(tool) else shutil.which("pgbench")
    done = subprocess.run(
        [tool, "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds)]
        + ["-D", "i=0", "-D", "nc=%d" % clients, "-f", path, conninfo],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        # The daemon's sessions keep general plans after a few calls; here values are constants.
        env={**os.environ, "PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c jit=off"},
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or not found:
        raise AssertionError("pgbench: %s" % done.stderr[-2000:])
    return float(found.group(1))


# ---- what the machine spent ----


def processes(pid):
    """A process and all below it."""
    out = [pid]
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                for child in f.read().split():
                    out += processes(int(child))
    except OSError:
        pass
    return out


def cpu_seconds(pid):
    """Of a process, all below it, and those of them that have ended."""
    ticks = 0
    for p in processes(pid):
        try:
            with open("/proc/%d/stat" % p) as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(x) for x in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def postmaster():
    with open(os.path.join(os.environ["BOOKINGD_TEST_PG_DATA"], "postmaster.pid")) as f:
        return int(f.readline())


def private_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(x.split()[1]) for x in f if re.match(r"Private_(Clean|Dirty):", x))


class Nginx:
    """Answers 200 to everything: what a server that does nothing can do here."""

    def __init__(self, directory):
        self.port = bd.free_port()
        home = os.path.join(directory, "nginx")
        os.makedirs(home)
        temp = " ".join(
            "%s_temp_path %s/%s;" % (x, home, x)
            for x in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        with open(home + "/nginx.conf", "w", encoding="utf-8") as f:
            f.write(
                "daemon off; worker_processes 2; pid %s/pid; error_log %s/error.log;\n"
                "events { worker_connections 1024; }\n"
                "http { access_log off; keepalive_requests 100000000; %s\n"
                " server { listen 127.0.0.1:%d; location / { default_type application/json;\n"
                "  return 200 '%s'; } } }\n"
                % (home, home, temp, self.port, json.dumps({"status": "ok"}))
            )
        self.proc = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-c", home + "/nginx.conf"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def up():
            try:
                with bd.Client(("127.0.0.1", self.port)) as c:
                    return c.get("/").status == 200
            except OSError:
                return False

        bd.wait_until(up, "nginx")

    def close(self):
        self.proc.terminate()
        self.proc.wait(10)
