# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Clients that are generated from the API document, in both of its versions: a linter has nothing
to say, the types compile under the strictest rules, and what was compiled signs in, books, moves
and cancels. Node's packages come from tests/client/package-lock.json into the build tree."""
import json
import os
import re
import shutil
import subprocess
import unittest

import bd
import bd_shop

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "client")
WORK = os.path.join(os.path.dirname(os.path.abspath(bd.PROGRAM)), "tests", "client")
# Fetching the packages takes ten seconds over a good line.
FETCH_LIMIT = 180


def packages():
    """Installs what the lock file says, once per build tree; a reason to skip, or None."""
    if not shutil.which("npm") or not shutil.which("node"):
        return "needs npm and node"
    os.makedirs(WORK, exist_ok=True)
    for name in ("package.json", "package-lock.json", "tsconfig.json", "lint.mjs"):
        shutil.copy(os.path.join(SOURCE, name), WORK)
    with open(os.path.join(SOURCE, "package-lock.json"), encoding="utf-8") as f:
        wanted = f.read()
    mark = os.path.join(WORK, "node_modules", "installed")
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as f:
            if f.read() == wanted:
                return None
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        done = subprocess.run(command, cwd=WORK, capture_output=True, timeout=FETCH_LIMIT)
    except subprocess.TimeoutExpired:
        return "npm cannot fetch the packages of tests/client in time"
    if done.returncode != 0:
        return "npm cannot fetch the packages of tests/client"
    with open(mark, "w", encoding="utf-8") as f:
        f.write(wanted)
    return None


class Client(bd.Case):
    @classmethod
    def setUpClass(cls):
        reason = packages()
        if reason:
            raise unittest.SkipTest(reason)

    def setUp(self):
        otp = {"provider": "sms", "secret": "s" * 32, "code_length": 6}
        self.shop = bd_shop.Shop(self, {"otp": otp})
        for version, path in (("v31", "/openapi.json"), ("v30", "/openapi-3.0.json")):
            os.makedirs(os.path.join(WORK, version), exist_ok=True)
            with open(os.path.join(WORK, version, "openapi.json"), "wb") as f:
                f.write(self.shop.daemon.get(path).body)
            shutil.copy(os.path.join(SOURCE, "client.ts"), os.path.join(WORK, version))

    def node(self, *argv):
        done = subprocess.run(
            ["node", *argv], cwd=WORK, capture_output=True, text=True, timeout=300 * bd.SLOWNESS
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_linter_has_nothing_to_say(self):
        said = self.node("lint.mjs", "v31/openapi.json", "v30/openapi.json")
        self.assertEqual(said, "")

    def last_code(self, _request):
        text = json.loads(self.shop.sms.requests[-1]["body"])["body"]
        return {"code": re.search(r"\d{6}", text).group()}

    def test_generated_clients_book_move_and_cancel(self):
        tool = "node_modules/openapi-typescript/bin/cli.js"
        for version in ("v31", "v30"):
            self.node(tool, version + "/openapi.json", "-o", version + "/openapi.ts")
        self.node("node_modules/typescript/bin/tsc", "-p", ".")
        codes = self.provider(bd.p_reply(200, self.last_code))
        base = "http://127.0.0.1:%d" % self.shop.daemon.port
        for n, version in enumerate(("v31", "v30")):
            phone = "+96655123450%d" % n
            said = self.node(version + "/client.js", base, self.shop.service, phone, codes.url)
            self.assertEqual(
                json.loads(said),
                {"status": "cancelled", "reason": "test", "moved": True, "service_name": "Cut"},
            )


if __name__ == "__main__":
    unittest.main()
