# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What the processes may do, seen on the running daemon: privileges, filters, memory without
others' secrets, no cores.
"""
import contextlib
import ctypes
import os
import platform
import pwd
import re
import resource
import signal
import tempfile
import unittest
import urllib.parse

import bd

ROLES = ("dispatcher", "worker", "monitor", "keeper", "resolver")
CANARIES = {
    "otp": "canary-of-the-otp-secret-0123456789abcdef",
    "sms": "canary-of-the-sms-token-0123456789",
    "key": "sk_test_canary0123456789abcdef",
    "hook": "canary-of-the-webhook-0123456789",
    "env": "canary-in-the-environment-0123456",
}


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return {k: v.strip() for k, v in (line.split(":", 1) for line in f)}


def confined_build(d):
    return d.log_contains(r"event=confine\.on .*system_calls=yes") is not None


def memory_has(pid, needle):
    """Whether the bytes are anywhere in the memory of a process."""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not m or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            at, end = int(m.group(1), 16), int(m.group(2), 16)
            tail = b""
            while at < end:
                try:
                    data = os.pread(mem.fileno(), min(1 << 20, end - at), at)
                except OSError:
                    break
                if not data:
                    break
                if needle in tail + data:
                    return True
                tail, at = data[-len(needle) :], at + len(data)
    return False


class Regs(ctypes.Structure):
    _fields_ = [
        (n, ctypes.c_ulonglong)
        for n in "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs "
        "eflags rsp ss fs_base gs_base ds es fs gs".split()
    ]


def make_call(pid, number, *args):
    """Has a process that waits in a system call make another one when it goes on (x86-64)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    attach, getregs, setregs, detach = 16, 12, 13, 17
    if libc.ptrace(attach, pid, None, None) != 0:
        raise unittest.SkipTest("no ptrace here: %s" % os.strerror(ctypes.get_errno()))
    os.waitpid(pid, 0)
    regs = Regs()
    libc.ptrace(getregs, pid, None, ctypes.byref(regs))
    regs.rip -= 2  # onto the instruction that brought it where it is
    regs.rax, regs.orig_rax = number, ctypes.c_ulonglong(-1).value
    for name, value in zip(("rdi", "rsi", "rdx"), args + (0, 0, 0)):
        setattr(regs, name, value)
    libc.ptrace(setregs, pid, None, ctypes.byref(regs))
    libc.ptrace(detach, pid, None, None)


