# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""nginx and HAProxy in front of a daemon, each with its example of doc/proxy; only addresses,
certificate and body limit are changed.

    proxy = bd_proxy.start("nginx", daemon.port)    # SkipTest when the program is not installed
    proxy.client().get("/healthz")                  # over TLS

BOOKINGD_TEST_FRONT=nginx (or haproxy) puts one before every daemon of a test: daemon.client() goes
through it then. """
import atexit
import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import bd

EXAMPLES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}
# The limits of both examples, out of the way; each is in one of the two.
LIMITS = (
    (r"rate=20r/s", "rate=100000r/s"),
    (r"burst=40", "burst=100000"),
    (r"bookingd_connections 32", "bookingd_connections 65000"),
    (r"gt 200 ", "gt 1000000 "),
    (r"gt 32 ", "gt 65000 "),
)
DIALECT = tuple(pattern for pattern, _ in LIMITS)
_certificate = threading.Lock(), []


def certificate():
    """A PEM file with key and certificate for book.example.com, made once."""
    lock, made = _certificate
    with lock:
        if not made:
            directory = tempfile.mkdtemp(prefix="bd-tls-")
            atexit.register(shutil.rmtree, directory, True)
            cert, key, both = (
                os.path.join(directory, n) for n in ("cert.pem", "key.pem", "both.pem")
            )
            name = "book.example.com"
            bd.make_certificate(name, "DNS:" + name, cert, key)
            with open(both, "w") as f:
                for name in (cert, key):
                    with open(name) as part:
                        f.write(part.read())
            made.append(both)
        return made[0]


class TlsClient(bd.Client):
    def __init__(self, proxy, timeout=30.0):
        super().__init__(("127.0.0.1", proxy.tls_port), timeout)
        self.context = ssl.create_default_context(cafile=certificate())

    def connect(self):
        if self.sock is None:
            super().connect()
            try:
                self.sock = self.context.wrap_socket(self.sock, server_hostname="book.example.com")
            except OSError:
                self.close()
                raise
        return self


class Proxy:
    def __init__(self, kind, upstream, limits=False):
        self.kind, self.dir = kind, tempfile.mkdtemp(prefix="bd-proxy-")
        program = shutil.which(kind) or shutil.which(kind, path="/usr/sbin:/usr/local/sbin")
        if not program or not shutil.which("openssl"):
            raise unittest.SkipTest(kind + " is not installed")
        self.port, self.tls_port = bd.free_port(), bd.free_port()
        with open(os.path.join(bd.TOP, "doc", "proxy", EXAMPLES[kind])) as f:
            text = f.read()
        for pattern, put in (
            (r"127\.0\.0\.1:8080", "127.0.0.1:%d" % upstream),
            (r"/etc/ssl/private/book\.example\.com\.pem", certificate()),
            (r"listen 80;", "listen 127.0.0.1:%d;" % self.port),
            (r"listen 443 ", "listen 127.0.0.1:%d " % self.tls_port),
            (r"bind :80\n", "bind 127.0.0.1:%d\n" % self.port),
            (r"bind :443 ", "bind 127.0.0.1:%d " % self.tls_port),
            (r"client_max_body_size 64k", "client_max_body_size 1m"),
            (r"maxconn 20000", "maxconn 500"),
            # Tests are one address, and many requests; test_one_address keeps them.
            *(() if limits else LIMITS),
        ):
            text, n = re.subn(pattern, put, text)
            if n == 0 and not pattern.startswith(("listen", "client", "bind", "maxconn", *DIALECT)):
                raise AssertionError("%s: no %s" % (EXAMPLES[kind], pattern))
        path = os.path.join(self.dir, "conf")
        if kind == "nginx":
            text = self._nginx(text)
        with open(path, "w") as f:
            f.write(text)
        self.log = open(os.path.join(self.dir, "log"), "wb")
        argv = (
            [program, "-p", self.dir, "-e", "stderr", "-c", path]
            if kind == "nginx"
            else [program, "-db", "-f", path]
        )
        self.proc = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        atexit.register(self.close)
        bd.wait_until(self._up, "%s\n%s" % (kind, self.words()))

    def _nginx(self, text):
        temp = "".join(
            "%s_temp_path %s/%s; " % (n, self.dir, n)
            for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root; " if os.geteuid() == 0 else ""
        return (
            "daemon off; pid %s/pid; worker_processes 1; error_log stderr warn; %sevents { "
            "worker_connections 1000; }\n"
            "http { access_log off; %s\n%s}\n" % (self.dir, user, temp, text)
        )

    def _up(self):
        if self.proc.poll() is not None:
            raise AssertionError("%s ended: %s" % (self.kind, self.words()))
        with contextlib.suppress(OSError), socket.create_connection(
            ("127.0.0.1", self.tls_port), 1
        ):
            return True
        return False

    def words(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()

    def client(self, timeout=30.0):
        return TlsClient(self, timeout)

    def close(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait(5)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def start(kind, upstream, limits=False):
    return Proxy(kind, upstream, limits)
