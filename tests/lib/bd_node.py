# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Packages of npm that tests use as a second opinion, pinned in tests/desk/package-lock.json. They
are installed into the build tree, once; without npm or a registry a test has to do without.
"""
import fcntl
import json
import os
import shutil
import subprocess

import bd

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "desk")
WORK = os.path.join(os.path.dirname(os.path.abspath(bd.PROGRAM)), "tests", "desk")


def _install():
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(SOURCE, name), WORK)
    try:
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
            cwd=WORK,
            capture_output=True,
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        pass


def package(name):
    """The directory of a package, or None."""
    path = os.path.join(WORK, "node_modules", name)
    if not shutil.which("npm"):
        return None
    os.makedirs(WORK, exist_ok=True)
    # Files of tests run side by side, and npm begins by removing what is there.
    with open(os.path.join(WORK, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            _install()
    return path if os.path.exists(path) else None


# Reads [{headers, body}] from standard input; prints for each whether its signature is good.
VERIFY = """
const { Webhook } = require("standardwebhooks");
const hook = new Webhook(process.argv[1]);
function good(r) {
  try { hook.verify(r.body, r.headers); return true; } catch { return false; }
}
let text = "";
process.stdin.on("data", (d) => text += d).on("end", () =>
  console.log(JSON.stringify(JSON.parse(text).map(good))));
"""


def verified(secret, messages):
    """For each of [{"headers", "body"}]: what the library of Standard Webhooks says; None without
    the library."""
    if not shutil.which("node") or not package("standardwebhooks"):
        return None
    done = subprocess.run(
        ["node", "-e", VERIFY, secret],
        input=json.dumps(messages),
        capture_output=True,
        text=True,
        cwd=WORK,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
