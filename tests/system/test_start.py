# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What the daemon makes of odd surroundings at its start.

Sockets that systemd passed, files of unix sockets, users, closed descriptors, files that are none,
limits, refused system calls.
"""
import ctypes
import fcntl
import grp
import json
import os
import platform
import pwd
import resource
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

import bd

CONFIG = 78
ROOT = os.geteuid() == 0
# x86-64's numbers (linux/filter.h, linux/seccomp.h).
MEMFD_CREATE = 319
# Numbers sockets from 3 on, says its own pid, and becomes bookingd: what systemd does.
PASS = """import os, sys
for i, fd in enumerate(sys.argv[1].split(",")):
    os.dup2(int(fd), 3 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], [sys.argv[2], "-c", sys.argv[3], "serve"])
"""


def refuse_call(number):
    """A filter that refuses one system call with EPERM, as profiles of containers do."""
    allow, eperm = 0x7FFF0000, 0x00050001
    code = b"".join(
        struct.pack("HBBI", *row)
        for row in (
            (0x20, 0, 0, 0),  # load the number
            (0x15, 0, 1, number),  # is it that?
            (0x06, 0, 0, eperm),
            (0x06, 0, 0, allow),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) != 0:  # PR_SET_SECCOMP
        os._exit(1)


def connect_as(uid, path):
    """Whether a process of that user can connect; its group is nobody's."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
            code = 0
        except OSError:
            pass
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


class Sockets(bd.Case):
    def unix(self, params, **start):
        d = self.daemon(self.postgres(), start=False)
        path = os.path.join(d.dir, "http.sock")
        d.write_config({"server": {"listen": ["127.0.0.1:%d" % d.port, "unix:" + path + params]}})
        before = os.umask(start.pop("umask", 0o077))
        try:
            d.start(**start)
        finally:
            os.umask(before)
        return d, path

    def test_the_mode_of_a_unix_socket(self):  # O13
        d, path = self.unix("?mode=0666")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o666)
        with bd.Client(path) as c:
            self.assertEqual(c.get("/healthz").status, 200)
        # A reload keeps the socket and sees to the mode.
        d.write_config(
            {"server": {"listen": ["127.0.0.1:%d" % d.port, "unix:" + path + "?mode=600"]}}
        )
        d.hup()
        d.log_contains("reload.done", 15)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_without_a_mode_the_umask_counts(self):
        _, path = self.unix("", umask=0o027)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o750)

    @unittest.skipUnless(ROOT, "only root can give files away")
    def test_a_proxy_of_another_user(self):  # O13
        nobody = pwd.getpwnam("nobody")
        _, path = self.unix("?mode=0660&user=0&group=%s" % grp.getgrgid(nobody.pw_gid).gr_name)
        self.assertEqual(os.stat(path).st_gid, nobody.pw_gid)
        self.assertTrue(connect_as(65533, path))
        _, path = self.unix("?mode=0600&user=nobody")
        self.assertFalse(connect_as(65533, path))
        self.assertTrue(connect_as(nobody.pw_uid, path))

    def test_an_account_that_is_not_there(self):
        d, path = self.unix("?group=no-such-group", ready=False)
        self.assertNotEqual(d.wait(), 0)
        self.assertTrue(d.log_contains("master.listen_failed .*there is no such group"))
        self.assertFalse(os.path.exists(path))


