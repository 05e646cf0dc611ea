# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Completion of the command line, and what `make install` would put where."""
import os
import re
import shutil
import subprocess
import unittest

import bd

BUILD = os.environ.get("builddir") or os.path.dirname(bd.PROGRAM)
BASH = os.path.join(BUILD, "src/cli/completion/bookingd")
ZSH = os.path.join(BUILD, "src/cli/completion/_bookingd")
ASK = r"""
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_bookingd
printf '%s\n' "${COMPREPLY[@]}"
"""


def help_of(*words):
    return subprocess.run(
        [bd.BIN, *words, "--help"], capture_output=True, text=True, check=True
    ).stdout


@unittest.skipUnless(os.path.exists(BASH), "completions are not built beside the program")
class Bash(unittest.TestCase):
    def ask(self, *words):
        """What is offered for the last of the words; without any package but bash."""
        done = subprocess.run(
            ["bash", "--norc", "-c", ASK, "bash", BASH, "bookingd", *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return sorted(done.stdout.split())

    def test_commands(self):
        listed = re.findall(r"^  ([a-z]+[a-z-]*) ", help_of(), re.M)
        self.assertEqual(
            [w for w in self.ask("") if not w.startswith("-")], sorted(set(listed)), listed
        )
        self.assertEqual(self.ask("st"), ["staff-key", "status"])
        self.assertEqual(self.ask("nothing"), [])
        self.assertEqual(self.ask("-c", "/etc/x.yaml", "mig"), ["migrate"])
        self.assertIn("--config", self.ask("--"))

    def test_second_words(self):
        self.assertEqual(self.ask("staff-key", ""), ["--help", "create", "list", "revoke"])
        self.assertEqual(self.ask("notifications", "r"), ["resend"])
        self.assertEqual(self.ask("migrate", "x"), [])

    def test_every_option_of_every_help(self):
        seen = 0
        for words in (
            ("serve",),
            ("init",),
            ("check-config",),
            ("migrate",),
            ("staff-key", "create"),
            ("staff-key", "list"),
            ("staff-key", "revoke"),
            ("desk-link",),
            ("notifications", "list"),
            ("notifications", "resend"),
            ("notifications", "acknowledge"),
            ("status",),
            ("doctor",),
            ("reload",),
            ("version",),
        ):
            options = set(re.findall(r"--[a-z-]*[a-z]", help_of(*words)))
            self.assertEqual(set(self.ask(*words, "--")), options | {"--help"}, words)
            seen += len(options)
        self.assertGreater(seen, 25)

    def test_values(self):
        self.assertEqual(
            self.ask("staff-key", "create", "--role", ""), ["admin", "agent", "viewer"]
        )
        self.assertEqual(self.ask("notifications", "list", "--status", "F"), ["FAILED"])
        self.assertIn(
            "booking_confirmed", self.ask("notifications", "list", "--template", "booking_")
        )
        self.assertEqual(self.ask("staff-key", "create", "--name", ""), [])
        here = os.path.join(bd.TOP, "etc/bookingd")
        self.assertEqual(self.ask("-c", here), [here + ".yaml"])


@unittest.skipUnless(shutil.which("zsh") and os.path.exists(ZSH), "there is no zsh here")
class Zsh(unittest.TestCase):
    def test_it_is_read_and_offers(self):
        """With the completion system's functions replaced by ones that print."""
        stubs = (
            'compadd() { shift; print -l -- "$@" }; _describe() { print -l -- ${(P)2} };'
            ' _files() { print files }; words=(bookingd "$@"); CURRENT=$#words; source %s' % ZSH
        )

        def ask(*given):
            done = subprocess.run(
                ["zsh", "-f", "-c", stubs, "zsh", *given], capture_output=True, text=True
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return done.stdout.splitlines()

        self.assertIn("migrate:bring the database's schema to this version", ask(""))
        self.assertEqual(ask("status", "-"), ["--json", "--check", "--help"])
        self.assertIn("revoke", ask("staff-key", ""))
        self.assertEqual(ask("-c", ""), ["files"])
        self.assertEqual(sorted(ask("desk-link", "--role", "")), ["admin", "agent", "viewer"])


@unittest.skipUnless(os.path.exists(os.path.join(BUILD, "Makefile")), "no build directory")
class Installed(unittest.TestCase):
    def test_what_make_install_would_do(self):  # S28
        """Said and not done: a dry run builds nothing."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        said = subprocess.run(
            ["make", "-n", "-C", BUILD, "install", "DESTDIR=/nowhere"],
            capture_output=True,
            text=True,
            env=env,
            check=True,
        ).stdout
        copies = "\n".join(line for line in said.splitlines() if "list='" in line)
        for name in ("src/cli/completion/bookingd", "src/cli/completion/_bookingd"):
            self.assertIn(name, copies)
        self.assertRegex(copies, r"list='[^']*\bbookingd\b")
        # The providers' simulator has a control route without credentials.
        self.assertNotRegex(copies, r"list='[^']*bookingd-sandbox")


if __name__ == "__main__":
    bd.main()
