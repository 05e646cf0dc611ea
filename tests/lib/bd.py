# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Objects for system tests: Postgres, Daemon, Client, FakeProvider, Sandbox. Python's standard
library only.

    class Demo(bd.Case):
        def test_healthz(self):
            pg = self.postgres()                       # a fresh, migrated database; dropped after
            the test daemon = self.daemon(pg, {"server": {"workers": 2}})
            self.assertEqual(daemon.client().get("/healthz").status, 200)

No fixed sleeps: wait_until() polls a condition and fails with its words when the limit has passed.
Everything that is started is stopped by its own pid; a test that fails prints the daemon's log. """
import base64
import contextlib
import functools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import bd_openapi

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BOOKINGD_BIN") or os.path.join(TOP, "build", "bookingd")
SANDBOX_BIN = os.environ.get("BOOKINGD_SANDBOX_BIN") or os.path.join(
    TOP, "build", "bookingd-sandbox"
)
# Words of a sanitizer, or of a failed assertion, in a log: never right.
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|panic")
# "serving": daemons connect as a role that owns nothing, as `migrate --grant-to` makes it.
ROLE = "bd_serving" if os.environ.get("BOOKINGD_TEST_ROLE") == "serving" else None
# Daemons connect through a PgBouncer on this port (tests/lib/bd_pooler.py).
POOLER = os.environ.get("BOOKINGD_TEST_POOLER_PORT")
# "nginx" or "haproxy": clients of a daemon come through one (tests/lib/bd_proxy.py).
FRONT = os.environ.get("BOOKINGD_TEST_FRONT")
# Sanitizers and a loaded machine slow everything down: limits of waiting are stretched by this.
PATIENCE = float(os.environ.get("BOOKINGD_TEST_PATIENCE", "3"))
# What is held to a figure is held to this many times of it where all is slower than tests expect.
SLOWNESS = max(1.0, PATIENCE / 3)
# The program runs under valgrind (tests/lib/under-valgrind).
VALGRIND = "BOOKINGD_VALGRIND" in os.environ
PROGRAM = os.environ.get("BOOKINGD_PLAIN_BIN") or BIN  # the file itself


def wait_until(condition, what, limit=10.0, interval=0.01):
    """The first true value of condition(); AssertionError after `limit` seconds (times PATIENCE).
    `what` is said then: words, or a function that gives them.
    """
    end = time.monotonic() + limit * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            words = what() if callable(what) else what
            raise AssertionError("waited %.1f s in vain: %s" % (limit * PATIENCE, words))
        time.sleep(interval)


GIVEN_PORTS = set()


def free_port():
    """A port nobody listens on, outside the range that the kernel gives to outgoing connections;
    never the same one twice.
    """
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        if port in GIVEN_PORTS:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        GIVEN_PORTS.add(port)
        return port


