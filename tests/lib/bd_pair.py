# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A primary and its synchronous standby, for tests that take servers away.

    pair = bd_pair.Pair(); pair.restart("immediate"); pair.kill_primary(); pair.promote();
    pair.rebuild(); pair.close()

Both servers live in one directory that is gone with this process, however it ends. `pair.base` is
what bd.Postgres takes. """
import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import bd

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '%(dir)s'
max_connections = 200
shared_buffers = 32MB
fsync = off
wal_keep_size = 512MB
wal_retrieve_retry_interval = 100ms
wal_receiver_timeout = 5s
wal_sender_timeout = 5s
hot_standby = on
autovacuum = off
log_line_prefix = '%%m [%%p] '
include_if_exists = 'sync.conf'
"""
# Ends what a killed test left: its standard input ends with us.
GUARD = """cat >/dev/null
for n in 0 1; do p=$(head -n1 "$0/$n/postmaster.pid" 2>/dev/null) && kill -QUIT "$p" 2>/dev/null;
  done
while kill -0 $(head -qn1 "$0"/?/postmaster.pid 2>/dev/null) 2>/dev/null; do sleep 0.05; done
rm -rf "$0" """


def _bin():
    found = (
        subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout.strip()
        if shutil.which("pg_config")
        else ""
    )
    places = [found, *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    return next(
        p
        for p in places
        if os.path.exists(os.path.join(p, "pg_basebackup"))
        and os.path.exists(os.path.join(p, "initdb"))
    )


def alive(pid):
    """Neither gone nor waiting to be buried."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Pair:
    def __init__(self):
        self.bin = _bin()
        self.user = {}
        self.dir = tempfile.mkdtemp(prefix="bookingd-pair.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        if os.geteuid() == 0:  # which PostgreSQL refuses
            owner = pwd.getpwnam("postgres")
            self.user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
        self.guard = subprocess.Popen(
            ["sh", "-c", GUARD, self.dir], stdin=subprocess.PIPE, start_new_session=True
        )
        self.ports = (bd.free_port(), bd.free_port())
        self.primary, self.alone = 0, True
        self._run(
            "initdb",
            "-D",
            self._data(0),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        with open(os.path.join(self._data(0), "postgresql.conf"), "a") as f:
            f.write(SETTINGS % {"dir": self.dir})
        self._own(0)
        self._start(0)
        self.rebuild()

    # -- small things --
    @property
    def base(self):
        """Both servers, the primary of now first."""
        return (
            "host=127.0.0.1,127.0.0.1 port=%d,%d user=postgres dbname=postgres "
            "target_session_attrs=read-write"
            % (self.ports[self.primary], self.ports[1 - self.primary])
        )

    def _data(self, n):
        return os.path.join(self.dir, str(n))

    def _run(self, program, *args, limit=120):
        with open(os.path.join(self.dir, "commands.log"), "a+") as log:
            done = subprocess.run(
                [os.path.join(self.bin, program), *args],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "HOME": "/"},
                timeout=limit,
                **self.user
            )
            if done.returncode != 0:
                log.seek(0)
                raise AssertionError(
                    "%s %s: exit %d\n%s" % (program, args, done.returncode, log.read()[-3000:])
                )

    def _own(self, n):
        with open(os.path.join(self._data(n), "postgresql.conf"), "a") as f:
            f.write("port = %d\n" % self.ports[n])

    def _sync(self, n, names):
        with open(os.path.join(self._data(n), "sync.conf"), "w") as f:
            f.write("synchronous_standby_names = '%s'\n" % names)

    def _ctl(self, n, *args):
        self._run(
            "pg_ctl",
            "-s",
            "-w",
            "-t",
            "60",
            "-D",
            self._data(n),
            "-l",
            os.path.join(self.dir, "%d.log" % n),
            *args
        )

    def _start(self, n, tries=8):
        """While it was down another may have taken its port for a moment."""
        for i in range(tries):
            try:
                return self._ctl(n, "start")
            except AssertionError as e:
                if i == tries - 1:
                    raise AssertionError("%s\n%s" % (e, self.log(n)[-3000:])) from None
                time.sleep(1)
        return None

    def conninfo(self, n, database="postgres"):
        """Of one server, whatever it is."""
        return "host=127.0.0.1 port=%d user=postgres dbname=%s" % (self.ports[n], database)

    def ask(self, sql, n=None, database="postgres"):
        """One value from the primary, or from server n; AssertionError when it does not answer."""
        rows = bd.Postgres.rows(self.conninfo(self.primary if n is None else n, database), sql)
        return "\n".join("\t".join(row) for row in rows)

    def _answers(self, sql):
        with contextlib.suppress(AssertionError):
            return self.ask(sql)
        return None

    def pids(self, n=None):
        """The postmaster and all its children; none when it is down."""
        try:
            with open(
                os.path.join(self._data(self.primary if n is None else n), "postmaster.pid")
            ) as f:
                postmaster = int(f.readline())
            with open("/proc/%d/task/%d/children" % (postmaster, postmaster)) as f:
                return [postmaster] + [int(p) for p in f.read().split()]
        except (OSError, ValueError):
            return []

    # -- what happens to servers --
    def writable(self, limit=30.0):
        """Waits until a commit is acknowledged by the primary, and by its standby when there is
        one.
        """
        bd.wait_until(
            lambda: self._answers("SELECT pg_logical_emit_message(true, 'test', 'x')"),
            "a commit that the standby has",
            limit,
        )

    def in_sync(self, limit=30.0):
        """Waits until the standby has all that anybody could have read from the primary."""
        lsn = self.ask("SELECT pg_current_wal_flush_lsn()")
        bd.wait_until(
            lambda: self._answers(
                "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = "
                "'sync' AND flush_lsn >= '%s'" % lsn
            ),
            "a synchronous standby",
            limit,
        )

    def restart(self, mode):
        """fast or immediate; returns when it takes connections again."""
        self._ctl(self.primary, "-m", mode, "restart")

    def stop(self, mode="fast"):
        self._ctl(self.primary, "-m", mode, "stop")

    def start(self):
        self._start(self.primary)

    def kill_primary(self):
        """As when its machine loses power: nothing of it is left, and nothing was said."""
        self._kill(self.primary)

    def asynchronous(self):
        """Commits wait for no standby."""
        self._sync(self.primary, "")
        self._ctl(self.primary, "reload")
        bd.wait_until(lambda: self.ask("SHOW synchronous_standby_names") == "", "the setting")

    def synchronous(self):
        """They wait again."""
        self._sync(self.primary, "*")
        self._ctl(self.primary, "reload")
        self.in_sync()

    def kill_old_primary(self):
        """The one that promote() left as it was."""
        self._kill(1 - self.primary)

    def _kill(self, n):
        pids = self.pids(n)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        bd.wait_until(
            lambda: not any(map(alive, pids)) and not self._listening(n), "the end of server %d" % n
        )

    def _listening(self, n):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.ports[n])) == 0

    def promote(self):
        """The standby is the primary from now on, without a standby of its own until rebuild()."""
        self.primary, self.alone = 1 - self.primary, True
        self._ctl(self.primary, "promote")

    def rebuild(self):
        """The other server is made a synchronous standby, from nothing."""
        other = 1 - self.primary
        self._kill(other)
        shutil.rmtree(self._data(other), ignore_errors=True)
        self._run(
            "pg_basebackup",
            "-D",
            self._data(other),
            "-d",
            self.conninfo(self.primary) + " application_name=standby",
            "-X",
            "stream",
            "-c",
            "fast",
            "-R",
            "--no-sync",
        )
        self._own(other)
        self._sync(other, "")
        self._start(other)
        bd.wait_until(
            lambda: self._answers("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"),
            "a streaming standby",
            30,
        )
        self._sync(self.primary, "*")
        self._ctl(self.primary, "reload")
        bd.wait_until(
            lambda: self._answers("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
            "a synchronous standby",
            30,
        )
        self.alone = False

    def log(self, n=None):
        with open(
            os.path.join(self.dir, "%d.log" % (self.primary if n is None else n)), errors="replace"
        ) as f:
            return f.read()

    def close(self):
        self.guard.stdin.close()
        self.guard.wait(30)
