# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Front: stands before the sandbox's port, passes requests on, and spoils those that it was told to
spoil.

    front = bd_fault.Front(sandbox.port, tls=bd_fault.Certificates())
    front.spoil(r"POST /v1/invoices$", bd.p_hang())     # what an answer may suffer, by request line
    front.shut("refuse")                                # what a connection may suffer
    front.heal()
"""
import atexit
import contextlib
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import bd

# Set by in_namespace(): packets may be dropped without anybody else missing them.
NAMESPACE = "BOOKINGD_TEST_NETNS"


def in_namespace():
    """Starts this program over in a network namespace of its own, when root; there nftables can
    drop packets.
    """
    if (
        NAMESPACE in os.environ
        or os.geteuid() != 0
        or not all(map(shutil.which, ("unshare", "ip", "nft", "setpriv")))
    ):
        return
    probe = "ip link set lo up && nft add table inet probe && nft delete table inet probe"
    if (
        subprocess.run(
            ["unshare", "-n", "sh", "-c", probe], capture_output=True, timeout=20
        ).returncode
        != 0
    ):
        return
    os.environ[NAMESPACE] = "1"
    os.execvp(
        "unshare",
        [
            "unshare",
            "-n",
            "sh",
            "-c",
            'ip link set lo up && exec "$@"',
            "sh",
            sys.executable,
            *sys.argv,
        ],
    )


class Certificates:
    """Contexts of a TLS server on 127.0.0.1: good, untrusted, for another name, of the past.
    `bundle` is what to trust.
    """

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="bd-cert-")
        atexit.register(shutil.rmtree, self.dir, True)
        self.bundle = os.path.join(self.dir, "good.pem")
        self.good = self._make("good", "IP:127.0.0.1")
        self.untrusted = self._make("untrusted", "IP:127.0.0.1")
        self.other_name = self._make("other", "DNS:elsewhere.example")
        with open(self.bundle, "a") as trusted, open(os.path.join(self.dir, "other.pem")) as f:
            trusted.write(f.read())  # its name is all that is wrong with it

    def _make(self, name, subject):
        cert, key = (os.path.join(self.dir, name + end) for end in (".pem", ".key"))
        bd.make_certificate(name, subject, cert, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context


def _reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


class Front(bd.FakeProvider):
    # Doors: "open"; "refuse"; "mute" takes connections and says nothing; "full" leaves SYNs
    # unanswered; "drop" has nftables drop them; of TLS: "untrusted", "other_name", "no_tls" (plain
    # bytes instead of a handshake), "tls_reset".
    def __init__(self, backend_port, tls=None):
        self.backend_port, self.tls = backend_port, tls
        self.door, self.rules, self.fillers = "open", [], []
        super().__init__(self._serve_by_rule)

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    # -- orders --
    def spoil(self, request_line, act, done=False):
        """act() for requests that match; done: the sandbox carries them out all the same."""
        self.rules.append((re.compile(request_line), act, done))

    def shut(self, door):
        self.door = door
        if door == "refuse":
            self.refuse()
            self._wait_closed()
        elif door == "full":
            self.refuse()
            self._wait_closed()
            self.sock = self._listener(0)
            for _ in range(8):  # one more than the queue holds: the rest stay without an answer
                s = socket.socket()
                s.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    s.connect(("127.0.0.1", self.port))
                self.fillers.append(s)
        elif door == "drop":
            self._nft(
                "add table inet front",
                "add chain inet front in { type filter hook input priority 0; }",
                "add rule inet front in tcp dport %d drop" % self.port,
            )

    def heal(self):
        """Everything works again; the next connection is served."""
        door, self.door, self.rules = self.door, "open", []
        if door == "drop":
            self._nft("flush chain inet front in")
        elif door in ("refuse", "full"):
            self.refuse()
            while self.fillers:
                self.fillers.pop().close()
            self._wait_closed()
            self.listen()

    @staticmethod
    def _nft(*commands):
        subprocess.run(
            ["nft", "-f", "-"],
            input="\n".join(commands) + "\n",
            text=True,
            check=True,
            capture_output=True,
            timeout=20,
        )

    def _wait_closed(self):
        """The accepting thread lets go of the old listener within its time-out."""

        def closed():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) != 0

        bd.wait_until(closed, "port %d to be closed" % self.port, 5)

    def _listener(self, backlog):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", self.port))
        s.listen(backlog)
        return s

    # -- connections --
    def _holds_back(self):
        if self.door == "mute":
            time.sleep(0.01)
            return True
        return False

    def _serve(self, conn):
        door = self.door
        with contextlib.suppress(OSError):
            if door == "mute":  # it had been waited for when the door was shut
                return self.closing.wait(30)
            if not self.tls:
                return super()._serve(conn)
            if door == "tls_reset":
                conn.recv(1)
                return _reset(conn)
            if door == "no_tls":
                conn.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return conn.close()
            conn.settimeout(30)
            context = getattr(self.tls, door if door in ("untrusted", "other_name") else "good")
            return super()._serve(context.wrap_socket(conn, server_side=True))

    def _serve_by_rule(self, provider, conn, request):
        line = "%s %s" % (request["method"], request["path"])
        for pattern, act, done in self.rules:
            if pattern.search(line):
                if done:
                    self.forward(request)
                act(provider, conn, request)
                return False
        with contextlib.suppress(OSError):
            conn.sendall(self.forward(request))
        return False  # one request a connection: an order holds from the next call on

    def forward(self, request):
        """The sandbox's answer as bytes."""
        drop = ("connection", "content-length", "host")
        fields = {k: v for k, v in request["headers"].items() if k not in drop}
        body = (
            request["body"] if request["body"] or request["method"] not in ("GET", "HEAD") else None
        )
        host = "127.0.0.1:%d" % self.port
        with bd.Client(("127.0.0.1", self.backend_port)) as c:
            c.send(
                c.encode(
                    request["method"],
                    request["path"],
                    body,
                    {**fields, "Host": host, "Connection": "close"},
                )
            )
            r = c.recv_response(head_only=request["method"] == "HEAD")
        if self.tls:
            r.body = r.body.replace(("http://" + host).encode(), ("https://" + host).encode())
        kept = [h for h in r.headers if h[0].lower() not in ("connection", "content-length")]
        kept += [("Connection", "close"), ("Content-Length", str(len(r.body)))]
        return (
            "HTTP/1.1 %d X\r\n%s\r\n" % (r.status, "".join("%s: %s\r\n" % h for h in kept))
        ).encode() + r.body


# ---- what else an answer may suffer, beside bd.p_* ----


def p_head_then_silence():
    def act(provider, conn, request):
        conn.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        )
        provider.closing.wait(120)

    return act


def p_body_then_silence():
    def act(provider, conn, request):
        conn.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
            + b'{"id":"'
            + b"x" * 200
        )
        provider.closing.wait(120)

    return act


def p_shutdown():
    """Half-close: the sending side is ended without an answer, the receiving one stays open."""

    def act(provider, conn, request):
        socket.socket.shutdown(conn, socket.SHUT_WR)  # of TLS too: without its good-bye
        provider.closing.wait(30)

    return act
