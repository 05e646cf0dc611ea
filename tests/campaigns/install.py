#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: debootstrap util-linux
"""The installation word for word, in fresh Debian roots: what README and SYSTEMD.md say is done.

The commands are taken out of the documents, and run by somebody who may use sudo. Then somebody
books. A real systemd starts the service; where none boots, the unit's ExecStart is run by hand, and
the output says so. Also: `./dev demo --once` as root where only git and sudo are, and again without
a network. Needs root and the Debian packages' servers; takes about ten minutes.
"""
import hashlib
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_root  # noqa: E402

USER, WHERE = "installer", "/home/installer/bookingd"
SANDBOX = 8090


def blocks(path, heading):
    """The fenced blocks of a section of a document: (language, text)."""
    with open(os.path.join(bd.TOP, path), encoding="utf-8") as f:
        text = f.read()
    if heading:
        text = text.partition("\n## %s\n" % heading)[2].partition("\n## ")[0]
    else:
        text = text.partition("\n## ")[0]
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
    if not found:
        raise AssertionError("%s has no commands under %r" % (path, heading))
    return found


def commands(text):
    """One command per item, without its comment; a line that ends in \\ goes on."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [re.sub(r"\s{2,}#.*$", "", line).strip() for line in lines if line.strip()]


def say(text):
    print("== " + text, flush=True)


class Host:
    """Where the documents' commands run: a machine that systemd has booted, else a bare root."""

    def __init__(self, root):
        self.root, self.machine, self.served = root, None, None

    def boot(self, wanted=True):
        self.machine = bd_root.Machine(self.root)
        if not wanted or not self.machine.boots():
            print("systemd does not boot here:\n" + self.machine.said())
            self.close()
            return False
        return True

    def close(self):
        if self.machine:
            self.machine.close()
        self.machine = None

    def must(self, line, account=None):
        begun = time.monotonic()
        done = self.machine.run(line, account)
        print("   %5.1f s  %s" % (time.monotonic() - begun, line), flush=True)
        if done.returncode != 0:
            log = self.machine.run("journalctl -n 60 --no-pager -o cat; cat /tmp/*.log").stdout
            raise AssertionError(
                "%s: exit %d\n%s%s\n%s"
                % (line, done.returncode, done.stdout[-3000:], done.stderr[-3000:], log[-6000:])
            )
        return done

    def follow(self, text):
        """The commands of a block, each by the operator in the clone; what they print."""
        return [self.must("cd %s && %s" % (WHERE, line), USER) for line in commands(text)]


def edit(text, old, new):
    if old not in text:
        raise AssertionError("the configuration has no %r" % old)
    return text.replace(old, new)


def name_provider(text):
    """What an operator does with the comments of the configuration that init wrote."""
    for line in (
        "#providers:",
        "#  sms:",
        "#    type: taqnyat",
        "#    sender: BOOKINGS",
        "#    token: {file: sms-token}",
        "#notifications: {provider: sms}",
    ):
        text = edit(text, "\n" + line, "\n" + line[1:])
    text = edit(text, "  #provider: sms", "  provider: sms")
    base = re.search(r"^# ( +base_url: )(https://api\.taqnyat\S+)", text, re.M)
    return edit(text, base.group(0), " %shttp://127.0.0.1:%d" % (base.group(1), SANDBOX))


