#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: systemd util-linux
"""The unit under a real systemd as PID 1, in namespaces of its own. Needs root; skipped otherwise.

Start with credentials as a user that systemd makes up, reload and its exit code, the watchdog,
restarts behind the socket unit under load with no connection refused, stop. The unit is the built
one; a drop-in says where this build's binary and database are.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_root  # noqa: E402

BUILD = os.environ.get("builddir") or os.path.dirname(bd.BIN)
# Without --unit systemd would boot the default target: its tmpfiles empty the machine's own /tmp.
BOOT = r"""set -e
mount --make-rprivate /; mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/lock /run/test
cp -r "$0"/units/. /run/systemd/system/
cp -r "$0"/test/. /run/test/
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# The root file system is the host's: nothing in here may tidy its /tmp, whatever is booted.
for unit in systemd-tmpfiles-setup.service systemd-tmpfiles-clean.service default.target; do
  ln -s /dev/null /run/systemd/system/$unit
done
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
  --unit=t.target --log-target=console --show-status=no
"""
TARGET = (
    "[Unit]\nDescription=nothing but what is asked for\nDefaultDependencies=no\nAllowIsolate=yes\n"
)
DROPIN = """[Unit]
DefaultDependencies=no
After=
Wants=
StartLimitIntervalSec=0
[Service]
ExecStart=
ExecReload=
ExecStart=/run/test/bookingd -c /run/test/bookingd.yaml serve
ExecReload=/run/test/bookingd -c /run/test/bookingd.yaml reload --wait --pid $MAINPID
WatchdogSec=2
ExecStopPost=/bin/sh -c 'echo result=$SERVICE_RESULT'
LoadCredential=otp-secret:/run/test/otp-secret
BindReadOnlyPaths=%(pg)s:/run/pg
StandardOutput=append:/run/test/log
StandardError=append:/run/test/log
"""
SECRET = "a-secret-that-systemd-hands-over-0123456789"


class Machine(bd_root.Booted):
    STATES = ("running", "degraded", "starting")
    LIMIT_S = 10

    def __init__(self, pg):
        self.dir = tempfile.mkdtemp(prefix="bd-systemd-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        for name in ("units/bookingd.service.d", "test"):
            os.makedirs(os.path.join(self.dir, name))
        for path in (
            os.path.join(BUILD, "systemd/bookingd.service"),
            os.path.join(bd.TOP, "systemd/bookingd.socket"),
        ):
            shutil.copy(path, os.path.join(self.dir, "units"))
        self.put("units/t.target", TARGET)
        self.put("units/bookingd.socket.d/t.conf", "[Unit]\nDefaultDependencies=no\n")
        pg_dir = re.search(r"host=(\S+)", pg.conninfo).group(1)
        self.put("units/bookingd.service.d/t.conf", DROPIN % {"pg": pg_dir})
        self.put("test/otp-secret", SECRET, 0o600)
        shutil.copy(bd.BIN, os.path.join(self.dir, "test/bookingd"))
        self.config = {
            "server": {"listen": "127.0.0.1:8080", "workers": 4, "drain_timeout": "5s"},
            "database": {"url": pg.conninfo.replace(pg_dir, "/run/pg")},
            "providers": {
                "sms": {
                    "type": "taqnyat",
                    "base_url": "http://127.0.0.1:1",
                    "sender": "T",
                    "token": "t",
                }
            },
            "otp": {"provider": "sms", "secret": {"credential": "otp-secret"}},
        }
        self.put("test/bookingd.yaml", json.dumps(self.config), 0o644)
        super().__init__(BOOT, self.dir)

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def systemctl(self, *argv):
        done = self.enter("systemctl", *argv)
        if done.returncode != 0:
            raise AssertionError(
                "systemctl %s: %s%s\n%s\n%s"
                % (" ".join(argv), done.stdout, done.stderr, self.log()[-3000:], self.said())
            )
        return done.stdout

    def show(self, name, unit="bookingd.service"):
        return self.systemctl("show", "-P", name, unit).strip()

    def file(self, name):
        return "/proc/%d/root/run/test/%s" % (self.pid, name)

    def log(self):
        with contextlib.suppress(OSError), open(self.file("log"), errors="replace") as f:
            return f.read()
        return ""

    def write_config(self, over):
        self.config = bd.merge(self.config, over)
        with open(self.file("bookingd.yaml.new"), "w") as f:
            json.dump(self.config, f)
        os.replace(self.file("bookingd.yaml.new"), self.file("bookingd.yaml"))

    def close(self):
        super().close()
        shutil.rmtree(self.dir, ignore_errors=True)


SANITIZED = b"__asan_init" in open(bd.BIN, "rb").read() if os.path.exists(bd.BIN) else False


@unittest.skipIf(SANITIZED, "the unit's own filter of system calls is not for sanitizers")
@unittest.skipUnless(os.geteuid() == 0, "only root can be PID 1's parent")
@unittest.skipUnless(
    os.path.exists("/lib/systemd/systemd") and shutil.which("unshare") and shutil.which("nsenter"),
    "no systemd here",
)
class Systemd(unittest.TestCase):
    def setUp(self):
        self.pg = bd.Postgres()
        self.addCleanup(self.pg.close)
        self.m = Machine(self.pg)
        self.addCleanup(self.m.close)
        if not self.m.boots():
            self.skipTest("systemd does not boot in namespaces here: %s" % self.m.said())
        self.m.join_network()
        self.addCleanup(self.m.leave_network)

    def get(self, path="/healthz"):
        with bd.Client(("127.0.0.1", 8080), 10) as c:
            return c.get(path)

    def host_pid(self, pid):
        """The pid that a process of the machine has out here."""
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open("/proc/%s/status" % name) as f:
                    m = re.search(r"^NSpid:.*\t(\d+)\t%d$" % pid, f.read(), re.M)
                    if m and os.readlink("/proc/%s/ns/pid" % name) == os.readlink(
                        "/proc/%d/ns/pid" % self.m.pid
                    ):
                        return int(name)
        raise AssertionError("no process %d in there" % pid)

    def test_life_of_the_service(self):
        m = self.m
        begun = time.monotonic()
        m.systemctl("start", "bookingd.service")
        print("start: %.0f ms" % ((time.monotonic() - begun) * 1e3), flush=True)
        self.assertEqual(m.show("ActiveState"), "active")
        self.assertEqual(self.get("/v1/venues").status, 200)  # READY=1 means just that
        self.assertIn("serving", m.show("StatusText"))
        main = self.host_pid(int(m.show("MainPID")))
        with open("/proc/%d/task/%d/children" % (main, main)) as f:
            processes = [main, *map(int, f.read().split())]
        self.assertEqual(len(processes), 9)
        for pid in processes:
            with open("/proc/%d/status" % pid) as f:
                status = {k: v.strip() for k, v in (line.split(":", 1) for line in f)}
            self.assertNotIn("0", status["Uid"].split())
            self.assertEqual((int(status["CapEff"], 16), int(status["CapBnd"], 16)), (0, 0))
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertRegex(m.log(), r"event=confine.on .*landlock=[1-9]")
        # The code's hash needs the secret that systemd handed over: a challenge can be made, and
        # fails at the provider alone.
        with bd.Client(("127.0.0.1", 8080)) as c:
            self.assertIn(c.post("/v1/otp", {"phone": "+966551234567"}).status, (502, 503))
        with bd.Client(("127.0.0.1", 9464)) as c:
            page = c.get("/metrics").body.decode()
        for name in (
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
        ):
            self.assertRegex(page, r"(?m)^%s [1-9]" % name)

        # reload
        m.write_config({"server": {"workers": 6}})
        m.systemctl("reload", "bookingd.service")
        self.assertEqual(
            (m.show("ActiveState"), self.host_pid(int(m.show("MainPID")))), ("active", main)
        )
        self.assertIn("workers=6", re.findall("reload.done.*", m.log())[-1])
        m.write_config({"server": {"workers": 5000}})
        done = m.enter("systemctl", "reload", "bookingd.service")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(m.show("ActiveState"), "active")
        bd.wait_until(lambda: "server.workers" in m.show("StatusText"), "the reason in the status")
        self.assertEqual(self.get("/v1/venues").status, 200)
        m.write_config({"server": {"workers": 4}})
        m.systemctl("reload", "bookingd.service")

        # the watchdog
        begun = time.monotonic()
        os.kill(main, signal.SIGSTOP)
        bd.wait_until(lambda: m.show("NRestarts") == "1", "a restart by the watchdog", 30)
        print("watchdog to restart: %.1f s" % (time.monotonic() - begun), flush=True)
        self.assertEqual(re.findall(r"(?m)^result=(\S+)$", m.log()), ["watchdog"])

        def serves():
            try:
                return self.get("/v1/venues").status == 200
            except (OSError, EOFError):
                return False

        bd.wait_until(serves, "the new one", 20)

        # stop
        m.systemctl("stop", "bookingd.service")
        self.assertEqual(
            (m.show("Result"), m.show("ExecMainStatus"), m.show("ActiveState")),
            ("success", "0", "inactive"),
        )
        self.assertEqual(re.findall(r"(?m)^result=(\S+)$", m.log()), ["watchdog", "success"])
        self.assertIn("event=master.stopped", m.log())

    def test_a_configuration_that_does_not_fit_is_not_tried_again(self):
        self.m.write_config({"server": {"workers": 5000}})
        self.assertNotEqual(self.m.enter("systemctl", "start", "bookingd.service").returncode, 0)
        self.assertEqual((self.m.show("ActiveState"), self.m.show("NRestarts")), ("failed", "0"))

    def test_restarts_behind_the_socket(self):
        """New connections all the time, restarts below them: none is refused, none is lost."""
        m = self.m
        m.write_config({"server": {"listen": "systemd"}})
        m.systemctl("start", "bookingd.socket")
        m.systemctl("start", "bookingd.service")
        stop, refused, failed, done = threading.Event(), [], [], []

        def client():
            m.join_network()
            while not stop.is_set():
                try:
                    with bd.Client(("127.0.0.1", 8080), 30) as c:
                        c.send(c.encode("GET", "/healthz", headers={"Connection": "close"}))
                        r = c.recv_response()
                    (done if r.status == 200 else failed).append(r.status)
                except ConnectionRefusedError as e:
                    refused.append(repr(e))
                except (OSError, EOFError) as e:
                    failed.append(repr(e))

        threads = [threading.Thread(target=client, daemon=True) for _ in range(8)]
        for t in threads:
            t.start()
        begun = time.monotonic()
        restarts = 10
        for _ in range(restarts):
            n = len(done)
            shutil.copy(
                bd.BIN, m.file("bookingd.new")
            )  # another version of the program, as an upgrade brings it
            os.replace(m.file("bookingd.new"), m.file("bookingd"))
            m.systemctl("restart", "bookingd.service")
            bd.wait_until(lambda: len(done) > n + 50, "traffic goes on")
        stop.set()
        for t in threads:
            t.join(30)
        print(
            "%d restarts in %.1f s behind the socket, %d requests: refused %d, failed %d"
            % (restarts, time.monotonic() - begun, len(done), len(refused), len(failed)),
            flush=True,
        )
        self.assertEqual((refused[:3], failed[:3]), ([], []))


def main():
    bd_campaign.options(bd_campaign.parser())
    bd_campaign.run(Systemd, verbosity=2)


if __name__ == "__main__":
    main()
