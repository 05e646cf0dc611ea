# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""`bookingd init`: from an empty server to a service that answers; repeats change nothing."""
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

import bd

CONFIG, AWAY, USAGE = 78, 69, 64


class Init(bd.Case):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="bd-init-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        self.path = os.path.join(self.dir, "etc", "bookingd.yaml")
        self.admin = self.postgres(migrate=False)  # the server; its own database is not used
        self.superuser = re.sub(r"dbname=\S+", "dbname=postgres", self.admin.conninfo)
        self.forget()
        self.addCleanup(self.forget)

    def forget(self):
        """Roles belong to the whole server, which other tests of this run share."""
        for command in (
            "DROP DATABASE IF EXISTS bookingd WITH (FORCE)",
            "DROP ROLE IF EXISTS bookingd",
            "DROP ROLE IF EXISTS bookingd_owner",
        ):
            self.admin.sql(command)

    def bookingd(self, *argv):
        return subprocess.run(
            [bd.BIN, "-c", self.path, *argv],
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def files(self):
        found = {}
        for name in os.listdir(os.path.dirname(self.path)):
            path = os.path.join(os.path.dirname(self.path), name)
            with open(path) as f:
                found[name] = (stat.S_IMODE(os.stat(path).st_mode), f.read())
        return found

    def test_from_nothing_to_a_service(self):
        done = self.bookingd("init", "--superuser-url", self.superuser)
        self.assertEqual(done.returncode, 0, done.stderr)
        key = done.stdout.strip()
        self.assertRegex(key, r"^\S{20,}$")
        files = self.files()
        self.assertEqual(
            sorted(files), ["bookingd.yaml", "database-url", "migrate-url", "otp-secret"]
        )
        for name in ("database-url", "migrate-url", "otp-secret"):
            self.assertEqual(files[name][0], 0o600, name)
            self.assertNotIn(files[name][1].strip(), done.stdout + done.stderr)
        self.assertEqual(files["bookingd.yaml"][0] & 0o007, 0)
        self.assertIn("next: ", done.stderr)

        # It is a good configuration, and commands work with it.
        self.assertEqual(self.bookingd("check-config").returncode, 0)
        self.assertIn("already", self.bookingd("migrate").stdout)
        self.assertIn("owner", self.bookingd("staff-key", "list").stdout)

        # The database is UTF8 and the owner's; the serving role owns nothing.
        self.assertEqual(
            self.admin.value(
                "SELECT pg_encoding_to_char(encoding) || ' ' || pg_get_userbyid(datdba)"
                " FROM pg_database WHERE datname = 'bookingd'"
            ),
            "UTF8 bookingd_owner",
        )
        self.assertEqual(
            self.admin.value(
                "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'bookingd%'"
                " AND (rolsuper OR rolcreatedb OR rolcreaterole)"
            ),
            "0",
        )

        # A second run changes nothing, and says so.
        again = self.bookingd("init", "--superuser-url", self.superuser)
        self.assertEqual((again.returncode, again.stdout), (0, ""), again.stderr)
        self.assertIn("nothing to do", again.stderr)
        self.assertNotIn(": made", again.stderr)
        self.assertEqual(self.files(), files)

        # And it serves: the daemon's own configuration, with ports of this test.
        with open(self.path) as f:
            text = f.read()
        port, monitor = bd.free_port(), bd.free_port()
        text = text.replace("127.0.0.1:8080 ", "127.0.0.1:%d " % port, 1)
        with open(self.path, "w") as f:
            f.write(text + "monitor: {listen: '127.0.0.1:%d'}\n" % monitor)
        d = subprocess.Popen(
            [bd.BIN, "-c", self.path, "serve"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(d.wait)
        self.addCleanup(d.terminate)

        def ready():
            try:
                with bd.Client(("127.0.0.1", port)) as c:
                    return c.get("/readyz").status == 200
            except OSError:
                return False

        bd.wait_until(ready, "it is ready", 20)
        with bd.Client(("127.0.0.1", port)) as c:
            r = c.get("/v1/staff/keys", Authorization="Bearer " + key)
            self.assertEqual((r.status, [k["name"] for k in r.json()["items"]]), (200, ["owner"]))

    def test_an_interrupted_run_goes_on(self):
        """Files without roles, then roles without a database, then a schema without a key."""
        self.assertEqual(self.bookingd("init", "--superuser-url", self.superuser).returncode, 0)
        files = self.files()
        self.forget()
        done = self.bookingd("init", "--superuser-url", self.superuser)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^\S+\n$")
        self.assertEqual(self.files(), files)
        self.admin.sql("DROP DATABASE bookingd WITH (FORCE)")
        done = self.bookingd("init", "--superuser-url", self.superuser)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("role bookingd: was there", done.stderr)
        self.assertIn("database bookingd: made", done.stderr)
        self.assertEqual(self.bookingd("staff-key", "revoke", "owner").returncode, 0)
        done = self.bookingd("init", "--superuser-url", self.superuser)
        self.assertEqual(done.returncode, 1)  # names are never used again
        self.assertIn("staff-key create", done.stderr)

    def test_a_configuration_that_is_there_is_kept(self):
        os.mkdir(os.path.dirname(self.path))
        host = re.search(r"host=(\S+)", self.superuser).group(1)
        port = re.search(r"port=(\S+)", self.superuser).group(1)
        mine = "database: {url: 'host=%s port=%s user=bookingd password=p dbname=bookingd'}\n"
        with open(self.path, "w") as f:
            f.write(mine % (host, port))
        done = self.bookingd("init", "--superuser-url", self.superuser)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(self.files()), ["bookingd.yaml"])
        self.assertEqual(self.files()["bookingd.yaml"][1], mine % (host, port))
        self.assertEqual(
            self.admin.value("SELECT count(*) FROM pg_roles WHERE rolname = 'bookingd_owner'"), "0"
        )

    def test_whoever_may_not(self):
        self.admin.sql("CREATE ROLE bookingd LOGIN")
        url = re.sub(r"user=\S+", "user=bookingd", self.superuser)
        done = self.bookingd("init", "--superuser-url", url)
        self.assertEqual((done.returncode, done.stdout), (CONFIG, ""))
        self.assertIn("may not make roles", done.stderr)
        self.assertFalse(os.path.exists(self.path))
        done = self.bookingd("init", "--superuser-url", "host=127.0.0.1 port=1")
        self.assertEqual((done.returncode, done.stdout), (AWAY, ""))
        self.assertIn("--superuser-url", done.stderr)
        self.assertEqual(self.bookingd("init", "--superuser-url", "x y z").returncode, USAGE)

    @unittest.skipUnless(os.geteuid() == 0, "needs another account")
    def test_the_service_need_not_read_the_owners_url(self):
        self.assertEqual(self.bookingd("init", "--superuser-url", self.superuser).returncode, 0)
        where = os.path.dirname(self.path)
        os.chmod(self.dir, 0o755)
        os.chmod(where, 0o755)
        for name in ("bookingd.yaml", "database-url", "otp-secret"):
            os.chown(os.path.join(where, name), 65534, 65534)

        def as_nobody(*argv):
            return subprocess.run(
                [bd.BIN, "-c", self.path, *argv],
                capture_output=True,
                text=True,
                timeout=60,
                preexec_fn=lambda: (os.setgroups([]), os.setgid(65534), os.setuid(65534)),
            )

        self.assertEqual(as_nobody("check-config").returncode, 0)
        done = as_nobody("migrate")
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn("run this as root", done.stderr)


# In namespaces of its own, which end with all their processes. PostgreSQL and bookingd know
# accounts there that this machine may not have: bookingd and bookingd_owner.
PEER = r"""
set -eu
dir=$1 bin=$2 port=$3 pg=$4
for name in passwd group; do
    cp /etc/$name "$dir/$name"
done
for account in bookingd:61234 bookingd_owner:61235; do
    name=${account%:*} id=${account#*:}
    grep -q "^$name:" "$dir/passwd" || echo "$name:x:$id:$id::/:/usr/sbin/nologin" >>"$dir/passwd"
    grep -q "^$name:" "$dir/group" || echo "$name:x:$id:" >>"$dir/group"
done
mount --bind "$dir/passwd" /etc/passwd
mount --bind "$dir/group" /etc/group
as() { user=$1; shift; setpriv --reuid="$user" --regid="$user" --clear-groups env HOME=/ "$@"; }
cd "$dir"
as postgres "$pg/initdb" -D "$dir/data" -U postgres -A peer --no-sync >initdb.log 2>&1
printf '%s' "$HBA" >data/pg_hba.conf
{
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = '$dir'"
    echo "port = $port"
    echo "fsync = off"
} >>data/postgresql.conf
as postgres "$pg/pg_ctl" -s -w -D "$dir/data" -l "$dir/server.log" start </dev/null
trap 'as postgres "$pg/pg_ctl" -s -w -m immediate -D "$dir/data" stop </dev/null' EXIT
run() { "$bin" -c "$dir/etc/bookingd.yaml" "$@"; }
superuser=()
if [ -n "$SOCKET_URL" ]; then
    superuser=(--superuser-url "postgresql://postgres@:$port/postgres?host=$dir")
else
    export PGHOST=$dir PGPORT=$port
fi
run init "${superuser[@]}" >key 2>first
(cd etc; stat -c '%n %U %a' *) >modes
md5sum etc/* >sums
run init "${superuser[@]}" >again 2>&1
unset PGHOST PGPORT
md5sum -c --quiet sums
run migrate >migrate
run staff-key list >keys
as bookingd "$bin" -c "$dir/etc/bookingd.yaml" check-config >check
sed "s|listen: 127.0.0.1:8080 .*|listen: unix:$dir/http.sock|" etc/bookingd.yaml >serve.yaml
sed -i "s|file: |file: $dir/etc/|" serve.yaml
echo "monitor: {listen: 'unix:$dir/monitor.sock'}" >>serve.yaml
chown bookingd "$dir"
setpriv --reuid=bookingd --regid=bookingd --clear-groups "$bin" -c serve.yaml serve 2>serve.log &
served=$!
for _ in $(seq 200); do
    kill -0 "$served"
    curl -sf --unix-socket http.sock http://x/readyz >/dev/null && break
    sleep 0.1
done
curl -s --unix-socket http.sock -H "Authorization: Bearer $(cat key)" http://x/v1/staff/keys >api ||
    true
kill "$served"
wait "$served"
"""


@unittest.skipUnless(os.geteuid() == 0, "becomes other accounts")
class InitAsRoot(unittest.TestCase):
    """As root and without a URL, on servers of its own whose sockets ask for the account (peer)."""

    def init(self, hba, socket_url=""):
        pg = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout
        tools = all(shutil.which(t) for t in ("unshare", "setpriv", "curl"))
        if not tools or not os.path.exists(os.path.join(pg.strip(), "initdb")):
            self.skipTest("needs unshare, setpriv, curl and PostgreSQL's server")
        apart = ["unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child"]
        if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
            self.skipTest("may not make namespaces")
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            self.skipTest("there is no account postgres")
        where = tempfile.mkdtemp(prefix="bd-peer-", dir="/tmp")
        self.addCleanup(shutil.rmtree, where)
        os.chmod(where, 0o755)
        os.chown(where, owner.pw_uid, owner.pw_gid)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        # HOME: a .pgpass of whoever runs this must not count.
        done = subprocess.run(
            [*apart, "bash", "-c", PEER, "peer"] + [where, bd.BIN, str(bd.free_port()), pg.strip()],
            env=dict(clean, HBA=hba, HOME=where, SOCKET_URL=socket_url),
            capture_output=True,
            text=True,
            timeout=150,
            stdin=subprocess.DEVNULL,
        )

        def read(name):
            path = os.path.join(where, name)
            if not os.path.exists(path):
                return ""
            with open(path, errors="replace") as f:
                return f.read()

        self.assertEqual(
            done.returncode, 0, done.stderr + read("first") + read("serve.log")[-2000:]
        )
        self.assertRegex(read("key"), r"^\S{20,}\n$")
        self.assertEqual(
            read("modes"),
            "bookingd.yaml root 640\ndatabase-url bookingd 600\n"
            "migrate-url root 600\notp-secret bookingd 600\n",
        )
        self.assertIn("nothing to do", read("again"))
        self.assertIn("already", read("migrate"))
        self.assertIn("owner", read("keys"))
        self.assertEqual(read("check"), "configuration ok\n")
        self.assertIn('"name":"owner"', read("api"), read("serve.log")[-2000:])
        return read("etc/database-url"), read("etc/migrate-url"), where

    def test_by_account_alone(self):
        """Not even 127.0.0.1 takes passwords: there are none, and root becomes each role."""
        url, owner, where = self.init("local all all peer\n")
        self.assertRegex(url, r"^postgresql://bookingd@:\d+/bookingd\?host=%s\n$" % where)
        self.assertRegex(owner, r"^postgresql://bookingd_owner@:\d+/bookingd\?host=%s\n$" % where)

    def test_a_url_of_the_socket(self):
        """--superuser-url without a password: root becomes the account of the URL's role."""
        url, _, where = self.init("local all all peer\n", socket_url="yes")
        self.assertRegex(url, r"^postgresql://bookingd@:\d+/bookingd\?host=%s\n$" % where)

    def test_as_debian_has_it(self):
        url, _, _ = self.init(
            "local all postgres peer\nlocal all all peer\n"
            "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n"
        )
        self.assertRegex(url, r"^postgresql://bookingd:\S{64}@127\.0\.0\.1:\d+/bookingd\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
