# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A PgBouncer in front of the tests' cluster, and the role that serves through it."""
import os
import re
import shutil
import socket
import subprocess
import tempfile

import bd

INI = """[databases]
* = host=127.0.0.1 port=%(server)s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %(port)d
unix_socket_dir =
auth_type = trust
auth_file = %(home)s/users
pool_mode = %(mode)s
default_pool_size = %(size)d
max_client_conn = 2000
logfile = %(home)s/log
%(user)s
"""
# What OPERATIONS.md tells an operator to set, since no session belongs to a worker.
SETTINGS = {
    "statement_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "standard_conforming_strings": "on",
}


def left_out(mode):
    """Files of system tests that are not for a pooler in this mode: names without test_ and .py."""
    names = set()
    with open(os.path.join(bd.TOP, "tests", "lib", "pooler-left-out")) as f:
        for line in f:
            name, modes, _ = (line.split(maxsplit=2) + ["", "", ""])[:3]
            if name and not name.startswith("#") and mode in modes.split(","):
                names.add(name)
    return names


def make_role(name, settings=()):
    """A role of the cluster that may log in and owns nothing; a repeat changes nothing."""
    admin = os.environ["BOOKINGD_TEST_PG"]
    text = "DO $$ BEGIN CREATE ROLE %s LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;" % name
    for key, value in dict(settings).items():
        text += "ALTER ROLE %s SET %s = '%s';" % (name, key, value)
    subprocess.run([bd.Postgres.psql(), "-qX", admin, "-c", text], check=True)


class Pooler:
    """Few sessions of the server (`size`) for all that connect. Ends with `case`, a test case, or
    by close(). Where there is no pgbouncer: SkipTest.
    """

    def __init__(self, case=None, mode="transaction", size=4):
        program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            raise bd.unittest.SkipTest("pgbouncer is not installed")
        self.home = tempfile.mkdtemp(prefix="bd-pool-", dir="/tmp")
        os.chmod(self.home, 0o777)  # it becomes another user when root starts it
        self.port = bd.free_port()
        admin = os.environ["BOOKINGD_TEST_PG"]
        with open(os.path.join(self.home, "users"), "w") as f:
            for user in {re.search(r"user=(\S+)", admin).group(1), bd.ROLE or "postgres"}:
                f.write('"%s" ""\n' % user)
        with open(os.path.join(self.home, "ini"), "w") as f:
            f.write(
                INI
                % {
                    "server": os.environ["BOOKINGD_TEST_PG_PORT"],
                    "port": self.port,
                    "home": self.home,
                    "mode": mode,
                    "size": size,
                    "user": "user = postgres" if os.geteuid() == 0 else "",
                }
            )
        self.process = subprocess.Popen(
            [program, "-q", os.path.join(self.home, "ini")], stdin=subprocess.DEVNULL
        )
        try:
            bd.wait_until(self.answers, "pgbouncer")
        except AssertionError:
            self.close()
            raise
        if case:
            case.addCleanup(self.close)

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, database):
        return "host=127.0.0.1 port=%d user=postgres dbname=%s" % (self.port, database)

    def put_before(self, shop):
        """The shop's daemon goes through it from the next reload on."""
        shop.daemon.write_config({"database": {"url": self.url(shop.pg.name)}})
        shop.daemon.hup()
        shop.daemon.log_contains("reload.done", 20)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)
