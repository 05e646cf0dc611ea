# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A fresh Debian root in a temporary folder: programs run in it in namespaces of their own, or a
systemd boots it. Needs root. Packages come from where this machine's apt gets its own.

Whatever is mounted is mounted in a private namespace and gone with its last process, so that
removing the folder can reach nothing else.
"""
import ctypes
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

import bd

BASE = ("sudo", "git", "ca-certificates")  # what a person has who has just cloned the project
APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts"]
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
PROXIES = ("http_proxy", "https_proxy", "no_proxy")

# PostgreSQL wants /dev/shm; without a network there is still a loopback.
PREPARE = """set -e
mount -t tmpfs tmpfs /dev/shm
exec 9<&0
%s
"""
LOOPBACK = r"""import fcntl, socket, struct
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1 | 64))
"""

# systemd-tmpfiles and all other units run as on any machine: the root is this test's own.
BOOT = r"""set -e
mount --make-rprivate /
mount --bind "$0" "$0"
cd "$0"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r name major minor <<<"$node"
  mknod -m 666 "dev/$name" c "$major" "$minor"
done
ln -s pts/ptmx dev/ptmx
mkdir -p old
pivot_root . old
umount -l /old
mount --make-rshared / # systemd hands credentials over by a mount
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
  --unit=multi-user.target --log-target=console --show-status=no
"""


def _output(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _suite_and_site():
    """Which Debian this machine is, and where its packages come from."""
    with open("/etc/os-release") as f:
        release = dict(line.rstrip().split("=", 1) for line in f if "=" in line)
    suite = release.get("VERSION_CODENAME", "").strip('"')
    targets = _output(
        "apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"
    )
    for line in targets.splitlines():
        site, _, of = line.partition(" ")
        if of == suite:
            return suite, site
    raise AssertionError("apt knows no packages of Debian's %r" % suite)


class Root:
    """close() removes it; copy() is another one with the same files."""

    def __init__(self, path=None):
        self.path = path or tempfile.mkdtemp(prefix="bd-root-", dir="/var/tmp")
        os.chmod(self.path, 0o755)  # every account in it walks through

    @classmethod
    def fresh(cls, packages=BASE):
        suite, site = _suite_and_site()
        root = cls()
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=" + ",".join(packages)]
            + [suite, root.path, site],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            root.close()
            raise AssertionError("debootstrap: " + done.stdout[-2000:] + done.stderr[-2000:])
        root.take_sources()
        return root

    def take_sources(self):
        """The list of packages and what proves them, of the machine's own suites alone."""
        shutil.copy("/etc/resolv.conf", self.inside("/etc/resolv.conf"))
        with open(self.inside("/etc/hostname")) as f, open(self.inside("/etc/hosts"), "a") as to:
            to.write("127.0.0.1 localhost %s\n" % f.read().strip())
        with open(self.inside("/etc/apt/apt.conf.d/90test"), "w") as f:
            f.write('APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n')
        here = "/etc/apt/sources.list.d/debian.sources"
        if os.path.exists(here):
            shutil.copy(here, self.inside(here))
            os.truncate(self.inside("/etc/apt/sources.list"), 0)

    def copy(self):
        other = Root()
        subprocess.run(["cp", "-a", "--reflink=auto", self.path + "/.", other.path], check=True)
        return other

    def inside(self, path):
        """Where a path of the root is, seen from outside."""
        return self.path + path

    def run(self, script, network=False, limit=3600):
        """A script for bash in the root, as root. Without a network there is only loopback."""
        env = {**CLEAN, **{k: v for k, v in os.environ.items() if k in PROXIES and network}}
        begin = "" if network else "python3 -c '%s' 2>/dev/null || true\n" % LOOPBACK
        return subprocess.run(
            [*APART, *([] if network else ["--net"]), "--root=" + self.path, "--mount-proc"]
            + ["bash", "-c", PREPARE % (begin + script)],
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
        )

    def must(self, script, network=False):
        done = self.run(script, network)
        if done.returncode != 0:
            raise AssertionError("%s\n%s" % (script, done.stdout[-6000:]))
        return done.stdout

    def install(self, *packages):
        self.must(
            "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && "
            "apt-get -qq install --no-install-recommends " + " ".join(packages),
            network=True,
        )

    def clone(self, top, to, account="root"):
        """The project as `git clone` gives it, without this tree's build."""
        target = self.inside(to)
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", top, target], check=True)
        self.must("chown -R %s: %s" % (account, to))

    def close(self):
        with open("/proc/self/mountinfo") as f:
            if any(self.path + "/" in line or self.path + " " in line for line in f):
                raise AssertionError("something is mounted in " + self.path)
        subprocess.run(["rm", "-rf", "--one-file-system", self.path], check=True)


class Booted:
    """systemd as PID 1 in namespaces, with a network of its own. `boot` is for bash, `path` its $0;
    it ends in an exec of systemd."""

    STATES = ("running", "degraded")  # of a machine that is up
    LIMIT_S = 30

    def __init__(self, boot, path):
        self.console = tempfile.TemporaryFile()
        self.proc = subprocess.Popen(
            [*APART, "--net", "--cgroup", "--mount-proc", "bash", "-c", boot, path],
            stdin=subprocess.DEVNULL,
            stdout=self.console,
            stderr=self.console,
        )
        self.pid = None
        self.home = open("/proc/self/ns/net")

    def boots(self):
        """Whether it comes up; where this runs in a sandbox, systemd may not be let do so."""

        def over():
            if self.proc.poll() is not None:
                return True
            self.pid = self._init()
            state = self.pid and self.enter("systemctl", "is-system-running").stdout.strip()
            return state in self.STATES

        with contextlib.suppress(AssertionError):
            bd.wait_until(over, "systemd", self.LIMIT_S, 0.1)
            return self.proc.poll() is None
        return False

    def _init(self):
        with contextlib.suppress(OSError), open(
            "/proc/%d/task/%d/children" % (self.proc.pid, self.proc.pid)
        ) as f:
            pids = f.read().split()
            return int(pids[0]) if pids else None
        return None

    def enter(self, *argv, limit=60):
        """Runs a program in there."""
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-C", "-u", "-i", *argv],
            env=CLEAN,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
        )

    def join_network(self):
        """From now on this thread sees the network in there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/%d/ns/net" % self.pid) as f:
            if libc.setns(f.fileno(), 0x40000000) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def leave_network(self):
        ctypes.CDLL(None).setns(self.home.fileno(), 0x40000000)

    @contextlib.contextmanager
    def network(self):
        self.join_network()
        try:
            yield
        finally:
            self.leave_network()

    def said(self):
        self.console.seek(0)
        return self.console.read().decode(errors="replace")[-3000:]

    def close(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGKILL)  # with it goes PID 1, and all that it started
            self.proc.wait(20)
        self.home.close()
        self.console.close()


class Machine(Booted):
    """A whole root as a machine."""

    def __init__(self, root):
        super().__init__(BOOT, root.path)

    def run(self, script, account=None, limit=1800):
        """A line for bash, as root or as somebody who has signed in."""
        if account:
            return self.enter("runuser", "-l", account, "-c", script, limit=limit)
        return self.enter("bash", "-c", script, limit=limit)