class Rights(bd.Case):
    def config(self, **server):
        return {
            "server": {"workers": 2, **server},
            "providers": {
                "sms": {
                    "type": "taqnyat",
                    "base_url": "http://127.0.0.1:1",
                    "sender": "T",
                    "token": CANARIES["sms"],
                },
                "pay": {
                    "type": "moyasar",
                    "base_url": "http://127.0.0.1:1",
                    "secret_key": {"env": "CANARY_KEY"},
                    "webhook_secret": CANARIES["hook"],
                },
            },
            "payments": {"provider": "pay"},
            "otp": {"provider": "sms", "secret": CANARIES["otp"]},
        }

    def all(self, d):
        bd.wait_until(
            lambda: all("starting" not in t for t in d.titles().values()), "all checked in"
        )
        return [(role, pid) for role in ROLES for pid in d.children(role)]

    def test_no_worker_has_a_clients_connection(self):  # S17
        """What comes later on a kept connection can be another customer's request."""
        d = self.daemon(self.postgres())
        with d.client() as c:
            for _ in range(20):  # every worker has had its turn, and the connection is kept
                self.assertEqual(c.get("/v1/venues").status, 200)
            mine = c.sock.getsockname()[1]
            with open("/proc/net/tcp") as f:
                rows = [line.split() for line in f][1:]
            ports = ":%04X" % d.port, ":%04X" % mine
            (inode,) = [
                row[9] for row in rows if row[1].endswith(ports[0]) and row[2].endswith(ports[1])
            ]
            holders = []
            for role, pid in [("master", d.pid), *self.all(d)]:
                for fd in os.listdir("/proc/%d/fd" % pid):
                    with contextlib.suppress(OSError):
                        if os.readlink("/proc/%d/fd/%s" % (pid, fd)) == "socket:[%s]" % inode:
                            holders.append(role)
            self.assertEqual(holders, ["dispatcher"])
            self.assertEqual(c.get("/v1/venues").status, 200)

    def test_status_of_every_process(self):
        d = self.daemon(self.postgres())
        if not confined_build(d):
            self.skipTest("this build does not confine")
        for role, pid in [("master", d.pid), *self.all(d)]:
            with self.subTest(role):
                status = status_of(pid)
                self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
                if role != "master":
                    self.assertGreaterEqual(int(status["Seccomp_filters"]), 3)
                self.assertEqual(
                    os.stat("/proc/%d/fd" % pid).st_uid, 0
                )  # not dumpable: nothing of it is its user's
                self.assertEqual(resource.prlimit(pid, resource.RLIMIT_CORE), (0, 0))
        self.assertEqual(d.metric("process_open_fds") > 5, True)

    @unittest.skipUnless(os.geteuid() == 0, "only root can drop privileges")
    def test_as_another_user(self):
        """Started as root: nothing of root is left, and the figures that others may not read are
        there all the same.
        """
        nobody = pwd.getpwnam("nobody")
        d = self.daemon(self.postgres(), {"server": {"user": "nobody"}})
        os.chmod(d.path, 0o644)  # for the reload, which reads it as nobody
        for _ in range(2):
            for role, pid in [("master", d.pid), *self.all(d)]:
                with self.subTest(role):
                    status = status_of(pid)
                    self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
                    self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
                    self.assertEqual(status["Groups"], str(nobody.pw_gid))
                    for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                        self.assertEqual(int(status[caps], 16), 0)
            for name in (
                "process_open_fds",
                "process_max_fds",
                "process_cpu_seconds_total",
                "process_start_time_seconds",
                "process_resident_memory_bytes",
                "process_virtual_memory_bytes",
            ):
                self.assertGreater(d.metric(name) or 0, 0, name)
            done = d.run("reload", "--wait")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            bd.wait_until(lambda: len(d.titles()) == 6, "the new ones alone")

    @unittest.skipUnless(os.geteuid() == 0, "only root reads others' memory")
    def test_secrets_are_where_they_are_needed(self):
        pg = self.postgres()
        password = "canary-of-the-database-0123456789"
        d = self.daemon(
            pg,
            bd.merge(self.config(), {"database": {"url": pg.conninfo + " password=" + password}}),
            env={"CANARY_KEY": CANARIES["key"]},
        )
        if not confined_build(d):
            self.skipTest("this build does not look for copies")
        for _ in range(2):
            for role, pid in self.all(d):
                has = {
                    name
                    for name, text in {**CANARIES, "db": password}.items()
                    if memory_has(pid, text.encode())
                }
                wanted = {
                    "worker": {"otp", "sms", "key", "hook", "db"},
                    "keeper": {"sms", "key", "hook", "db"},
                    "monitor": {"db"},
                }
                with self.subTest(role):
                    self.assertEqual(has, wanted.get(role, set()))
            done = d.run("reload", "--wait", env={**os.environ, "CANARY_KEY": CANARIES["key"]})
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            bd.wait_until(lambda: len(d.titles()) == 6, "the new ones alone")

    @unittest.skipUnless(os.geteuid() == 0, "only root reads others' memory")
    def test_passwords_of_any_length_and_place(self):  # S18
        """Neither who reads what strangers send nor who asks name servers has the password."""
        words = ("k9-x", "Zt7+m.q", "canary-13byte", "canary-of-27-bytes-01234567")
        places = {
            "option": lambda pg, word: (pg.conninfo + " password=" + word, {}),
            "URI": lambda pg, word: (
                "postgresql://?%s&password=%s"
                % ("&".join(pg.conninfo.split()), urllib.parse.quote(word, safe="")),
                {},
            ),
            "PGPASSWORD": lambda pg, word: (pg.conninfo, {"PGPASSWORD": word}),
            "PGPASSFILE": lambda pg, word: (pg.conninfo, {"PGPASSFILE": self.passfile(word)}),
        }
        pg = self.postgres()
        for place, make in places.items():
            for word in words:
                url, env = make(pg, word)
                d = self.daemon(
                    pg,
                    bd.merge(self.config(), {"database": {"url": url}}),
                    env={"CANARY_KEY": CANARIES["key"], **env},
                )
                if not confined_build(d):
                    self.skipTest("this build does not look for copies")
                with self.subTest(place=place, word=word):
                    for role in ("dispatcher", "resolver"):
                        self.assertFalse(memory_has(d.children(role)[0], word.encode()), role)
                d.close()

    @unittest.skipUnless(os.geteuid() == 0, "only root reads others' memory")
    def test_what_stays_may_hold_what_goes(self):
        """The owner's URL stands inside that of the service, and the password is the same."""
        pg = self.postgres()
        word = "canary-of-both-roles"
        options = [*pg.conninfo.split(), "password=" + word]
        urls = {"url": "postgresql://?" + "&".join(options), "migrate_url": " ".join(options)}
        d = self.daemon(
            pg,
            bd.merge(self.config(), {"database": urls}),
            env={"CANARY_KEY": CANARIES["key"]},
        )
        if not confined_build(d):
            self.skipTest("this build does not look for copies")
        self.assertEqual(d.get("/v1/venues").status, 200)
        for role, has in (("worker", True), ("dispatcher", False)):
            self.assertEqual(memory_has(d.children(role)[0], word.encode()), has, role)

    def passfile(self, word):
        f = tempfile.NamedTemporaryFile("w", prefix="bd-pgpass-", dir="/tmp")
        self.addCleanup(f.close)
        f.write("*:*:*:*:%s\n" % word)
        f.flush()
        return f.name

    @unittest.skipUnless(os.geteuid() == 0, "only root's children could have any")
    def test_children_of_root_have_no_capabilities(self):  # S27
        d = self.daemon(self.postgres())
        if not confined_build(d):
            self.skipTest("this build does not confine")
        for role, pid in self.all(d):
            status = status_of(pid)
            for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                with self.subTest(role, which=which):
                    self.assertEqual(int(status[which], 16), 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root reads others' memory")
    def test_what_clients_send_does_not_stay(self):  # S20
        """Tokens, keys and codes are gone with the answer, from the worker and from the dispatcher,
        whatever way they came in.
        """
        d = self.daemon(
            self.postgres(),
            bd.merge(self.config(), {"server": {"workers": 1}}),
            env={"CANARY_KEY": CANARIES["key"]},
        )
        if not confined_build(d):
            self.skipTest("a sanitizer keeps freed memory")
        token, key, code = (
            "canary-of-a-%s-0123456789abcdef" % what for what in ("token", "key", "code")
        )
        processes = self.all(d)
        with d.client() as c:
            for long in (0, 5000):  # a buffer that is enough, and one that grew
                padding = {"X-Padding": "p" * long}
                self.assertEqual(
                    c.get("/v1/me", **{"Authorization": "Bearer " + token}, **padding).status, 401
                )
                self.assertEqual(
                    c.get(
                        "/v1/staff/notifications", **{"Authorization": "Bearer " + key}, **padding
                    ).status,
                    401,
                )
                self.assertEqual(c.post("/v1/otp", {"phone": code}, padding).status, 422)
                c.send(
                    c.encode("POST", "/v1/otp", {"phone": code, "more": "x" * 40000})
                )  # too long for a packet
                self.assertEqual(c.recv_response().status, 422)
            c.send(
                c.encode("GET", "/v1/me", headers={"Authorization": "Bearer " + token}) * 3
            )  # one behind the other
            self.assertEqual([c.recv_response().status for _ in range(3)], [401] * 3)
            for role, pid in processes:
                for text in (token, key, code):
                    # The client may have its answer before the dispatcher hears of it.
                    bd.wait_until(
                        lambda: not memory_has(pid, text.encode()),
                        "%s forgets %s" % (role, text),
                        2,
                    )

    @unittest.skipUnless(
        os.geteuid() == 0 and platform.machine() == "x86_64", "needs ptrace and x86-64"
    )
    def test_a_violation_ends_the_process_and_is_named(self):
        d = self.daemon(self.postgres())
        if not confined_build(d):
            self.skipTest("this build does not confine")
        execve, connect = 59, 42
        with d.client() as c:
            self.assertEqual(c.get("/healthz").status, 200)
            for role, number, name in (
                ("worker", execve, "execve"),
                ("keeper", execve, "execve"),
                ("monitor", execve, "execve"),
                ("resolver", execve, "execve"),
                ("dispatcher", connect, "connect"),
            ):
                with self.subTest(role):
                    self.all(d)
                    victim = d.children(role)[0]
                    bd.wait_until(lambda: status_of(victim)["State"].startswith("S"), "it waits")
                    make_call(victim, number)
                    d.log_contains(
                        r"event=child.ended .*child=%s .*pid=%d .*how=\"signal SYS\""
                        % (role, victim),
                        10,
                    )
                    d.log_contains(
                        r"event=child.violation .*child=%s .*system_call=%s " % (role, name), 5
                    )
                    if role != "dispatcher":
                        self.assertEqual(c.get("/healthz").status, 200)
        bd.wait_until(lambda: d.children("dispatcher"), "another dispatcher")

    def test_off(self):
        d = self.daemon(self.postgres(), {"server": {"confine": False}})
        if not d.log_contains(r"event=confine\.off"):
            self.skipTest("this build does not confine")
        self.assertTrue(all(status_of(pid)["Seccomp"] == "0" for _, pid in self.all(d)))
        self.assertEqual(d.get("/v1/venues").status, 200)

    @unittest.skipUnless(os.geteuid() == 0, "the kernel's pattern is root's to read")
    def test_no_core(self):
        d = self.daemon(self.postgres())
        if not confined_build(d):
            self.skipTest("this build does not confine")
        victim = d.children("worker")[0]
        os.kill(victim, signal.SIGSEGV)
        d.log_contains(r"child.ended .*pid=%d .*how=\"signal SEGV\"" % victim, 5)


if __name__ == "__main__":
    bd.main()