class SystemdSockets(bd.Case):  # O18
    def passed(self, listen, names="", n=1):
        """Started with sockets on ports of its own; listen None: the address of the first."""
        sockets = [socket.socket() for _ in range(n)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
            s.listen(8)
            self.addCleanup(s.close)
        here = "127.0.0.1:%d" % sockets[0].getsockname()[1]
        d = self.daemon(self.postgres(), {"server": {"listen": listen or here}}, start=False)
        d.write_config()
        env = {**os.environ, "NOTIFY_SOCKET": os.path.join(d.dir, "notify")}
        env.update(LISTEN_FDS=str(n), **({"LISTEN_FDNAMES": names} if names else {}))
        fds = [fcntl.fcntl(s, fcntl.F_DUPFD, 50) for s in sockets]
        with open(d.log_path, "ab") as log:
            d.proc = subprocess.Popen(
                [sys.executable, "-c", PASS, ",".join(map(str, fds)), bd.BIN, d.path],
                pass_fds=fds,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=env,
            )
        for fd in fds:
            os.close(fd)
        return d

    def test_a_passed_socket_that_nothing_listens_on(self):
        for listen, names, n in (
            (None, "", 1),  # the same address as the passed one
            ("127.0.0.1:%d" % bd.free_port(), "", 1),
            ("127.0.0.1:%d" % bd.free_port(), "http:metrics", 2),
            ("systemd", "http:other", 2),
        ):
            with self.subTest(listen=listen, names=names):
                d = self.passed(listen, names, n)
                self.assertEqual(d.wait(), CONFIG)
                self.assertTrue(d.log_contains("master.listen_failed .*systemd passed sockets"))

    def test_the_monitors_socket_alone(self):
        d = self.passed("127.0.0.1:%d" % bd.free_port(), "metrics")
        bd.wait_until(lambda: "READY=1" in d.notes or d.proc.poll() is not None, "READY=1", 15)
        self.assertIsNone(d.proc.poll(), d.log())

    def test_systemd_without_a_passed_socket(self):
        d = self.daemon(self.postgres(), {"server": {"listen": "systemd"}}, start=False)
        d.start(ready=False)
        self.assertEqual(d.wait(), CONFIG)
        self.assertTrue(d.log_contains("systemd passed no socket"))


class Users(bd.Case):
    @unittest.skipUnless(ROOT, "only root can become another user")
    def test_a_number_is_a_uid(self):  # O19
        for uid in (pwd.getpwnam("nobody").pw_uid, 61234):  # one with an account, one without
            d = self.daemon(self.postgres(), {"server": {"user": str(uid)}})
            with open("/proc/%d/status" % d.pid) as f:
                status = dict(line.split(":", 1) for line in f)
            self.assertEqual(set(status["Uid"].split()), {str(uid)})
            self.assertEqual(d.get("/openapi.json").status, 200)

    @unittest.skipUnless(ROOT, "needs a second user")
    def test_a_user_that_cannot_be_had_is_said_once(self):  # O19
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            json.dump(
                {
                    "server": {"user": "daemon", "listen": "127.0.0.1:%d" % bd.free_port()},
                    "monitor": {"listen": "127.0.0.1:%d" % bd.free_port()},
                    "database": {"url": "host=127.0.0.1 port=1 user=u dbname=d"},
                },
                f,
            )
            f.flush()
            os.chmod(f.name, 0o644)
            p = subprocess.Popen(
                [bd.BIN, "-c", f.name, "serve"],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: (os.setgroups([]), os.setgid(65534), os.setuid(65534)),
            )
            said = []
            for line in p.stderr:
                said.append(line)
                if "db.connect_failed" in line:
                    break
            p.terminate()
            said += p.communicate(timeout=30)[1].splitlines(True)
        warnings = [line for line in said if "master.user_ignored" in line]
        self.assertEqual(len(warnings), 1, said)
        self.assertIn("not started as root", warnings[0])


class Surroundings(bd.Case):
    def run_bookingd(self, *argv, **kwargs):
        return subprocess.run([bd.BIN, *argv], capture_output=True, text=True, timeout=30, **kwargs)

    def test_closed_standard_descriptors(self):
        """No socket may get the number of standard output or error."""
        d = self.daemon(self.postgres(), start=False)
        d.write_config()
        d.proc = subprocess.Popen(
            ["sh", "-c", 'exec "$0" -c "$1" serve <&- >&- 2>&-', bd.BIN, d.path],
            env={**os.environ, "NOTIFY_SOCKET": os.path.join(d.dir, "notify")},
        )
        bd.wait_until(lambda: "READY=1" in d.notes or d.proc.poll() is not None, "READY=1", 15)
        for pid in [d.pid, *d.children()]:
            for fd in range(3):
                self.assertEqual(os.readlink("/proc/%d/fd/%d" % (pid, fd)), "/dev/null")
        self.assertEqual(d.get("/openapi.json").status, 200)

    def test_files_that_are_none(self):
        where = tempfile.mkdtemp(prefix="bd-", dir="/tmp")
        self.addCleanup(os.rmdir, where)
        fifo = os.path.join(where, "fifo")
        os.mkfifo(fifo)
        self.addCleanup(os.unlink, fifo)
        for path, why in ((fifo, "FIFO"), (where, "directory"), ("/dev/zero", "device")):
            with self.subTest(path):
                done = self.run_bookingd("-c", path, "check-config")
                self.assertEqual(done.returncode, CONFIG)
                self.assertIn("cannot read the file: it is", done.stderr)
                self.assertIn(why, done.stderr)
                config = os.path.join(where, "c.yaml")
                with open(config, "w") as f:
                    json.dump({"otp": {"secret": {"file": path}}}, f)
                done = self.run_bookingd("-c", config, "check-config")
                os.unlink(config)
                self.assertEqual(done.returncode, CONFIG)
                self.assertRegex(
                    done.stderr, "otp.secret: cannot read %s: it is .*%s" % (path, why)
                )

    def test_a_reload_is_not_held_up_by_a_fifo(self):
        d = self.daemon(self.postgres())
        os.unlink(d.path)
        os.mkfifo(d.path)
        d.hup()
        self.assertTrue(d.log_contains("reload.failed .*FIFO|FIFO.*", 10))
        self.assertEqual(d.get("/openapi.json").status, 200)

    def test_a_log_that_has_reached_its_size(self):
        """SIGXFSZ would end every process that logs."""
        # The limit counts for shared memory too, so it is above that, and the log is full of holes.
        limit = 32 << 20
        d = self.daemon(self.postgres(), start=False)
        with open(d.log_path, "wb") as log:
            log.truncate(limit - 6000)
        d.start(
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        before = d.children()
        for _ in range(60):
            self.assertEqual(d.get("/openapi.json").status, 200)
        self.assertEqual(os.path.getsize(d.log_path), limit)
        self.assertEqual(d.children(), before)
        self.assertEqual(d.stop(), 0)

    @unittest.skipUnless(platform.machine() == "x86_64", "the call's number is that of x86-64")
    def test_a_refused_system_call_is_named(self):  # O23
        d = self.daemon(self.postgres(), start=False)
        d.start(ready=False, preexec_fn=lambda: refuse_call(MEMFD_CREATE))
        bd.wait_until(
            lambda: d.proc.poll() is not None or "READY=1" in d.notes, "an end or a start", 15
        )
        if d.proc.poll() is None:
            self.skipTest("this build has no filters")
        self.assertEqual(d.proc.returncode, 1)
        self.assertTrue(d.log_contains("confine.failed .*call=memfd_create"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
