# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The command line: every command, what it prints, where, and its exit code when something is wrong
or away.
"""
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import bd
import bd_shop

USAGE, AWAY, CONFIG = 64, 69, 78
COMMANDS = [
    "serve",
    "init",
    "check-config",
    "migrate",
    "staff-key create",
    "staff-key list",
    "staff-key revoke",
    "notifications list",
    "notifications resend",
    "notifications acknowledge",
    "status",
    "version",
]
SMS = {"type": "taqnyat", "base_url": "http://127.0.0.1:1", "sender": "S", "token": "t"}
NOBODY = "018f0000-0000-7000-8000-000000000000"


def run(*argv, **kwargs):
    return subprocess.run(
        [bd.BIN, *argv],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        **kwargs
    )


class Base(bd.Case):
    def config(self, pg=None, **sections):
        """Path of a configuration; database away unless pg is given."""
        f = tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False)
        self.addCleanup(os.unlink, f.name)
        url = pg.conninfo if pg else "postgresql://u:hunter2@127.0.0.1:1/none"
        with f:
            json.dump({"database": {"url": url, "connect_timeout": "500ms"}, **sections}, f)
        return f.name

    def ended(self, done, code, out="", err=""):
        """Exit code; stdout and stderr as regular expressions ('' is empty)."""
        self.assertEqual(done.returncode, code, done)
        for have, want in ((done.stdout, out), (done.stderr, err)):
            if want:
                self.assertRegex(have, want)
            else:
                self.assertEqual(have, "", done)
        self.assertNotIn("hunter2", done.stdout + done.stderr)
        return done


class Usage(Base):
    def test_help_everywhere(self):
        whole = self.ended(run("--help"), 0, r"^usage: bookingd").stdout
        self.assertEqual(self.ended(run("-h"), 0, ".").stdout, whole)
        for command in COMMANDS:
            self.assertRegex(whole, r"(?m)^  %s +\w" % command)
            for flag in ("--help", "-h"):
                self.ended(
                    run(*command.split(), flag), 0, r"^usage: bookingd \[-c FILE\] %s" % command
                )
        for group in ("staff-key", "notifications"):
            self.ended(
                run(group, "--help"), 0, r"(?m)^usage: bookingd \[-c FILE\] %s COMMAND$" % group
            )

    def test_version(self):
        for argv in (["version"], ["--version"], ["-V"]):
            self.ended(run(*argv), 0, r"^bookingd \d+\.\d+\.\d+( \S+)?\n$")
        self.ended(
            run("version", "--verbose"),
            0,
            r"^bookingd .*\nphone numbers: libphonenumber [\d.]+ of \d{4}-\d\d-\d\d\n$",
        )

    def test_wrong_usage(self):
        for argv in (
            ["nope"],
            ["--nope"],
            ["-x"],
            ["-c"],
            ["--config"],
            ["staff-key"],
            ["staff-key", "nope"],
            ["notifications"],
            ["serve", "now"],
            ["check-config", "x"],
            ["init", "x"],
            ["init", "--superuser-url"],
            ["migrate", "--force"],
            ["version", "x"],
            ["status", "x"],
            ["staff-key", "create"],
            ["staff-key", "create", "--name"],
            ["staff-key", "create", "x"],
            ["staff-key", "create", "--name", "x", "--role", "owner"],
            ["staff-key", "list", "x"],
            ["staff-key", "revoke"],
            ["staff-key", "revoke", "a", "b"],
            ["notifications", "list", "--status", "LOST"],
            ["notifications", "list", "--template", "x"],
            ["notifications", "list", "--limit", "0"],
            ["notifications", "list", "--limit", "1001"],
            ["notifications", "list", "--since", "yesterday"],
            ["notifications", "list", "--booking", "x"],
            ["notifications", "list", NOBODY],
            ["notifications", "resend"],
            ["notifications", "resend", "x"],
            ["notifications", "resend", NOBODY, NOBODY],
            ["notifications", "resend", NOBODY, "--all"],
            ["notifications", "resend", NOBODY, "--dry-run"],
            ["notifications", "resend", "--all", "--limit", "x"],
            ["notifications", "acknowledge"],
            ["notifications", "acknowledge", "x"],
            ["notifications", "acknowledge", NOBODY, "--all"],
        ):
            with self.subTest(argv=argv):
                done = self.ended(
                    run(*argv), USAGE, "", r"^bookingd: .+\nbookingd: try 'bookingd.* --help'\n$"
                )
                if argv[0] in ("migrate", "notifications") and len(argv) > 2:
                    self.assertIn("%s %s --help" % tuple(argv[:2]), done.stderr)

    def test_a_result_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [bd.BIN, "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write", done.stderr)


class Configuration(Base):
    def test_check_config(self):
        path = self.config(providers={"sms": SMS})
        for argv in (
            ["-c", path, "check-config"],
            ["--config", path, "check-config"],
            ["check-config", "-c", path],
        ):
            self.ended(run(*argv), 0, r"^configuration ok\n$")

    def test_faults_are_all_shown(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(
                "server:\n  workers: many\n  listen: nowhere\nlog: {level: loud}\n"
                "database: {url: 'postgresql://u:hunter2@[::1/d'}\nprovider: {}\n"
            )
            f.flush()
            want = [
                r"2:12: server\.workers: ",
                r"3:11: server\.listen: ",
                r"4:14: log\.level: ",
                r"5:17: database\.url: ",
                r"6:1: provider: unknown key",
            ]
            for command in (
                ["check-config"],
                ["serve"],
                [],
                ["migrate"],
                ["staff-key", "list"],
                ["status"],
                ["notifications", "list"],
            ):
                done = self.ended(run("-c", f.name, *command), CONFIG, "", ".")
                lines = done.stderr.splitlines()
                self.assertEqual(len(lines), len(want), done.stderr)
                for line, pattern in zip(lines, want):
                    self.assertRegex(line, "^" + re.escape(f.name) + ":" + pattern)

    def test_no_file(self):
        for command in ("check-config", "serve", "migrate", "status"):
            self.ended(
                run("-c", "/nonexistent.yaml", command),
                CONFIG,
                "",
                r"^/nonexistent\.yaml:1:1: cannot read the file: No such file or directory\n$",
            )

    def test_print_the_configuration_in_force(self):
        path = self.config(
            database={
                "url": "postgresql://u:hunter2@db:5433/x?sslmode=require&password=hunter2",
                "migrate_url": "host=db user=o password = 'hunter2 b' dbname=x",
            },
            server={"workers": 3, "public_url": "https://b.example/x"},
            providers={
                "sms": {**SMS, "token": "hunter2"},
                "other": {
                    "type": "http",
                    "base_url": "https://x.example",
                    "path": "/{to}/{text}",
                    "headers": {"Authorization": "Bearer hunter2", "X": {"env": "HOME"}},
                    "params": {"key": "hunter2"},
                },
            },
            otp={
                "provider": "sms",
                "secret": "hunter2" * 5,
                "test_numbers": {"+966000000001": "223344"},
                "messages": {"en": 'Code "{code}": ok'},
            },
        )
        out = self.ended(run("-c", path, "check-config", "--print"), 0, ".").stdout
        self.assertNotIn("223344", out)
        for line in (
            "server:\n  listen: [127.0.0.1:8080]\n",
            "\n  workers: 3\n",
            "\n  queue: 256\n",  # depends on workers
            "\n  queue_timeout: 2s\n",
            '\n  url: "postgresql://u:***@db:5433/x?sslmode=require&password=***"\n',
            '\n  migrate_url: "host=db user=o password = *** dbname=x"\n',
            '\nproviders:\n  sms:\n    type: "taqnyat"\n',
            "\n    timeout: 5s\n",
            "\n    max_concurrent: 2\n",
            "\n    breaker:\n      failures: 5\n",
            '\n    token: "***"\n',
            '\n    headers: {Authorization: "***", X: {env: "HOME"}}\n',
            '\n    params: {key: "***"}\n',
            '\n  secret: "***"\n',
            '\n  test_numbers: {"+966000000001": "***"}\n',
            '{ar: "رمز الدخول: {code}", en: "Code \\"{code}\\": ok"}\n',
            "\n  per_network: 30/1h\n",
            "\npayments:\n  # provider: not set\n",
            "\n    booking_confirmed: {ar: ",
        ):
            self.assertIn(line, out)

    def test_what_is_printed_is_a_configuration(self):
        """Printed again it is the same: nothing is lost or changed but secrets."""
        whole = os.path.join(bd.TOP, "etc", "bookingd.yaml")
        args = ("check-config", "--without-secrets", "--print")
        first = run("-c", whole, *args)
        self.assertEqual(first.returncode, 0, first.stderr)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(first.stdout)
            f.flush()
            second = run("-c", f.name, *args)
        self.assertEqual((second.returncode, second.stdout), (0, first.stdout), second.stderr)

    def test_a_pipe_is_a_file(self):
        done = subprocess.run(
            [bd.BIN, "-c", "/dev/stdin", "check-config"],
            input="server: {workers: 3}",
            text=True,
            capture_output=True,
            timeout=60,
        )
        self.ended(done, 0, "configuration ok")

    def test_operators_need_no_provider_secrets(self):
        path = self.config(
            self.postgres(),
            providers={"sms": {**SMS, "token": {"credential": "sms"}}},
            otp={"provider": "sms", "secret": {"env": "NOT_SET_ANYWHERE"}},
        )
        env = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
        self.ended(run("-c", path, "staff-key", "list", env=env), 0, "NAME")
        self.ended(run("-c", path, "notifications", "list", env=env), 0, "ID")
        self.ended(run("-c", path, "migrate", env=env), 0, "already")
        for command in (["check-config"], ["serve"], ["notifications", "resend", "--all"]):
            self.ended(
                run("-c", path, *command, env=env),
                CONFIG,
                "",
                r"providers\.sms\.token: .*\n.*otp\.secret: ",
            )


class Database(Base):
    def test_away(self):
        path = self.config(providers={"sms": SMS}, notifications={"provider": "sms"})
        for command in (
            ["migrate"],
            ["staff-key", "create", "--name", "x"],
            ["staff-key", "list"],
            ["staff-key", "revoke", "x"],
            ["notifications", "list"],
            ["notifications", "resend", "--all"],
            ["notifications", "acknowledge", "--all"],
        ):
            with self.subTest(command=command):
                self.ended(run("-c", path, *command), AWAY, "", r"(?m)^bookingd: .*(away|answer)")

    def test_silent(self):
        with socket.socket() as s:  # takes the connection and says nothing
            s.bind(("127.0.0.1", 0))
            s.listen()
            path = self.config(
                database={
                    "url": "postgresql://u:hunter2@127.0.0.1:%d/d" % s.getsockname()[1],
                    "connect_timeout": "300ms",
                }
            )
            self.ended(run("-c", path, "staff-key", "list"), AWAY, "", "(?m)^bookingd: ")

    def test_migrate(self):
        pg = self.postgres(migrate=False)
        path = self.config(pg)
        self.ended(run("-c", path, "staff-key", "list"), CONFIG, "", "run 'bookingd migrate'")
        both = [
            subprocess.Popen(
                [bd.BIN, "-c", path, "migrate"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        said = sorted(p.communicate(timeout=60)[0] for p in both)
        self.assertEqual([p.returncode for p in both], [0, 0])
        # Who waited has done a part of it, or finds all of it done.
        self.assertRegex(said[0], r"^schema is (already )?at version \d+")
        self.assertRegex(said[1], r"^schema is at version \d+")
        self.ended(run("-c", path, "migrate"), 0, r"^schema is already at version \d+\n$")
        self.ended(run("-c", path, "staff-key", "list"), 0, "^NAME")
        pg.sql("UPDATE bookingd_schema SET checksum = 'x' WHERE version = 1")
        self.ended(
            run("-c", path, "migrate"),
            CONFIG,
            "",
            "an applied migration is not the one of this program",
        )


class CheckConfig(Base):
    def test_without_secrets(self):  # O9
        sms = dict(SMS, token={"credential": "sms-token"})
        path = self.config(providers={"sms": sms})
        self.ended(run("-c", path, "check-config"), CONFIG, "", "CREDENTIALS_DIRECTORY")
        done = run("-c", path, "check-config", "--without-secrets")
        self.ended(done, 0, "^configuration ok\n$")

    def test_database_urls(self):  # O20 O21 O22
        for url, what in (
            ("postgres://u:hunter2@h/d?schema=public", "'schema'"),
            ("postgres://u:hunter2@h/d?pgbouncer=true", "'pgbouncer'"),
            ("host=h dbname=d pasword=hunter2", "'pasword'"),
            ("host=h dbname=d sslmode=required", "'sslmode'"),
            ("host=h target_session_attrs=write", "'target_session_attrs'"),
            ("host=h sslmode='prefer require'", "'sslmode'"),
            ("postgresql://h/d?ssl_min_protocol_version=TLS9", "'ssl_min_protocol_version'"),
            ("service=shop", "'service'"),
            # What libpq finds when it connects, and a service would try for ever.
            ("postgresql://u:hunter2@h:65536/d", "'port'"),
            ("host=h port=0", "'port'"),
            ("host=h port=5432x", "'port'"),
            ("host=a,b port=1,2,3", "'port'"),
            ("host=a,b hostaddr=127.0.0.1", "'host'"),
            ("host=h connect_timeout=hunter2", "'connect_timeout'"),
            ("host=h keepalives_idle=1.5", "'keepalives_idle'"),
        ):
            path = self.config(type("Pg", (), {"conninfo": url}))
            done = run("-c", path, "check-config")
            self.ended(done, CONFIG, "", "database.url: has .*" + what)
            self.assertNotIn("hunter2", done.stderr)
        for url in (
            "host=a,b port=1,",
            "host=a,b port=5432 connect_timeout=-1 sslmode=verify-full",
            "postgresql://a:1,[::1]:2/d?ssl_min_protocol_version=tlsv1.2&keepalives=2&sslmode=",
        ):
            path = self.config(type("Pg", (), {"conninfo": url}))
            done = run("-c", path, "check-config")
            self.assertEqual((done.returncode, done.stdout), (0, "configuration ok\n"), done)

    def test_a_socket_or_loopback_needs_no_tls(self):  # S26
        for url, warned in (
            ("postgresql://[::1]:5432/d", False),
            ("host=::1 dbname=d", False),
            ("host=/run/postgresql", False),
            ("postgresql://db.example/d", True),
            ("postgresql://[2001:db8::1]/d", True),
            ("hostaddr=192.0.2.1", True),
            ("postgresql:///d?host=db.example", True),
            ("host=/run/postgresql,db.example", True),
            ("host=db.example user=localhost", True),
            ("host=db.example hostaddr=127.0.0.1", False),
            ("host=db.example sslmode=disable", True),
            ("host=db.example sslmode=require", False),
        ):
            path = self.config(type("Pg", (), {"conninfo": url}))
            done = run("-c", path, "check-config")
            self.assertEqual("sslmode" in done.stderr, warned, (url, done.stderr))

    def test_hopeless(self):  # S26
        path = self.config(server={"trusted_proxies": ["0.0.0.0/0"]})
        self.ended(
            run("-c", path, "check-config"),
            CONFIG,
            "",
            ":1:[0-9]+: server.trusted_proxies: .*everybody",
        )
        moyasar = {"type": "moyasar", "secret_key": "k" * 20, "webhook_secret": "1"}
        moyasar["base_url"] = "https://api.moyasar.com"
        path = self.config(providers={"m": moyasar})
        self.ended(
            run("-c", path, "check-config"),
            CONFIG,
            "",
            ":1:[0-9]+: providers.m.webhook_secret: .*16 bytes",
        )

    def test_keys_of_the_gateway(self):  # M31
        good = {
            "type": "moyasar",
            "secret_key": "sk_live_0123456789",
            "webhook_secret": "w" * 16,
            "base_url": "https://api.moyasar.com/v1",
        }
        public = {"public_url": "https://book.example.com"}
        loopback = "server.public_url: is on loopback"
        for over, server, what in (
            ({"secret_key": "pk_live_0123456789"}, public, "providers.m.secret_key: .*publishable"),
            ({"secret_key": "pk_test_0123456789"}, public, "providers.m.secret_key: .*publishable"),
            ({"base_url": "http://api.moyasar.com"}, public, "providers.m.base_url: must be https"),
            ({}, {}, loopback),
            ({}, {"public_url": "http://localhost:8080"}, loopback),
            ({}, {"public_url": "https://shop.localhost"}, loopback),
            ({}, {"public_url": "https://127.1.2.3"}, loopback),
            ({}, {"public_url": "https://[::ffff:127.0.0.1]:8080"}, loopback),
            ({}, {"public_url": "https://0.0.0.0"}, loopback),
        ):
            what = ":1:[0-9]+: " + what  # with its place, as every fault of the file
            path = self.config(providers={"m": {**good, **over}}, server=server)
            self.ended(run("-c", path, "check-config"), CONFIG, "", what)
        path = self.config(providers={"m": good}, server=public)
        done = run("-c", path, "check-config")
        self.assertEqual((done.returncode, done.stdout), (0, "configuration ok\n"), done)
        path = self.config(providers={"m": {**good, "secret_key": "sk_test_1"}})
        self.assertEqual(run("-c", path, "check-config").returncode, 0)

    def test_numbers_that_somebody_may_have(self):  # M34
        path = self.config(
            otp={"test_numbers": {"+966550000000": "123456", "+966100000000": "123456"}},
        )
        done = run("-c", path, "check-config")
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stderr, "(?m)warning: otp.test_numbers: .966550000000 is")
        self.assertNotIn("966100000000 is", done.stderr)

    def test_unsafe(self):  # S26
        path = self.config(
            server={"workers": 2},
            monitor={"listen": "0.0.0.0:9464"},
            providers={"sms": dict(SMS, base_url="http://169.254.169.254")},
            otp={"provider": "sms", "secret": "s" * 32, "code_length": 4, "max_attempts": 10},
        )
        os.chmod(path, 0o644)
        done = run("-c", path, "check-config")
        self.assertEqual((done.returncode, done.stdout), (0, "configuration ok\n"), done)
        for what in ("monitor.listen", "http", "link-local", "code_length", "everybody on"):
            self.assertRegex(done.stderr, "(?m)^bookingd: .*warning: .*" + what)

    def test_secret_files(self):  # O19
        for text, why in (
            (b"\xef\xbb\xbftoken\n", "byte order mark"),
            (b"token \n", "space or a tab"),
        ):
            with tempfile.NamedTemporaryFile() as f:
                f.write(text)
                f.flush()
                path = self.config(providers={"sms": dict(SMS, token={"file": f.name})})
                self.ended(run("-c", path, "check-config"), CONFIG, "", f.name + ".*" + why)

    def test_secret_files_of_everybody(self):  # S26
        """Taken, with a warning that names the file; a narrower mode ends it."""
        with tempfile.NamedTemporaryFile() as f:
            f.write(b"token-in-a-file\n")
            f.flush()
            path = self.config(providers={"sms": dict(SMS, token={"file": f.name})})
            for mode, warned in ((0o644, True), (0o604, True), (0o640, False), (0o600, False)):
                os.chmod(f.name, mode)
                done = run("-c", path, "check-config")
                self.assertEqual(done.returncode, 0, done)
                said = "everybody on this machine can read " + f.name
                self.assertEqual(said in done.stderr, warned, (oct(mode), done.stderr))

    def test_status_check(self):  # O24
        pg = self.postgres()
        d = self.daemon(pg)
        bd.wait_until(lambda: run("-c", d.path, "status", "--check").returncode == 0, "good")
        with open(d.path, "a") as f:
            f.write("]")
        d.hup()
        bd.wait_until(lambda: run("-c", d.path, "status", "--check").returncode != 0, "refused")
        d.write_config()
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % pg.name, admin=True)
        pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % pg.name,
            admin=True,
        )
        bd.wait_until(lambda: run("-c", d.path, "status", "--check").returncode == 2, "away")
        self.assertIn("database is away", run("-c", d.path, "status", "--check").stdout)
        d.stop()
        self.assertEqual(run("-c", d.path, "status", "--check").returncode, 2)


class StaffKeys(Base):
    def test_life_of_a_key(self):
        daemon = self.daemon(self.postgres())
        made = self.ended(daemon.run("staff-key", "create", "--name", "front desk"), 0, r"^\S+\n$")
        key = made.stdout.strip()

        def status():
            return daemon.get("/v1/staff/audit", {"Authorization": "Bearer " + key}).status

        self.assertEqual(status(), 200)  # the audit log is for admins: the default role
        listed = self.ended(
            daemon.run("staff-key", "list"), 0, r"(?m)^front desk +admin +all +\S+Z +-$"
        ).stdout
        self.assertNotIn(key, listed)
        self.ended(
            daemon.run("staff-key", "create", "--name", "front desk"),
            1,
            "",
            "names are never reused",
        )
        self.ended(daemon.run("staff-key", "revoke", "front desk"), 0)
        self.assertEqual(status(), 401)
        self.ended(daemon.run("staff-key", "revoke", "front desk"), 1, "", "no active key")
        self.ended(daemon.run("staff-key", "list"), 0, r"(?m)^front desk +admin +all +\S+Z +\S+Z$")
        self.ended(
            daemon.run("staff-key", "create", "--name", "front desk"),
            1,
            "",
            "names are never reused",
        )

    def test_roles_and_venues(self):
        shop = bd_shop.Shop(self)
        venue = shop.pg.value("SELECT id FROM venues")
        for role in ("admin", "agent", "viewer"):
            self.ended(
                shop.daemon.run(
                    "staff-key", "create", "--role", role, "--name=" + role, "--venue", venue
                ),
                0,
                r"^\S+\n$",
            )
            self.ended(
                shop.daemon.run("staff-key", "list"),
                0,
                r"(?m)^%s +%s +%s +\S+Z +-$" % (role, role, venue),
            )
        for bad in (NOBODY, "x"):
            self.ended(
                shop.daemon.run("staff-key", "create", "--name", "y", "--venue", bad),
                1,
                "",
                "there is no venue " + bad,
            )
        # B27, B28: as every name; and none that looks like another one
        for bad in ("", "  ", "\u200b", "a\nb", "a\u0085b", "a\u202eb", "a\u200bb", "x" * 65):
            self.ended(
                shop.daemon.run("staff-key", "create", "--name", bad),
                1,
                "",
                "a name must have 1 to 64 characters",
            )
        self.ended(shop.daemon.run("staff-key", "create", "--name", "استقبال"), 0, ".")
        self.ended(shop.daemon.run("staff-key", "create", "--name", " trimmed\u3000"), 0, ".")
        self.ended(shop.daemon.run("staff-key", "list"), 0, r"(?m)^trimmed +admin ")


class Status(Base):
    def test_scoreboard(self):
        daemon = self.daemon(self.postgres(), {"server": {"workers": 2}})
        self.ended(daemon.run("status"), 0, r"(?m)^worker +1 +\d+ ")
        whole = json.loads(self.ended(daemon.run("status", "--json"), 0, ".").stdout)
        self.assertEqual(whole["master"], daemon.pid)
        self.assertEqual(daemon.stop(), 0)
        self.ended(daemon.run("status"), AWAY, "", "does not answer: Connection refused")

    def test_over_a_unix_socket(self):
        path = "/tmp/bd-status-%d.sock" % os.getpid()
        daemon = self.daemon(self.postgres(), {"monitor": {"listen": "unix:" + path}})
        self.ended(daemon.run("status"), 0, r"(?m)^monitor +0 +\d+ ")

    def test_an_answer_that_makes_no_sense(self):
        provider = self.provider(bd.p_reply(404, {}))
        path = self.config(monitor={"listen": "127.0.0.1:%d" % provider.port})
        for plan in (None, bd.p_garbage(), bd.p_close()):
            provider.plan += [plan] if plan else []
            self.ended(run("-c", path, "status"), AWAY, "", "gave an answer that is not a status")
        self.ended(
            run("-c", self.config(monitor={"listen": "127.0.0.1:0"}), "status"), AWAY, "", "port 0"
        )


class Notifications(Base):
    def setUp(self):
        self.shop = bd_shop.Shop(self)
        self.run_ = self.shop.daemon.run

    def failed(self, n):
        """n FAILED notifications; their ids, oldest first."""
        for hour in range(n):
            self.shop.sms.plan.append(bd.p_reply(400, {"statusCode": 400, "message": "bad number"}))
            self.assertEqual(
                self.shop.book(self.shop.customer("+96655123%04d" % hour), hour).status, 201
            )
        return [
            row[0]
            for row in self.shop.pg.sql("SELECT id FROM notifications ORDER BY created_at, id")
        ]

    def test_list(self):
        self.ended(self.run_("notifications", "list"), 0, r"^ID .*\n$")
        ids = self.failed(3)
        listed = self.ended(self.run_("notifications", "list"), 0, ".").stdout.splitlines()[1:]
        self.assertEqual([line.split()[0] for line in listed], ids[::-1])
        self.assertRegex(
            listed[0],
            r"^\S+ +\S+Z +FAILED +booking_confirmed +\+9665\*{4}\d{4} +1 +provider_rejected +no$",
        )
        self.assertEqual(
            len(self.run_("notifications", "list", "--limit", "2").stdout.splitlines()), 3
        )
        for filters, n in (
            (["--status", "FAILED"], 3),
            (["--status", "SENT"], 0),
            (["--error-code", "interrupted"], 0),
            (["--template", "booking_confirmed", "--error-code", "provider_rejected"], 3),
            (["--since", "2000-01-01T00:00:00Z"], 3),
            (["--until", "2000-01-01T00:00:00Z"], 0),
            (["--booking", NOBODY], 0),
        ):
            self.assertEqual(
                len(self.run_("notifications", "list", *filters).stdout.splitlines()),
                1 + n,
                filters,
            )

    def test_resend_one(self):
        (one,) = self.failed(1)
        self.shop.sms.plan.append(bd.p_reply(400, {"statusCode": 400}))
        self.ended(
            self.run_("notifications", "resend", one),
            1,
            r"^FAILED provider_rejected\n$",
            "event=sms.refused",
        )
        self.ended(self.run_("notifications", "resend", one), 0, r"^SENT\n$")
        self.ended(self.run_("notifications", "resend", one), 1, "", "is not FAILED")
        self.ended(self.run_("notifications", "resend", NOBODY), 1, "", "there is no notification")
        self.assertEqual(
            self.shop.pg.sql("SELECT status, attempts FROM notifications"), [["SENT", "3"]]
        )

    def test_resend_all(self):
        self.failed(3)
        before = len(self.shop.sms.requests)
        self.ended(
            self.run_("notifications", "resend", "--all", "--dry-run"),
            0,
            "^matched 3, sent 0, failed 0, remaining 3\n$",
        )
        self.ended(
            self.run_("notifications", "resend", "--all", "--error-code", "interrupted"),
            0,
            "^matched 0, sent 0, failed 0, remaining 0\n$",
        )
        self.assertEqual(len(self.shop.sms.requests), before)
        self.ended(
            self.run_("notifications", "resend", "--all", "--limit", "2"),
            0,
            "^matched 3, sent 2, failed 0, remaining 1\n$",
        )
        self.shop.sms.plan.append(bd.p_reply(400, {"statusCode": 400}))
        self.ended(
            self.run_("notifications", "resend", "--all"),
            1,
            "^matched 1, sent 0, failed 1, remaining 0\n$",
            "event=sms.refused",
        )

    def test_acknowledge(self):
        ids = self.failed(3)
        self.ended(
            self.run_("notifications", "acknowledge", ids[0], NOBODY), 0, "^acknowledged 1\n$"
        )
        self.ended(
            self.run_("notifications", "acknowledge", "--all", "--until", "2000-01-01T00:00:00Z"),
            0,
            "^acknowledged 0\n$",
        )
        self.ended(self.run_("notifications", "acknowledge", "--all"), 0, "^acknowledged 2\n$")
        self.assertEqual(
            self.shop.pg.value(
                "SELECT count(*) FROM notifications WHERE status = 'FAILED' AND acknowledged_at "
                "IS NOT NULL"
            ),
            "3",
        )
        self.ended(self.run_("notifications", "list"), 0, r"(?m) yes$")


class Serve(Base):
    def test_is_the_default(self):
        pg = self.postgres()
        port = bd.free_port()
        path = self.config(
            pg,
            server={"listen": "127.0.0.1:%d" % port, "workers": 1},
            monitor={"listen": "127.0.0.1:0"},
        )
        proc = subprocess.Popen(
            [bd.BIN, "-c", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(lambda: proc.poll() is None and proc.kill())

        def answers():
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) != 0:
                    return False
            with bd.Client(("127.0.0.1", port)) as c:
                return c.get("/readyz").status == 200

        bd.wait_until(answers, "bookingd without a command to serve", 15)
        proc.send_signal(signal.SIGTERM)
        self.assertEqual(proc.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
