#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""coverage.py BUILD_DIR: how much of each parser the unit tests and the corpora went through, as
gcov counted it.

BUILD_DIR was configured with --enable-coverage, and tests were run in it. Prints a table and the
lines that nobody reached; exit 1 when a parser is below LEAST. """
import gzip
import json
import os
import subprocess
import sys
import tempfile

LEAST = 95.0
# Parser -> its files; "file:function ..." counts these functions alone, where the rest of the file
# does not parse.
PARSERS = (
    (
        "request head",
        "http/http_parse.c http/http_head.c http/http_syntax.c http/http_parse_rules.c",
    ),
    ("chunked body", "http/http_parse_chunked.c"),
    ("path and query", "http/http_path.c api/api_query.c"),
    ("JSON and schemas", "sys/json.c sys/json_read.c api/api_input.c api/api_card.c"),
    ("phone numbers", "svc/phone.c domain/phone_table.c"),
    (
        "YAML configuration",
        "domain/config.c sys/config_fault.c sys/config_keys.c domain/config_message.c "
        "domain/config_provider.c domain/config_template.c sys/config_net.c "
        "sys/config_secret.c sys/config_url.c sys/config_value.c "
        "sys/config_yaml.c",
    ),
    (
        "SMS providers' answers",
        "ext/sms.c:sms_answer,sms_cut_word,sms_accept,from_firewall,sms_refuse,sms_unreadable,"
        "sms_judge_status "
        "ext/sms_http.c ext/sms_msegat.c ext/sms_taqnyat.c ext/sms_twilio.c ext/sms_unifonic.c "
        "ext/ext_jsonpath.c",
    ),
    ("gateway's answers, webhooks", "ext/pay_moyasar.c ext/pay_moyasar_read.c"),
    ("payments", "svc/payment_decide.c"),
    ("cursors", "api/api_cursor.c"),
    (
        "header fields",
        "api/api_etag.c api/api_client.c api/api_auth.c:token_char,bearer_token "
        "svc/idem.c:idem_key_valid",
    ),
    (
        "numbers, times, texts",
        "base/num.c base/str.c base/url.c base/uuid.c base/clock.c:wall_parse",
    ),
)


def count(build):
    """{source below src/: {line: (hits, function)}}"""
    lines = {}
    with tempfile.TemporaryDirectory() as scratch:
        notes = [
            os.path.join(d, f)
            for d, _, files in os.walk(os.path.join(build, "src"))
            for f in files
            if f.endswith(".gcda")
        ]
        if not notes:
            sys.exit("coverage.py: nothing was counted in %s" % build)
        subprocess.run(
            ["gcov", "--json-format", "--preserve-paths", *map(os.path.abspath, notes)],
            cwd=scratch,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in os.listdir(scratch):
            with gzip.open(os.path.join(scratch, name)) as f:
                report = json.load(f)
            for source in report["files"]:
                _, found, path = source["file"].rpartition("src/")
                into = lines.setdefault(path, {}) if found else {}
                for line in source["lines"]:
                    hits = into.get(line["line_number"], (0, None))[0]
                    into[line["line_number"]] = (hits + line["count"], line.get("function_name"))
    return lines


def pick(lines, names):
    """(file, {line: hits}) of each file of a parser"""
    for name in names.split():
        path, _, functions = name.partition(":")
        wanted = functions.split(",") if functions else None
        yield path, {
            n: hits
            for n, (hits, function) in lines.get(path, {}).items()
            if not wanted or function in wanted
        }


def spans(numbers):
    """[3, 4, 5, 9] -> "3-5 9" """
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in out)


def main():
    lines = count(sys.argv[1])
    low = False
    print("%-28s %6s %8s %7s" % ("parser", "lines", "reached", ""))
    missed = []
    for parser, names in PARSERS:
        total = reached = 0
        for path, found in pick(lines, names):
            if not found:
                sys.exit("coverage.py: no lines of %s" % path)
            total += len(found)
            reached += sum(1 for hits in found.values() if hits)
            left = sorted(n for n, hits in found.items() if not hits)
            if left:
                missed.append("src/%s: %s" % (path, spans(left)))
        share = 100.0 * reached / total
        low |= share < LEAST
        print(
            "%-28s %6d %8d %6.1f%%%s"
            % (parser, total, reached, share, "  LOW" if share < LEAST else "")
        )
    print("\nnot reached:\n" + "\n".join(missed))
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
