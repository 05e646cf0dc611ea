# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Three PostgreSQL servers under Patroni with three etcd, as doc/HA.md has them, for tests of
failovers.

    c = bd_patroni.Cluster(); c.leader(); c.switchover(to); c.kill_patroni(i); c.healed(); c.close()

Everything runs on loopback ports as the user postgres, without systemd, in a directory that is gone
with this process, however it ends. The settings are those of etc/ha/patroni.yml with shorter times.
Needs the packages patroni, etcd-server and python3-etcd; why_not() says what is missing. """
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

import bd
import bd_pair

MEMBERS = 3
TTL_S = 20
# Ends what a killed test left: its standard input ends with us. Each line of `pids` was ours.
GUARD = """cat >/dev/null
kill -KILL $(cat "$0/pids") 2>/dev/null
for n in 0 1 2; do p=$(head -n1 "$0/pg$n/postmaster.pid" 2>/dev/null) &&
  kill -QUIT "$p" 2>/dev/null; done
while kill -0 $(head -qn1 "$0"/pg?/postmaster.pid 2>/dev/null) 2>/dev/null; do sleep 0.05; done
rm -rf "$0" """


def why_not():
    """None, or why it cannot run here."""
    missing = [p for p in ("etcd", "patroni", "patronictl") if not shutil.which(p)]
    if missing:
        return "not installed: %s (packages patroni, etcd-server)" % ", ".join(missing)
    if os.geteuid() != 0 and pwd.getpwuid(os.geteuid()).pw_name != "postgres":
        return "needs root or the user postgres"
    return None


class Cluster:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="bookingd-patroni.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        owner = pwd.getpwnam("postgres")
        self.user = {}
        if os.geteuid() == 0:
            self.user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
        self.guard = subprocess.Popen(
            ["sh", "-c", GUARD, self.dir], stdin=subprocess.PIPE, start_new_session=True
        )
        self.bin = bd_pair._bin()
        self.procs, self.front = {}, None
        self.ports = [bd.free_port() for _ in range(MEMBERS)]
        self.rest = [bd.free_port() for _ in range(MEMBERS)]
        self.etcd = [(bd.free_port(), bd.free_port()) for _ in range(MEMBERS)]
        for i in range(MEMBERS):
            self.start_etcd(i)
        for i in range(MEMBERS):
            self._write(i)
            self.start_patroni(i)
        self.healed(120)

    # -- processes --
    def _spawn(self, name, argv):
        with open(os.path.join(self.dir, name + ".log"), "ab") as log:
            self.procs[name] = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # Not ours: this tree's modules must not be found by Patroni.
                env={"PATH": self.bin + ":/usr/bin:/bin", "HOME": self.dir, "LANG": "C.UTF-8"},
                start_new_session=True,
                **self.user
            )
        with open(os.path.join(self.dir, "pids"), "a") as f:
            f.write("%d\n" % self.procs[name].pid)

    def _end(self, name):
        """As when it is killed; its children go on."""
        self.procs[name].kill()
        self.procs[name].wait(10)

    def start_etcd(self, i):
        def url(port):
            return "http://127.0.0.1:%d" % port

        client, peer = self.etcd[i]
        options = {
            "name": "e%d" % i,
            "data-dir": os.path.join(self.dir, "etcd%d" % i),
            "listen-client-urls": url(client),
            "advertise-client-urls": url(client),
            "listen-peer-urls": url(peer),
            "initial-advertise-peer-urls": url(peer),
            "initial-cluster": ",".join(
                "e%d=%s" % (n, url(p)) for n, (_, p) in enumerate(self.etcd)
            ),
            "initial-cluster-token": "bookingd",
            "heartbeat-interval": "200",
            "election-timeout": "2000",
            "log-level": "warn",
        }
        argv = [part for k, v in options.items() for part in ("--" + k, v)]
        self._spawn("etcd%d" % i, [shutil.which("etcd"), *argv, "--enable-v2"])

    def _write(self, i):
        """etcd's v2 API: Patroni 3.0.2 of Debian 12 loses bookings with v3 (doc/HA.md)."""
        hba = ["local all all trust", "host all all 127.0.0.1/32 trust"]
        hba.append("host replication all 127.0.0.1/32 trust")
        config = {
            "scope": "bookingd",
            "name": "n%d" % i,
            "restapi": {
                "listen": "127.0.0.1:%d" % self.rest[i],
                "connect_address": "127.0.0.1:%d" % self.rest[i],
            },
            "etcd": {"hosts": ["127.0.0.1:%d" % client for client, _ in self.etcd]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL_S,
                    "loop_wait": 2,
                    "retry_timeout": 4,
                    "maximum_lag_on_failover": 1048576,
                    "synchronous_mode": True,
                    "failsafe_mode": True,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "use_slots": True,
                        "parameters": {
                            "max_connections": 100,
                            "shared_buffers": "32MB",
                            "wal_keep_size": "256MB",
                            "wal_log_hints": "on",
                            "max_wal_senders": 10,
                            "max_replication_slots": 10,
                        },
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
                "pg_hba": hba,
            },
            "postgresql": {
                "listen": "127.0.0.1:%d" % self.ports[i],
                "connect_address": "127.0.0.1:%d" % self.ports[i],
                "data_dir": os.path.join(self.dir, "pg%d" % i),
                "bin_dir": self.bin,
                "pgpass": os.path.join(self.dir, "pgpass%d" % i),
                "authentication": {
                    "superuser": {"username": "postgres"},
                    "replication": {"username": "replicator"},
                    "rewind": {"username": "postgres"},
                },
                "parameters": {"unix_socket_directories": self.dir},
                "pg_hba": hba,
            },
            "watchdog": {"mode": "off"},
        }
        path = os.path.join(self.dir, "n%d.yml" % i)
        with open(path, "w") as f:
            json.dump(config, f, indent=1)  # JSON is YAML
        os.chmod(path, 0o644)

    def start_patroni(self, i):
        self._spawn(
            "patroni%d" % i, [shutil.which("patroni"), os.path.join(self.dir, "n%d.yml" % i)]
        )

    def put_haproxy_before(self):
        """etc/ha/haproxy.cfg with our addresses; base() leads to it from now on."""
        program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
        self.front, standbys = bd.free_port(), bd.free_port()
        with open(os.path.join(bd.TOP, "etc/ha/haproxy.cfg")) as f:
            text = f.read().replace(":5000", ":%d" % self.front).replace(":5001", ":%d" % standbys)
        for i in range(MEMBERS):
            text = text.replace(
                "10.0.0.%d:5432 check port 8008" % (i + 1),
                "127.0.0.1:%d check port %d" % (self.ports[i], self.rest[i]),
            )
        path = os.path.join(self.dir, "haproxy.cfg")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)
        self._spawn("haproxy", [program, "-db", "-f", path])
        # Until it has asked each, it takes all for primaries.
        where = [bd.Postgres.psql(), "-XqAt", "-c", "SELECT pg_is_in_recovery()", self.base(0)]
        bd.wait_until(
            lambda: {subprocess.run(where, capture_output=True).stdout for _ in range(6)}
            == {b"f\n"},
            "the primary behind HAProxy",
        )

    # -- looking --
    def _get(self, i, path):
        try:
            with urllib.request.urlopen(
                "http://127.0.0.1:%d%s" % (self.rest[i], path), timeout=2
            ) as r:
                return json.load(r)
        except urllib.error.HTTPError as e:
            return json.load(e)
        except (OSError, ValueError):
            return {}

    def _members(self):
        """As the first Patroni that answers knows them: {number: row}."""
        for i in range(MEMBERS):
            members = self._get(i, "/cluster").get("members")
            if members:
                return {int(m["name"][1:]): m for m in members}
        return {}

    def leader(self):
        """Its number; None when there is none."""
        for i, m in self._members().items():
            if m.get("role") == "leader" and m.get("state") == "running":
                return i
        return None

    def healed(self, limit=90):
        """Waits for a leader, a synchronous standby, and all others streaming; the leader."""

        def whole():
            members = self._members()
            roles = [m.get("role") for m in members.values()]
            return (
                len(members) == MEMBERS
                and roles.count("leader") == 1
                and "sync_standby" in roles
                and all(m.get("state") in ("running", "streaming") for m in members.values())
            )

        bd.wait_until(whole, lambda: "a whole cluster\n" + json.dumps(self._members()), limit, 0.3)
        return bd.wait_until(lambda: [self.leader()], "a leader")[0]

    def base(self, first):
        """All servers with `first` in front, or their HAProxy, as for database.url."""
        if self.front:
            return "host=127.0.0.1 port=%d user=postgres dbname=postgres" % self.front
        ports = [self.ports[first]] + [p for i, p in enumerate(self.ports) if i != first]
        return "host=%s port=%s user=postgres dbname=postgres target_session_attrs=read-write" % (
            ",".join(["127.0.0.1"] * MEMBERS),
            ",".join(map(str, ports)),
        )

    def rows(self, sql, database):
        """First column, from the leader of now."""
        server = "host=127.0.0.1 port=%d user=postgres dbname=" % self.ports[self.leader()]
        return [row[0] for row in bd.Postgres.rows(server + database, sql)]

    # -- what happens --
    def switchover(self, leader):
        """To a healthy member that Patroni chooses. --master until 3.1, --leader since."""
        ctl = [shutil.which("patronictl"), "-c", os.path.join(self.dir, "n%d.yml" % leader)]
        for option in ("--leader", "--master"):
            done = subprocess.run(
                [*ctl, "switchover", "bookingd", option, "n%d" % leader, "--force"],
                capture_output=True,
                text=True,
                timeout=60,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": self.dir},
            )
            if done.returncode == 0:
                return
        raise AssertionError("patronictl: " + done.stdout + done.stderr)

    def _postgres(self, i):
        """The postmaster and its children."""
        try:
            with open(os.path.join(self.dir, "pg%d/postmaster.pid" % i)) as f:
                postmaster = int(f.readline())
            with open("/proc/%d/task/%d/children" % (postmaster, postmaster)) as f:
                return [postmaster] + [int(p) for p in f.read().split()]
        except (OSError, ValueError):
            return []

    def kill_postgres(self, i):
        for pid in self._postgres(i):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_patroni(self, i):
        self._end("patroni%d" % i)

    def lose_power(self, i):
        self.kill_patroni(i)
        self.kill_postgres(i)

    def kill_etcd(self, i):
        self._end("etcd%d" % i)

    def close(self):
        self.guard.stdin.close()
        self.guard.wait(60)
        for p in self.procs.values():
            p.wait(10)
