#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""./dev demo: a private PostgreSQL under var/, the provider sandbox and bookingd, and one
customer's way through them.

Each step prints the real request and the real answer, short. Without --once everything is left
running and its addresses are shown; --stop ends it. A repeat starts afresh with an empty database.
"""
import glob
import http.client
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
ROOT = os.geteuid() == 0


def die(text):
    sys.exit("demo: " + text)


def wait_for(what, condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    die(f"{what}: not within {seconds:.0f} s; see the logs under {VAR}/log")


# ---- where things are ------------------------------------------------------------------------


def server_account():
    """PostgreSQL refuses root: as root its server runs as `postgres`, or as `nobody`."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    die("neither the user postgres nor nobody is known here")


ACCOUNT = server_account() if ROOT else None


def reachable(path):
    """Can the server's account walk to a directory? A clone below /root is closed to it."""
    while path != "/":
        path = os.path.dirname(path)
        info = os.stat(path)
        if not info.st_mode & 0o001 and not (
            info.st_uid == ACCOUNT.pw_uid and info.st_mode & 0o100
        ):
            return False
    return True


def private_directory():
    var = os.path.join(TOP, "var")
    if ROOT and not reachable(var):
        elsewhere = "/var/tmp/bookingd-demo"
        os.makedirs(elsewhere, mode=0o755, exist_ok=True)
        if os.stat(elsewhere).st_uid != 0:
            die(f"{elsewhere} belongs to somebody else")
        if not os.path.islink(var):
            shutil.rmtree(var, ignore_errors=True)
            os.symlink(elsewhere, var)
        return elsewhere
    os.makedirs(var, mode=0o755, exist_ok=True)
    return var


VAR = private_directory()


def pg_bin():
    places = glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin")
    places = [p for p in places if os.path.exists(p + "/initdb")]
    if not places:
        die("PostgreSQL's server programs are not installed")
    return max(places, key=lambda p: float(re.search(r"[\d.]+", p).group()))


