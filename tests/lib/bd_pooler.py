# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""PgBouncer in transaction mode in front of the throwaway PostgreSQL."""
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

import bd

INI = """[databases]
* = host=127.0.0.1 port=%(server)s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %(port)d
unix_socket_dir =
auth_type = trust
auth_file = %(home)s/users
pool_mode = transaction
default_pool_size = 4
logfile = %(home)s/log
%(user)s
"""


class Pooler:
    """Four sessions of the server for all that connect. Ends with the test case."""

    def __init__(self, case):
        program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            raise unittest.SkipTest("pgbouncer is not installed")
        home = tempfile.mkdtemp(prefix="bd-", dir="/tmp")
        case.addCleanup(shutil.rmtree, home, ignore_errors=True)
        self.port = bd.free_port()
        with open(os.path.join(home, "users"), "w") as f:
            f.write('"postgres" ""\n')
        with open(os.path.join(home, "ini"), "w") as f:
            f.write(
                INI
                % {
                    "server": os.environ["BOOKINGD_TEST_PG_PORT"],
                    "port": self.port,
                    "home": home,
                    "user": "user = postgres" if os.geteuid() == 0 else "",
                }
            )
        os.chmod(home, 0o777)
        process = subprocess.Popen([program, "-q", os.path.join(home, "ini")])
        case.addCleanup(process.wait)
        case.addCleanup(process.terminate)
        bd.wait_until(self._answers, "pgbouncer")

    def _answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, database):
        return "host=127.0.0.1 port=%d user=postgres dbname=%s" % (self.port, database)

    def put_before(self, shop):
        """The shop's daemon goes through it from the next reload on."""
        shop.daemon.write_config({"database": {"url": self.url(shop.pg.name)}})
        shop.daemon.hup()
        shop.daemon.log_contains("reload.done", 20)