def make_certificate(name, subject, cert, key):
    """A new key and a certificate signed by it, valid for two days, as PEM files."""
    req = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
    told = ["-subj", "/CN=" + name, "-addext", "subjectAltName=" + subject]
    subprocess.run(
        [*req, *told, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=30
    )


def merge(base, over):
    """`over` laid over `base`, dict by dict; None takes a key away."""
    out = dict(base)
    for key, value in (over or {}).items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


class Postgres:
    """A database of its own in the cluster of tests/lib/with-pg (BOOKINGD_TEST_PG), or in that of
    another conninfo.
    """

    templates: dict[str, str] = {}

    def __init__(self, migrate=True, base=None):
        base = base or os.environ.get("BOOKINGD_TEST_PG")
        if not base:
            raise unittest.SkipTest("BOOKINGD_TEST_PG is not set: run under tests/lib/with-pg")
        self.base = base
        self.name = "bd_%d_%08x" % (os.getpid(), random.getrandbits(32))
        if ROLE:  # a test may have a cluster of its own
            self.sql(
                "DO $$ BEGIN CREATE ROLE %s LOGIN; EXCEPTION"
                " WHEN duplicate_object OR unique_violation THEN END $$" % ROLE,
                admin=True,
            )
        template = Postgres.template(base) if migrate else "template1"
        self.sql("CREATE DATABASE %s TEMPLATE %s" % (self.name, template), admin=True)
        self.conninfo = re.sub(r"\s*\bdbname=\S+", "", base) + " dbname=" + self.name

    @staticmethod
    def template(base):
        """The name of a migrated database, made once per cluster: copies cost a third of it."""
        if base not in Postgres.templates:
            made = Postgres(migrate=False, base=base)
            made.migrate()
            Postgres.templates[base] = made.name
        return Postgres.templates[base]

    @property
    def serving(self):
        """What a daemon connects with: the tests' own superuser unless the run says otherwise."""
        conninfo = self.conninfo
        if ROLE:
            conninfo = re.sub(r"\buser=\S+", "user=" + ROLE, conninfo)
        if POOLER:
            conninfo = re.sub(r"\bhost=\S+", "host=127.0.0.1", conninfo)
            conninfo = re.sub(r"\bport=\S+", "port=" + POOLER, conninfo)
        return conninfo

    def migrate(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            json.dump({"database": {"url": self.conninfo}}, f)
            f.flush()
            done = subprocess.run(
                [BIN, "-c", f.name, "migrate", *(("--grant-to", ROLE) if ROLE else ())],
                capture_output=True,
                text=True,
                timeout=60,
            )
        if done.returncode != 0:
            raise AssertionError(
                "bookingd migrate: exit %d\n%s%s" % (done.returncode, done.stdout, done.stderr)
            )

    @staticmethod
    def psql():
        found = shutil.which("psql")
        if not found:
            found = os.path.join(
                subprocess.check_output(["pg_config", "--bindir"], text=True).strip(), "psql"
            )
        return found

    @staticmethod
    def rows(conninfo, text):
        """Runs SQL on a server; rows as lists of text (NULL is '')."""
        psql = [Postgres.psql(), "-X", "-q", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(
            [*psql, conninfo, "-f", "-"], input=text, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            raise AssertionError("psql: %s\n%s" % (done.stderr, text))
        return [line.split("\t") for line in done.stdout.splitlines()]

    def sql(self, text, admin=False):
        return self.rows(self.base if admin else self.conninfo, text)

    def value(self, text):
        rows = self.sql(text)
        return rows[0][0] if rows else None

    @contextlib.contextmanager
    def holding(self, statement):
        """A transaction that has run `statement` (a lock, say) and stays open inside the with
        block.
        """
        session = subprocess.Popen(
            [self.psql(), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", self.conninfo],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            session.stdin.write("BEGIN;\n%s;\n\\echo held\n" % statement)
            session.stdin.flush()
            line = session.stdout.readline()
            if line.strip() != "held":
                raise AssertionError("psql: %s" % line)
            yield
        finally:
            session.communicate("ROLLBACK;\n", timeout=30)

    def session(self):
        """A connection that stays open, for many small questions."""
        return Session(self.conninfo)

    def close(self):
        with contextlib.suppress(AssertionError, OSError):
            self.sql("DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.name, admin=True)


class Session:
    """One psql that is asked again and again."""

    def __init__(self, conninfo):
        self.psql = subprocess.Popen(
            [Postgres.psql(), "-X", "-q", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", conninfo],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def ask(self, text):
        """The lines that one statement gives."""
        self.psql.stdin.write(text + ";\n\\echo .\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == ".\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError("psql ended: %s" % lines)

    def close(self):
        self.psql.communicate("\\q\n", timeout=30)


def left_out(test):
    """Why a test is not run under valgrind, by its line in tests/lib/valgrind-left-out (of the
    file, class or test); None.
    """
    case = "%s.%s" % (
        os.path.basename(sys.argv[0]).removesuffix(".py"),
        test.id().partition(".")[2],
    )
    with open(os.path.join(TOP, "tests", "lib", "valgrind-left-out")) as f:
        for line in f:
            name, _, why = line.strip().partition(" ")
            if name and not name.startswith("#") and (case + ".").startswith(name + "."):
                return why
    return None


def title_of(pid):
    """What ps shows of a process. Under valgrind that is valgrind: there it is read where the
    program wrote it, on its stack.
    """
    if VALGRIND:
        with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
            for line in maps:
                start, _, end = line.split(" ")[0].partition("-")
                if end == "1fff001000":  # where valgrind puts the end of its client's stack
                    start, end = int(start, 16), int(end, 16)
                    stack = os.pread(mem.fileno(), min(end - start, 65536), max(start, end - 65536))
                    return (
                        stack[max(stack.rfind(b"bookingd: "), 0) :]
                        .split(b"\0")[0]
                        .decode(errors="replace")
                    )
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        return f.read().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")


class Response:
    def __init__(self, status, headers, body, version="HTTP/1.1"):
        self.status, self.headers, self.body, self.version = status, headers, body, version

    def __repr__(self):
        return "<%d %r %r>" % (self.status, self.headers, self.body[:300])

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """`code` of a problem document, else None."""
        return (
            self.json().get("code")
            if "json" in (self.header("Content-Type") or "") and self.body
            else None
        )


class Client:
    """HTTP/1.1 over one socket, open as long as both sides like; raw enough to misbehave with.

    check: a bd_openapi.Document that answers are held against; None when the other side is no
    bookingd."""

    def __init__(self, address, timeout=30.0, check=None):
        self.address, self.timeout, self.check = address, timeout, check
        self.sock, self.buf = None, b""
        self.headers = {}
        self.source = None  # (address, 0) to come from

    def connect(self):
        if self.sock is None:
            if isinstance(self.address, str):
                self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            else:
                family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
                self.sock = socket.socket(family, socket.SOCK_STREAM)
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.settimeout(self.timeout)
            if self.source:
                self.sock.bind(self.source)
            try:
                self.sock.connect(self.address)
            except OSError:
                self.close()
                raise
            self.buf = b""
        return self

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def __enter__(self):
        return self.connect()

    def __exit__(self, *exc):
        self.close()

    def send(self, data):
        self.connect()
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(65536)
        self.buf += data
        return bool(data)

    def recv_response(self, head_only=False):
        """One whole answer, interim ones (1xx) included; EOFError when the connection ends before
        it.
        """
        r = self._recv_response(head_only)
        if self.check:
            self.check.expect_frame(r, head_only)
        return r

    def _recv_response(self, head_only):
        while b"\r\n\r\n" not in self.buf:
            if not self._more():
                raise EOFError("connection closed, %r received" % self.buf[:200])
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        r = Response(int(status), headers, b"", version)
        if head_only or r.status < 200 or r.status in (204, 304):
            return r
        length = r.header("Content-Length")
        if length is None:
            while self._more():
                pass
            r.body, self.buf = self.buf, b""
            return r
        while len(self.buf) < int(length):
            if not self._more():
                raise EOFError("body cut off after %d of %s bytes" % (len(self.buf), length))
        r.body, self.buf = self.buf[: int(length)], self.buf[int(length) :]
        return r

    def recv_eof(self):
        """What still arrives until the other side closes. A reset is an error: an orderly close is
        expected.
        """
        while self._more():
            pass
        rest, self.buf = self.buf, b""
        return rest

    @staticmethod
    def encode(method, path, body=None, headers=None):
        fields = {"Host": "bookingd.test"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        if body is not None:
            fields["Content-Length"] = str(len(body))
        fields.update(headers or {})
        head = "%s %s HTTP/1.1\r\n%s\r\n" % (
            method,
            path,
            "".join("%s: %s\r\n" % f for f in fields.items() if f[1] is not None),
        )
        return head.encode() + (body or b"")

    def request(self, method, path, body=None, headers=None):
        """Sends and reads; a new connection when the last answer closed the old one."""
        self.send(self.encode(method, path, body, {**self.headers, **(headers or {})}))
        r = self.recv_response(head_only=method == "HEAD")
        if (r.header("Connection") or "").lower() == "close":
            self.close()
        if self.check:
            self.check.expect(method, path, r)
        return r

    def get(self, path, **headers):
        return self.request("GET", path, None, headers)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, body, headers)


@functools.lru_cache(maxsize=None)
def api_document():
    """What the program serves at /openapi.json."""
    return bd_openapi.of_program(PROGRAM)


class Daemon:
    """A real bookingd with a configuration of its own, in a private directory, told by sd_notify
    when it is ready.
    """

    def __init__(self, pg=None, config=None, env=None, argv=()):
        self.dir = tempfile.mkdtemp(prefix="bd-", dir="/tmp")
        os.chmod(
            self.dir, 0o711
        )  # a daemon that drops to another user still reaches the notify socket
        self.port, self.monitor_port = free_port(), free_port()
        self.pg, self.program = pg, BIN
        base = {
            "server": {
                "listen": "127.0.0.1:%d" % self.port,
                "public_url": "http://127.0.0.1:%d" % self.port,
                "workers": 2,
                "drain_timeout": "10s",
                # Tests are many clients of one address.
                "max_requests_per_address": 0,
                "max_connections_per_address": 0,
            },
            "monitor": {"listen": "127.0.0.1:%d" % self.monitor_port, "poll_interval": "200ms"},
            "database": {
                "url": pg.serving if pg else "host=127.0.0.1 port=1 dbname=none user=none",
                **({"migrate_url": pg.conninfo} if pg and ROLE else {}),
            },
        }
        self.config = merge(base, config)
        self.path = os.path.join(self.dir, "bookingd.yaml")
        self.log_path = os.path.join(self.dir, "log")
        self.env, self.argv = env or {}, list(argv)
        self.proc = self.front = None
        self.notes, self.stop_listening, self.clients = [], False, []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.dir, "notify"))
        os.chmod(os.path.join(self.dir, "notify"), 0o777)
        self.notify.settimeout(0.2)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while not self.stop_listening:
            with contextlib.suppress(OSError):
                for line in self.notify.recv(65536).decode().splitlines():
                    self.notes.append(line)

    def write_config(self, over=None):
        self.config = merge(self.config, over)
        with open(self.path + ".new", "w") as f:
            json.dump(self.config, f, indent=1)  # JSON is YAML
        os.chmod(self.path + ".new", 0o600)
        os.replace(self.path + ".new", self.path)  # a reload never sees half of it

    def start(self, ready=True, limit=15.0, **popen):
        self.write_config()
        env = {**os.environ, "NOTIFY_SOCKET": os.path.join(self.dir, "notify"), **self.env}
        env.pop("JOURNAL_STREAM", None)
        self.notes.clear()
        with open(self.log_path, "ab") as log:
            self.proc = subprocess.Popen(
                [self.program, "-c", self.path, "serve", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                **popen
            )
        if ready:
            wait_until(
                lambda: "READY=1" in self.notes or self.proc.poll() is not None,
                lambda: "READY=1\n" + self.log(),
                limit,
            )
            if self.proc.poll() is not None:
                raise AssertionError(
                    "bookingd ended with %d before it was ready\n%s"
                    % (self.proc.returncode, self.log())
                )
        if FRONT and self.front is None:
            import bd_proxy

            self.front = bd_proxy.start(FRONT, self.port)
        return self

    @property
    def pid(self):
        return self.proc.pid

    def signal(self, number):
        self.proc.send_signal(number)

    def hup(self):
        self.signal(signal.SIGHUP)

    def wait(self, limit=15.0):
        """Exit code; AssertionError when it does not end in time."""
        wait_until(lambda: self.proc.poll() is not None, "end of bookingd", limit)
        return self.proc.returncode

    def stop(self, limit=15.0):
        """Drains; returns the exit code."""
        if self.proc is not None and self.proc.poll() is None:
            self.signal(signal.SIGTERM)
            return self.wait(limit)
        return self.proc.returncode if self.proc else None

    def close(self):
        """Ends it whatever its state, and removes the directory."""
        if self.proc is not None and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(1)
            except subprocess.TimeoutExpired:
                for pid in list(self.children()):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.proc.kill()
                self.proc.wait(10)
        for client in self.clients:
            client.close()
        if self.front:
            self.front.close()
        self.stop_listening = True
        self.notify.close()
        self.last_log = self.log() if os.path.exists(self.log_path) else ""
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- looking inside --
    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode(errors="replace")

    def log_contains(self, pattern, limit=0.0):
        """The first match of a regular expression in the log; waits up to `limit`
        seconds for it."""

        def found():
            return re.search(pattern, self.log())

        return (
            found()
            if limit == 0
            else wait_until(
                found, lambda: "log has /%s/\n%s" % (pattern, self.log()[-3000:]), limit
            )
        )

    def titles(self):
        """{pid: title} of the living children."""
        out = {}
        try:
            with open("/proc/%d/task/%d/children" % (self.pid, self.pid)) as f:
                pids = [int(p) for p in f.read().split()]
        except (OSError, ValueError):
            return out
        for pid in pids:
            with contextlib.suppress(OSError):
                title = title_of(pid)
                with open("/proc/%d/stat" % pid) as f:
                    if f.read().rsplit(")", 1)[1].split()[0] != "Z":
                        out[pid] = title
        return out

    def children(self, role=None):
        """Pids of the children, of one role ("worker") or all, in the order of their titles."""
        found = sorted(
            (title, pid)
            for pid, title in self.titles().items()
            if role is None or re.match(r"bookingd: %s\b" % role, title)
        )
        return [pid for _, pid in found]

    def metrics(self):
        """Samples of the monitor's page: [(name, {label: value}, number)]."""
        with Client(("127.0.0.1", self.monitor_port)) as c:
            r = c.request("GET", "/metrics")
        if r.status != 200:
            raise AssertionError("/metrics: %r" % r)
        out = []
        for line in r.body.decode().splitlines():
            m = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", line)
            if m and not line.startswith("#"):
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(2) or ""))
                out.append((m.group(1), labels, float(m.group(3))))
        return out

    def metric(self, name, **labels):
        """Sum of the samples with these labels; None when there is none."""
        found = [
            v
            for n, have, v in self.metrics()
            if n == name and all(have.get(k) == w for k, w in labels.items())
        ]
        return sum(found) if found else None

    def worker_executing(self, what, limit=10.0):
        """Pid of a worker whose title says that it executes `what`; waits for one."""

        def find():
            return [
                pid
                for pid, title in self.titles().items()
                if re.match(r"bookingd: worker \d+ executing .*" + what, title)
            ]

        return wait_until(find, "a worker that executes " + what, limit)[0]

    # -- using it --
    def client(self, timeout=30.0):
        """A client of this daemon; closed with it at the latest. Every answer is checked against
        the API document.
        """
        client = (
            self.front.client(timeout)
            if self.front
            else Client(("127.0.0.1", self.port), timeout, api_document())
        )
        self.clients.append(client)
        return client

    def request(self, method, path, body=None, headers=None):
        with self.client() as c:
            return c.request(method, path, body, headers)

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, body, headers)

    def run(self, *argv, **kwargs):
        """A command of bookingd with the daemon's configuration."""
        if not os.path.exists(self.path):
            self.write_config()
        return subprocess.run(
            [self.program, "-c", self.path, *argv],
            capture_output=True,
            text=True,
            timeout=60,
            **kwargs
        )

    def staff_key(self, name="tests", role="admin", venue=None):
        done = self.run(
            "staff-key",
            "create",
            "--name",
            name,
            "--role",
            role,
            *(["--venue", venue] if venue else [])
        )
        if done.returncode != 0:
            raise AssertionError("staff-key create: %s" % done.stderr)
        return done.stdout.strip()


class FakeProvider:
    """A scripted HTTP server. `plan` is what the next requests meet, `default` what all others do.

        p = FakeProvider(default=p_reply(200, {"ok": True}))
        p.plan.append(p_hang())
    Every request is kept in p.requests as a dict: method, path, headers (lower-case names), body
    (bytes), at (monotonic)."""

    def __init__(self, default=None):
        self.default = default or p_reply(200, {})
        self.plan, self.requests = [], []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.port = free_port()
        self.sock = None
        self.listen()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def listen(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", self.port))
        self.sock.listen(128)
        self.sock.settimeout(0.2)
        threading.Thread(target=self._accept, args=(self.sock,), daemon=True).start()

    def refuse(self):
        """Connections are refused until listen() is called again."""
        sock, self.sock = self.sock, None
        if sock is not None:
            # The thread that waits in accept() keeps a socket that is only closed listening.
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _holds_back(self):
        """Of derived classes: waits a moment and says True while nobody is to be accepted."""
        return False

    def _accept(self, listener):
        while not self.closing.is_set() and self.sock is listener:
            if self._holds_back():
                continue
            try:
                conn, _ = listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        conn.settimeout(120)
        buf = b""
        with conn, contextlib.suppress(OSError, ValueError):
            while not self.closing.is_set():
                while b"\r\n\r\n" not in buf:
                    data = conn.recv(65536)
                    if not data:
                        return
                    buf += data
                head, buf = buf.split(b"\r\n\r\n", 1)
                lines = head.decode("latin-1").split("\r\n")
                headers = {
                    k.strip().lower(): v.strip()
                    for k, v in (line.split(":", 1) for line in lines[1:])
                }
                length = int(headers.get("content-length", 0))
                while len(buf) < length:
                    data = conn.recv(65536)
                    if not data:
                        return
                    buf += data
                body, buf = buf[:length], buf[length:]
                method, path = lines[0].split(" ")[:2]
                request = {
                    "method": method,
                    "path": path,
                    "headers": headers,
                    "body": body,
                    "at": time.monotonic(),
                }
                with self.lock:
                    self.requests.append(request)
                    act = self.plan.pop(0) if self.plan else self.default
                if not act(self, conn, request):
                    return

    def wait_for(self, n, limit=10.0):
        """Waits until n requests have arrived; returns them."""
        wait_until(lambda: len(self.requests) >= n, "%d requests at the fake provider" % n, limit)
        return self.requests

    def close(self):
        self.closing.set()
        self.refuse()


def _http(status, body, headers=()):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **dict(headers)}
    return (
        "HTTP/1.1 %d X\r\n%s\r\n" % (status, "".join("%s: %s\r\n" % f for f in fields.items()))
    ).encode() + body


def p_reply(status=200, body=None, headers=(), delay=0.0):
    """An ordinary answer, `delay` seconds late. body may be a function of the request."""

    def act(provider, conn, request):
        if provider.closing.wait(delay):
            return False
        conn.sendall(
            _http(
                status, body(request) if callable(body) else ({} if body is None else body), headers
            )
        )
        return True

    return act


def p_hang():
    """Takes the request and says nothing."""

    def act(provider, conn, request):
        provider.closing.wait(120)
        return False

    return act


def p_drip(interval=1.0, status=200, body=b'{"padding":"' + b"x" * 1000 + b'"}'):
    """A byte every `interval` seconds."""

    def act(provider, conn, request):
        for byte in _http(status, body):
            conn.sendall(bytes([byte]))
            if provider.closing.wait(interval):
                break
        return False

    return act


def p_headers_for_ever(interval=0.01):
    def act(provider, conn, request):
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        while not provider.closing.wait(interval):
            conn.sendall(b"X-More: " + b"y" * 200 + b"\r\n")
        return False

    return act


def p_reset():
    """RST instead of an answer."""

    def act(provider, conn, request):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        conn.close()
        return False

    return act


def p_close():
    """An orderly close instead of an answer."""
    return lambda provider, conn, request: False


def p_half(status=200):
    """Half of the promised body, then a close."""

    def act(provider, conn, request):
        whole = _http(status, b'{"id":"' + b"x" * 500 + b'"}')
        conn.sendall(whole[: len(whole) - 250])
        return False

    return act


def p_garbage():
    def act(provider, conn, request):
        conn.sendall(b"\x00\xff\x13GARBAGE not http at all\r\n\r\n\x01\x02")
        return False

    return act


def p_huge(size=10 * 1024 * 1024):
    def act(provider, conn, request):
        conn.sendall(_http(200, b'{"x":"' + b"y" * size + b'"}'))
        return False

    return act


def p_redirect(to="http://127.0.0.1:1/elsewhere"):
    return p_reply(302, {}, {"Location": to})


class Sandbox:
    """bookingd-sandbox on a port of its own: the providers, an inbox, and faults to order."""

    def __init__(self, port=0, **popen):
        self.log = tempfile.TemporaryFile()
        self.proc = subprocess.Popen(
            [SANDBOX_BIN, "--listen", "127.0.0.1:%d" % port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            **popen
        )
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.proc.stdout.readline())
        if not found:
            raise AssertionError("bookingd-sandbox does not say where it listens")
        self.port = int(found.group(1))
        self.url = found.group(0)

    def exchange(self, method, path, body=None, headers=None):
        """The Response; tried again while the sandbox was ordered to take no connections: what it
        has taken it answers.
        """

        def once():
            try:
                with Client(("127.0.0.1", self.port)) as c:
                    return c.request(method, path, body, headers)
            except ConnectionError:
                return None

        return wait_until(once, "a connection to the sandbox", 2)

    def call(self, method, path, body=None):
        """JSON of an answer that must be a success; None without a body."""
        r = self.exchange(
            method,
            path,
            body,
            {"Content-Length": "0"} if body is None and method != "GET" else None,
        )
        if r.status not in (200, 201, 204):
            raise AssertionError("%s %s: %r" % (method, path, r))
        return r.json() if r.body else None

    def order(self, route, kind, **more):
        """A fault for a route ("taqnyat", "invoice_create") or group ("sms", "moyasar", "all"):
        status, times, delay_ms, done.
        """
        self.call("POST", "/control/faults", {"route": route, "kind": kind, **more})

    def clear(self):
        self.call("DELETE", "/control/faults")

    # -- the gateway --
    def webhooks(self, url, secret, **more):
        """Events go there from now on (None: nowhere): factor compresses the schedule of six
        deliveries, copies repeats each; callbacks: whether invoices call their callback_url."""
        self.call("POST", "/control/webhooks", {"url": url, "secret": secret, **more})

    def events(self):
        """All events so far, as they are sent but for the secret_token."""
        return self.call("GET", "/control/events")["items"]

    def form(self, path, **fields):
        """What a browser that posts a form is answered; it follows nothing."""
        return self.exchange(
            "POST",
            path,
            urllib.parse.urlencode(fields).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )

    def api(self, method, path, body=None):
        """A call of the gateway's API as a merchant: the Response."""
        key = base64.b64encode(b"sk_test_of_a_test:").decode()
        return self.exchange(
            method,
            path,
            body,
            {"Authorization": "Basic " + key, **({"Content-Length": "0"} if body is None else {})},
        )

    def books(self, what):
        """All "invoices" or "payments" of the gateway, the newest first."""
        items, page = [], 1
        while page:
            answer = self.api("GET", "/v1/%s?page=%d" % (what, page)).json()
            items += answer[what]
            page = answer["meta"]["next_page"]
        return items

    def inbox(self, to=None, after=0):
        """Messages that the phones got, oldest first."""
        items, page = [], None
        while page is None or len(page) == 1000:  # as many as one answer has at most
            query = "?after=%d" % after + ("&to=" + to.replace("+", "%2B") if to else "")
            page = self.call("GET", "/inbox.json" + query)["items"]
            items += page
            after = page[-1]["number"] if page else after
        return items

    def close(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            self.proc.wait(10)
        if self.log.closed:
            return
        self.proc.stdout.close()
        self.log.seek(0)
        words = self.log.read().decode(errors="replace")
        self.log.close()
        if SANITIZER.search(words):
            raise AssertionError(words[:4000])


class Case(unittest.TestCase):
    """A test case that cleans up what its helpers made, and shows the daemons' logs
    when it fails."""

    def run(self, result=None):
        why = left_out(self) if VALGRIND and result else None
        if not why:
            return super().run(result)
        result.startTest(self)
        result.addSkip(self, why)
        result.stopTest(self)
        return result

    pair = None  # a bd_pair.Pair: databases are made on its primary of now

    def postgres(self, **kwargs):
        if self.pair:
            kwargs.setdefault("base", self.pair.base)
        pg = Postgres(**kwargs)
        self.addCleanup(pg.close)
        return pg

    def daemon(self, pg=None, config=None, start=True, env=None, **kwargs):
        daemon = Daemon(pg, config, env)
        self.addCleanup(self._end, daemon)
        if start:
            daemon.start(**kwargs)
        return daemon

    def provider(self, default=None):
        provider = FakeProvider(default)
        self.addCleanup(provider.close)
        return provider

    def sandbox(self):
        sandbox = Sandbox()
        self.addCleanup(sandbox.close)
        return sandbox

    def _end(self, daemon):
        outcome = getattr(self, "_outcome", None)
        result = getattr(outcome, "result", None)
        bad = (
            [
                getattr(t, "test_case", t)
                for t, _ in getattr(result, "failures", []) + getattr(result, "errors", [])
            ]
            if result
            else []
        )
        errors = (
            [e for _, e in getattr(outcome, "errors", []) if e]
            if outcome and hasattr(outcome, "errors")
            else []
        )
        if (self in bad or errors) and os.path.exists(daemon.log_path):
            sys.stderr.write("\n--- log of %s\n%s---\n" % (self.id(), daemon.log()[-6000:]))
        daemon.close()
        found = SANITIZER.search(daemon.last_log)
        if found:
            raise AssertionError(daemon.last_log[found.start() : found.start() + 4000])


def main():
    unittest.main(verbosity=2)