def free_port(wanted=0):
    for port in (wanted, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return s.getsockname()[1]
    die("no free port")


# ---- processes -------------------------------------------------------------------------------


def pid_file(name):
    return os.path.join(VAR, name + ".pid")


def start(name, command, as_account=False, ready=None):
    """Starts a program in a session of its own, its output in var/log; returns the process."""
    os.makedirs(os.path.join(VAR, "log"), exist_ok=True)
    log = open(os.path.join(VAR, "log", name + ".log"), "ab")
    if as_account and ROOT:
        command = [
            "setpriv",
            f"--reuid={ACCOUNT.pw_uid}",
            f"--regid={ACCOUNT.pw_gid}",
            "--clear-groups",
        ] + command
    process = subprocess.Popen(
        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/"
    )
    with open(pid_file(name), "w") as f:
        f.write(f"{process.pid} {start_time(process.pid)}\n")
    if ready:
        wait_for(
            name,
            lambda: ready()
            or (process.poll() is not None and die(f"{name} ended; see {log.name}")),
        )
    return process


def start_time(pid):
    """Field 22 of /proc/PID/stat: with the pid it names one process for ever."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return "gone"


def stop(name, signo=signal.SIGTERM):
    try:
        with open(pid_file(name)) as f:
            pid, started = f.read().split()
    except (OSError, ValueError):
        return
    if start_time(pid) == started:
        os.kill(int(pid), signo)
        wait_for(f"end of {name}", lambda: ended(int(pid), started), 40)
    os.unlink(pid_file(name))


def ended(pid, started):
    try:
        os.waitpid(pid, os.WNOHANG)
    except OSError:
        pass
    return start_time(pid) != started


def stop_all():
    stop("bookingd")
    stop("sandbox")
    stop("postgresql", signal.SIGINT)


def run(command, as_account=False, **more):
    if as_account and ROOT:
        command = [
            "setpriv",
            f"--reuid={ACCOUNT.pw_uid}",
            f"--regid={ACCOUNT.pw_gid}",
            "--clear-groups",
        ] + command
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **more)
    if done.returncode != 0:
        die(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


# ---- the three programs ----------------------------------------------------------------------


class Stack:
    def __init__(self):
        self.pg_port = free_port(54329)
        self.sandbox_port = free_port(8090)
        self.api_port = free_port(8080)
        self.monitor_port = free_port(9464)
        self.data = os.path.join(VAR, "pg")
        self.password = secrets.token_hex(16)
        self.webhook_secret = secrets.token_hex(16)

    def postgresql(self):
        bin_dir = pg_bin()
        shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(self.data, mode=0o700)
        word = os.path.join(self.data, ".word")
        with open(word, "w") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(self.password)
        if ROOT:
            for path in (self.data, word):
                os.chown(path, ACCOUNT.pw_uid, ACCOUNT.pw_gid)
        target = self.data + "/cluster"
        run(
            [
                bin_dir + "/initdb",
                "-D",
                target,
                "-U",
                "bookingd",
                "-A",
                "scram-sha-256",
                "--pwfile",
                word,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            as_account=True,
        )
        os.unlink(word)
        start(
            "postgresql",
            [
                bin_dir + "/postgres",
                "-D",
                target,
                "-p",
                str(self.pg_port),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "max_connections=100",
            ],
            as_account=True,
        )
        env = dict(os.environ, PGPASSWORD=self.password)

        def ready():
            return (
                subprocess.run(
                    [
                        bin_dir + "/psql",
                        "-qXh",
                        "127.0.0.1",
                        "-p",
                        str(self.pg_port),
                        "-U",
                        "bookingd",
                        "-d",
                        "postgres",
                        "-c",
                        "CREATE DATABASE bookingd",
                    ],
                    env=env,
                    capture_output=True,
                ).returncode
                == 0
            )

        wait_for("PostgreSQL", ready, 30)

    def sandbox(self):
        start(
            "sandbox",
            [BUILD + "/bookingd-sandbox", "--listen", f"127.0.0.1:{self.sandbox_port}"],
            ready=lambda: answers(self.sandbox_port, "/healthz"),
        )

    def bookingd(self):
        config = os.path.join(VAR, "bookingd.yaml")
        user = f"\n  user: {ACCOUNT.pw_name}" if ROOT else ""
        with open(config, "w") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(
                f"""# Written by ./dev demo.
server:
  listen: 127.0.0.1:{self.api_port}
  public_url: http://127.0.0.1:{self.api_port}
  workers: 8{user}
monitor:
  listen: 127.0.0.1:{self.monitor_port}
  poll_interval: 1s
database:
  url: postgresql://bookingd:{self.password}@127.0.0.1:{self.pg_port}/bookingd
providers:
  sms:
    type: taqnyat
    base_url: http://127.0.0.1:{self.sandbox_port}
    sender: SALON
    token: demo-token
  moyasar:
    type: moyasar
    base_url: http://127.0.0.1:{self.sandbox_port}
    secret_key: sk_test_{secrets.token_hex(16)}
    webhook_secret: {self.webhook_secret}
payments:
  provider: moyasar
  return_origins: ["http://127.0.0.1:{self.sandbox_port}"]
otp:
  provider: sms
  secret: {secrets.token_hex(32)}
  per_address: 1000/1h
notifications:
  provider: sms
desk:
  enabled: on
"""
            )
        self.command = [BUILD + "/bookingd", "-c", config]
        run(self.command + ["check-config"])
        run(self.command + ["migrate"])
        began = time.monotonic()
        start("bookingd", self.command + ["serve"], ready=lambda: answers(self.api_port, "/readyz"))
        took = time.monotonic() - began
        call(
            self.sandbox_port,
            "POST",
            "/control/webhooks",
            {
                "url": f"http://127.0.0.1:{self.api_port}/v1/webhooks/moyasar",
                "secret": self.webhook_secret,
                "factor": 0.01,
            },
        )
        return took

    def staff_key(self):
        return run(
            self.command + ["staff-key", "create", "--name", "demo", "--role", "admin"]
        ).strip()


def answers(port, path):
    try:
        return call(port, "GET", path)[0] == 200
    except OSError:
        return False


def call(port, method, path, body=None, headers=None):
    """One exchange; returns status, headers, body (decoded when it is JSON)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    payload = None
    headers = dict(headers or {})
    if body is not None:
        payload = json.dumps(body, ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    connection.request(method, path, payload, headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    kind = answer.getheader("Content-Type", "")
    return (
        answer.status,
        answer.headers,
        json.loads(raw) if "json" in kind and raw else raw.decode(),
    )


def browse(port, method, path, form):
    """A browser's step: posts a form, follows redirects within this machine, returns where it ends
    up.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, form, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status not in (302, 303):
            return path
        to = urllib.parse.urlsplit(answer.getheader("Location"))
        port, path = to.port or port, to.path + ("?" + to.query if to.query else "")
        method, form, headers = "GET", None, {}
    die("redirects without end")


# ---- the walk --------------------------------------------------------------------------------

COLOUR = sys.stdout.isatty()


def title(text):
    print(f"\n\033[1m{text}\033[0m" if COLOUR else f"\n{text}")


def short(value, width=150):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 1] + "…"


class Walk:
    def __init__(self, stack, staff_key):
        self.stack, self.staff_key = stack, staff_key

    def ask(self, method, path, body=None, token=None, expect=200, quiet=False):
        headers = {"Authorization": "Bearer " + token} if token else {}
        status, _, answer = call(self.stack.api_port, method, path, body, headers)
        if not quiet:
            print(
                f"  {method} {short(path, 110)}" + (f"  {short(body)}" if body is not None else "")
            )
            print(f"  → {status}  {short(hide(answer))}")
        if status != expect:
            die(f"{method} {path} answered {status}, expected {expect}: {answer}")
        return answer

    def staff(self, method, path, body=None, expect=200, quiet=True):
        return self.ask(method, path, body, self.staff_key, expect, quiet)

    def seed(self):
        title("A salon in Riyadh, set up through the staff API")
        venue = self.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "صالون النخيل", "time_zone": "Asia/Riyadh", "currency": "SAR"},
            201,
            False,
        )
        chairs = []
        for name in ("نورة", "سارة"):
            chair = self.staff(
                "POST", f"/v1/staff/venues/{venue['id']}/resources", {"name": name}, 201
            )
            week = [{"weekday": day, "opens": "09:00", "closes": "22:00"} for day in range(1, 8)]
            self.staff("PUT", f"/v1/staff/resources/{chair['id']}/opening-hours", {"items": week})
            chairs.append(chair["id"])
        self.service = self.staff(
            "POST",
            f"/v1/staff/venues/{venue['id']}/services",
            {
                "name": "قص شعر",
                "duration_minutes": 45,
                "slot_step_minutes": 15,
                "buffer_after_minutes": 15,
                "price": 12000,
                "payment": "on_site",
                "resource_ids": chairs,
            },
            201,
            False,
        )

        self.paid_service = self.staff(
            "POST",
            f"/v1/staff/venues/{venue['id']}/services",
            {
                "name": "صبغة شعر",
                "duration_minutes": 90,
                "slot_step_minutes": 30,
                "price": 35000,
                "payment": "online",
                "free_cancellation_minutes": 60,
                "resource_ids": chairs,
            },
            201,
        )

    def message(self, phone, after):
        def newest():
            inbox = call(
                self.stack.sandbox_port, "GET", f"/inbox.json?to=%2B{phone[1:]}&after={after}"
            )[2]
            return inbox["items"][-1] if inbox["items"] else None

        return wait_for("the message", newest)

    def sign_in(self, phone, locale):
        title(f"Sign in with {phone} ({locale})")
        challenge = self.ask("POST", "/v1/otp", {"phone": phone, "locale": locale}, expect=201)
        message = self.message(challenge["phone"], 0)
        print(f"  SMS: {message['text']}")
        code = re.search(r"\d{6}", message["text"]).group()
        session = self.ask("POST", f"/v1/otp/{challenge['id']}/verify", {"code": code})
        return session["token"], challenge["phone"], message["number"]

    def book(self, token, service=None):
        service = service or self.service
        slots = self.ask("GET", f"/v1/services/{service['id']}/slots", token=token)["items"]
        wanted = slots[len(slots) // 2]
        return self.ask(
            "POST",
            "/v1/bookings",
            {"service_id": service["id"], "starts_at": wanted["starts_at"]},
            token,
            201,
        )

    def pay(self, token, phone):
        title(
            "Book what is paid online, pay on the gateway's page, cancel, and the money comes back"
        )
        seen = self.message(phone, 0)["number"]
        booking = self.book(token, self.paid_service)
        payment = self.ask(
            "POST",
            f"/v1/bookings/{booking['id']}/payments",
            {"return_url": f"http://127.0.0.1:{self.stack.sandbox_port}/inbox"},
            token,
            201,
        )
        page = urllib.parse.urlsplit(payment["redirect_url"]).path
        print(f"  browser: {payment['redirect_url']}, card 4111 1140 0576 5430")
        back = browse(self.stack.sandbox_port, "POST", page + "/pay", "number=4111114005765430")
        print(f"  → 303  {short(back)}")
        self.ask("GET", f"/v1/bookings/{booking['id']}", token=token)
        print(f"  SMS: {self.message(phone, seen)['text']}")
        self.ask(
            "POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "changed my mind"}, token
        )
        self.ask("GET", f"/v1/payments/{payment['id']}", token=token)

    def customer(self, phone, locale):
        token, number, seen = self.sign_in(phone, locale)
        title("Book, and the notification arrives")
        self.book(token)
        print(f"  SMS: {self.message(number, seen)['text']}")
        return token, number

    def bad_day(self, token):
        title("The SMS route fails; the booking stands, the failure is recorded")
        call(
            self.stack.sandbox_port,
            "POST",
            "/control/faults",
            {"route": "sms", "kind": "status", "status": 500},
        )
        booking = self.book(token)
        call(self.stack.sandbox_port, "DELETE", "/control/faults")
        found = self.staff(
            "GET", f"/v1/staff/notifications?status=FAILED&booking_id={booking['id']}", quiet=False
        )["items"]
        if len(found) != 1:
            die("the FAILED row is missing")
        labels = f'template="booking_confirmed",error_code="{found[0]["error_code"]}"'
        line = "bookingd_notifications_failed{%s}" % labels

        def counted():
            page = call(self.stack.monitor_port, "GET", "/metrics")[2]
            return next(
                (x for x in page.splitlines() if x.startswith(line) and not x.endswith(" 0")), None
            )

        print(f"  GET /metrics\n  → {wait_for('the count', counted)}")


def hide(answer):
    """Tokens are not for the screen."""
    return {**answer, "token": "…"} if isinstance(answer, dict) and "token" in answer else answer


def main():
    if "--stop" in sys.argv[1:]:
        stop_all()
        return
    once = "--once" in sys.argv[1:]
    if set(sys.argv[1:]) - {"--once"}:
        die("usage: demo [--once]")
    began = time.monotonic()
    stop_all()
    stack = Stack()
    try:
        stack.postgresql()
        stack.sandbox()
        took = stack.bookingd()
        print(f"bookingd was ready {took * 1000:.0f} ms after its start")
        walk = Walk(stack, stack.staff_key())
        walk.seed()
        walk.customer("٠٥٥١٢٣٤٥٦٧", "ar")
        token, number = walk.customer("+966 55 765 4321", "en")
        walk.pay(token, number)
        walk.bad_day(token)
        title(f"Done in {time.monotonic() - began:.1f} s")
    except BaseException:
        stop_all()
        raise
    if once:
        stop_all()
        print("everything is stopped again")
        return
    print(
        f"""
  API        http://127.0.0.1:{stack.api_port}/openapi.json
  inbox      http://127.0.0.1:{stack.sandbox_port}/inbox
  metrics    http://127.0.0.1:{stack.monitor_port}/metrics
  status     http://127.0.0.1:{stack.monitor_port}/
  desk       http://127.0.0.1:{stack.api_port}/desk (with the staff key)
  staff key  {walk.staff_key}
  logs       {VAR}/log
  ./dev stop ends all of it"""
    )


if __name__ == "__main__":
    main()