class Booking:
    """A shop and a customer, over the API alone."""

    def __init__(self, test, key):
        self.test, self.key, self.phones = test, key, 0

    def ask(self, method, path, body=None, token=None, port=8080, status=(200, 201)):
        headers = {"Authorization": "Bearer " + token} if token else {}
        with bd.Client(("127.0.0.1", port)) as c:
            r = c.request(method, path, body, headers)
        self.test.assertIn(r.status, status, (method, path, r))
        return r.json() if r.body else None

    def open_shop(self):
        venue = self.ask(
            "POST",
            "/v1/staff/venues",
            {"name": "Palm", "time_zone": "Asia/Riyadh", "currency": "SAR"},
            self.key,
        )["id"]
        chair = self.ask(
            "POST", "/v1/staff/venues/%s/resources" % venue, {"name": "Chair"}, self.key
        )["id"]
        week = [{"weekday": d, "opens": "00:00", "closes": "24:00"} for d in range(1, 8)]
        self.ask("PUT", "/v1/staff/resources/%s/opening-hours" % chair, {"items": week}, self.key)
        self.service = self.ask(
            "POST",
            "/v1/staff/venues/%s/services" % venue,
            {"name": "Cut", "duration_minutes": 60, "price": 0, "resource_ids": [chair]},
            self.key,
        )["id"]

    def sign_in(self):
        self.phones += 1  # a second code for the same phone would have to wait
        phone = "+96655123456%d" % self.phones
        challenge = self.ask("POST", "/v1/otp", {"phone": phone})
        inbox = self.ask("GET", "/inbox.json?to=%2B" + phone[1:], port=SANDBOX)["items"]
        code = re.search(r"\d{6}", inbox[-1]["text"]).group()
        verify = "/v1/otp/%s/verify" % challenge["id"]
        self.token = self.ask("POST", verify, {"code": code})["token"]

    def book(self):
        slots = self.ask("GET", "/v1/services/%s/slots" % self.service, token=self.token)["items"]
        wanted = {"service_id": self.service, "starts_at": slots[len(slots) // 2]["starts_at"]}
        booking = self.ask("POST", "/v1/bookings", wanted, self.token)
        self.test.assertEqual(booking["status"], "confirmed")


class Install(unittest.TestCase):
    systemd, given = True, None

    @classmethod
    def setUpClass(cls):
        begun = time.monotonic()
        cls.base = bd_root.Root(cls.given) if cls.given else bd_root.Root.fresh()
        say("a fresh root in %.0f s" % (time.monotonic() - begun))

    @classmethod
    def tearDownClass(cls):
        if not cls.given:
            cls.base.close()

    def root(self):
        root = self.base.copy()
        self.addCleanup(root.close)
        return root

    def test_the_demo(self):
        """As root, where only git and sudo are; then once more without a network."""
        root = self.root()
        root.clone(bd.TOP, "/root/bookingd")
        begun = time.monotonic()
        said = root.must("cd /root/bookingd && ./dev demo --once", network=True)
        say("demo in a fresh root: %.0f s" % (time.monotonic() - begun))
        self.assertIn("everything is stopped again", said)
        begun = time.monotonic()
        said = root.must("cd /root/bookingd && ./dev demo --once", network=False)
        say("demo without a network: %.0f s" % (time.monotonic() - begun))
        self.assertIn("everything is stopped again", said)
        self.assertEqual(root.must("cd /root/bookingd && git status --porcelain"), "")

    def host(self):
        """A Debian with systemd and somebody who may use sudo, in a clone of the project."""
        root = self.root()
        root.install("systemd", "systemd-sysv")
        root.must(
            "useradd -m -s /bin/bash %s; echo '%s ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/t"
            % (USER, USER)
        )
        root.clone(bd.TOP, WHERE, USER)
        return Host(root)

    def digest(self, host):
        """Of the configuration, the secrets, and everything in the database but what the running
        service writes about itself: that it is alive, and what it counted.
        """
        files = host.machine.run("cd /etc/bookingd && stat -c '%n %U %G %a %Y' * && sha256sum *")
        dump = host.machine.run(
            "pg_dump --exclude-table-data=nodes --exclude-table-data=gauges bookingd"
            " | grep -v '^.\\(un\\)\\?restrict '",
            "postgres",
        )
        self.assertEqual((files.returncode, dump.returncode), (0, 0), dump.stderr)
        return files.stdout, hashlib.sha256(dump.stdout.encode()).hexdigest()

    def put(self, host, path, change):
        """Edits a file as an operator does: owner and mode stay."""
        inside = host.root.inside(path)
        with open(inside, encoding="utf-8") as f:
            text = f.read()
        with open(inside, "w", encoding="utf-8") as f:
            f.write(change(text))

    def check(self, host, booking):
        def ready():
            try:
                with bd.Client(("127.0.0.1", 8080)) as c:
                    return c.get("/readyz").status == 200
            except OSError:
                return False

        with host.machine.network():
            bd.wait_until(ready, "it is ready", 20)
            booking.sign_in()
            booking.book()

    def test_the_documents(self):  # O7, O8
        host = self.host()
        self.addCleanup(host.close)
        for line in commands(blocks("README.md", "Installing")[0][1]):
            if "apt-get" in line:  # the machine has no network; this step needs one
                say("%s (before the machine boots)" % line[:60])
                host.root.must(
                    "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update;" + line,
                    network=True,
                )
        if not host.boot(self.systemd):
            return self.by_hand(host)
        say("README, Installing")
        key = ""
        for line in commands(blocks("README.md", "Installing")[0][1]):
            if "apt-get" not in line:
                done = host.follow(line)[0]
                key = done.stdout.strip() if line.endswith("bookingd init") else key
        self.assertRegex(key, r"^\S{20,}$")
        self.assertEqual(host.machine.run("systemctl is-active bookingd").stdout, "active\n")

        say("bookingd init once more")
        before = self.digest(host)
        again = host.must("bookingd init")
        self.assertEqual(again.stdout, "")
        self.assertIn("nothing to do", again.stderr)
        self.assertEqual(self.digest(host), before)

        say("a provider is named, and somebody books")
        host.must(
            "systemd-run --unit=sandbox %s/bookingd-sandbox --listen 127.0.0.1:%d"
            % (WHERE, SANDBOX)
        )
        host.must("install -m 600 -o bookingd /dev/stdin /etc/bookingd/sms-token <<<token-of-sms")
        self.put(host, "/etc/bookingd/bookingd.yaml", name_provider)
        host.must("systemctl reload bookingd")
        booking = Booking(self, key)
        with host.machine.network():
            booking.open_shop()
        self.check(host, booking)
        self.with_credentials(host, booking)
        self.with_socket(host, booking)

    def with_credentials(self, host, booking):
        """SYSTEMD.md: the first block can be repeated; then secrets that only systemd hands on."""
        say("SYSTEMD.md")
        host.follow(blocks("doc/SYSTEMD.md", None)[0][1])
        shell, ini, yaml = blocks("doc/SYSTEMD.md", "Secrets")
        self.assertEqual([shell[0], ini[0], yaml[0]], ["sh", "ini", "yaml"])
        path = "/usr/local/bin/editor-of-this-test"
        with open(host.root.inside(path), "w") as f:
            f.write("#!/bin/sh\ncat >\"$1\" <<'END'\n%sEND\n" % ini[1])
        os.chmod(host.root.inside(path), 0o755)
        for name in re.findall(r"LoadCredential=[\w-]+:(\S+)", ini[1]):
            if name not in shell[1]:  # the block shows how with one of them
                host.must("install -m 600 /dev/stdin %s <<<a-secret-of-a-provider" % name)
        for line in commands(shell[1]):
            if line.startswith("systemctl edit"):  # for people: it wants a terminal
                line = "SYSTEMD_EDITOR=%s script -qec '%s' /dev/null" % (path, line)
            host.must(line)

        def change(text):
            text = edit(text, "secret: {file: otp-secret}", "secret: {credential: otp-secret}")
            return edit(text, "token: {file: sms-token}", "token: {credential: sms-token}")

        for key in ("secret: {credential: otp-secret}", "token: {credential: sms-token}"):
            self.assertIn(key, yaml[1])
        self.put(host, "/etc/bookingd/bookingd.yaml", change)
        host.must("bookingd check-config --without-secrets")
        host.must("systemctl restart bookingd")
        self.check(host, booking)

    def with_socket(self, host, booking):
        with open(os.path.join(bd.TOP, "doc/SYSTEMD.md"), encoding="utf-8") as f:
            found = re.search(r"`(systemctl\s+enable --now bookingd\.socket[^`]*)`", f.read())
        self.put(
            host,
            "/etc/bookingd/bookingd.yaml",
            lambda text: edit(text, "listen: 127.0.0.1:8080", "listen: systemd"),
        )
        host.must("systemctl stop bookingd")
        host.must(" ".join(found.group(1).split()))
        self.check(host, booking)

    def by_hand(self, host):
        """Without systemd: the same commands, and the unit's ExecStart in the service's place."""
        say("no systemd here: ExecStart is run by hand; the unit itself is not tried")
        script = [
            "set -e",
            "pg_ctlcluster 15 main start || pg_ctlcluster $(pg_lsclusters -h |"
            " cut -d' ' -f1,2) start",
        ]
        for line in commands(blocks("README.md", "Installing")[0][1]):
            if "apt-get" in line:
                continue
            if "systemctl" in line:
                script.append(
                    "exec_start=$(sed -n 's/^ExecStart=//p' $(find /usr/local/lib /usr/lib /lib"
                    " -name bookingd.service | head -n 1))\n"
                    "runuser -u bookingd -- $exec_start 2>/tmp/serve.log &\n"
                    "for _ in $(seq 300); do python3 -c 'import urllib.request as u;"
                    ' u.urlopen("http://127.0.0.1:8080/readyz")\' 2>/dev/null && break;'
                    " sleep 0.1; done\n"
                    "python3 -c 'import urllib.request as u;"
                    ' print(u.urlopen("http://127.0.0.1:8080/readyz").status)\''
                )
            else:
                script.append("runuser -l %s -c 'cd %s && %s'" % (USER, WHERE, line))
        script.append("bookingd init")
        said = host.root.must("\n".join(script))
        self.assertIn("nothing to do", said)


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--no-systemd", action="store_true", help="as where systemd does not boot")
    parser.add_argument("--only", choices=("demo", "documents"), help="one of the two parts")
    parser.add_argument("--base", help="a fresh root that is there already; it is left as it is")
    given = bd_campaign.options(parser)
    if os.geteuid() != 0:
        sys.exit("install: needs root")
    Install.given = given.base
    Install.systemd = not given.no_systemd
    names = [n for n in ("test_the_demo", "test_the_documents") if (given.only or "") in n]
    bd_campaign.run(unittest.TestSuite(map(Install, names)), verbosity=2)


if __name__ == "__main__":
    main()
