#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Turn SQL files into C at build time.

embed.py migrations FILE...
    The migrations NNNN_name.sql, in order, as the table of src/db/db_migrate.c; those of tests are
    next_name.sql, and come after whatever there is. Lines that begin
    in the first column say more about each (BEHAVIOUR §8):
        -- works from: N   programs from schema version N on (-N: so many before its own) can work
                           with the schema that it makes; without it only programs that have this
                           migration can
        -- phase: contract it takes away what older programs need, and this one does not: it may
                           be run later. Otherwise: expand
        -- step: alone     what follows, to the next such line, is one statement that is run
                           outside a transaction, and can be repeated. Without such a line the
                           file is one transaction
embed.py scripts FILE...
    Whole files as `const char NAME_sql[]`, for the simple protocol.
embed.py header|source SET FILE...
    The statements of the files as `const struct db_stmt stmt_NAME`; SET names the include file and
    the table of all statements (`struct db_stmt_head SET[]`), for example svc_sql.
embed.py psql FILE...
    The same statements as PREPARE commands, with all fragments filled in. In psql:
        \\! src/db/embed.py psql src/svc/sql/*.sql >/tmp/statements.sql
        \\i /tmp/statements.sql
        EXPLAIN EXECUTE otp_reason('00000000-0000-7000-8000-000000000001');

A file of statements consists of blocks. Each begins with its head:

    -- name: otp_try                      (unique in the program)
    -- params: $1 uuid challenge, $2 integer most tries
    -- returns: phone, code_mac, attempts (or "nothing")
    -- index: bookings_due                (optional: EXPLAIN must show it; or several)
    -- Any other comment says why; it is not embedded.
    UPDATE ...
     WHERE ...;

A block that begins with `-- fragment: NAME` is text that others share: a line `-- include: NAME`
is replaced by it; what follows the name on that line goes behind it. `-- include: NAME(a = b.c)`
puts b.c where the fragment says :a. Fragments may include fragments, and may come from any file of
the same call. A fragment that is a list of columns may have a `-- returns:` of its own, and
statements then name the fragment in theirs.
"""

import hashlib
import os
import re
import sys

WIDTH_MAX = 100
HEAD = re.compile(r"^-- (name|fragment|params|returns|index): +(.+)$")
INCLUDE = re.compile(r"^(\s*)-- include: +(\w+)(?:\((\w+ = [^;]*)\))?([^()]*)$")


def fail(where, text):
    sys.exit(f"embed.py: {where}: {text}")


class Block:
    """One statement or fragment: its head, and its lines without comments."""

    def __init__(self, kind, name, where):
        self.kind, self.name, self.where = kind, name, where
        self.head = {}
        self.lines = []

    def params(self):
        text = self.head.get("params", "none")
        if text == "none":
            return []
        params = re.split(r", *(?=\$\d)", text)
        for i, param in enumerate(params):
            if not re.match(rf"\${i + 1} [a-z]", param):
                fail(self.where, f"{self.name}: params: `$NUMBER type meaning`, not `{param}`")
        return params


def read_blocks(path):
    block = None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line, where = line.rstrip(), f"{path}:{number}"
            if len(line) > WIDTH_MAX:
                fail(where, f"longer than {WIDTH_MAX} columns")
            head = HEAD.match(line)
            if head and head[1] in ("name", "fragment"):
                if block:
                    yield block
                block = Block(head[1], head[2], where)
            elif head and block:
                if head[1] in block.head:
                    block.head[head[1]] += " " + head[2]  # a long list goes over several lines
                else:
                    block.head[head[1]] = head[2]
            elif block and line and (INCLUDE.match(line) or not line.lstrip().startswith("--")):
                block.lines.append(line)
    if block:
        yield block


def read_files(paths):
    statements, fragments = {}, {}
    for path in paths:
        for block in read_blocks(path):
            other = statements.get(block.name) or fragments.get(block.name)
            if other:
                fail(block.where, f"{block.name} is defined at {other.where} already")
            if not re.fullmatch(r"[a-z][a-z0-9_]*", block.name):
                fail(block.where, f"{block.name} is not a name")
            (statements if block.kind == "name" else fragments)[block.name] = block
    return statements, fragments


def expand(block, fragments, outer=()):
    """The block's lines with every include filled in, indented as the include is."""
    if block.name in outer:
        fail(block.where, f"{block.name} includes itself")
    lines = []
    for line in block.lines:
        include = INCLUDE.match(line)
        if not include:
            lines.append(line)
            continue
        if include[2] not in fragments:
            fail(block.where, f"{block.name}: there is no fragment {include[2]}")
        inner = expand(fragments[include[2]], fragments, outer + (block.name,))
        inner = [fill(x, include[3]) for x in inner]
        inner[-1] += include[4]
        lines.extend(include[1] + x for x in inner)
    return lines


def fill(line, arguments):
    """Replaces :name by its value; not in ::casts, '12:34' or [1:n]."""
    for argument in re.split(r", *(?=\w+ = )", arguments or ""):
        name, _, value = argument.partition(" = ")
        if name:
            line = re.sub(rf"(?<![:\w]):{name}\b", lambda _: value, line)
    return line


def columns(block, fragments):
    """What the head says that the statement returns; a fragment's name stands for its columns."""
    names = block.head["returns"].split(", ")
    return ", ".join(columns(fragments[x], fragments) if x in fragments else x for x in names)


def statement_text(block, fragments):
    text = "\n".join(expand(block, fragments))
    if not text.endswith(";"):
        fail(block.where, f"{block.name} does not end with a semicolon")
    text = text[:-1]
    if ";" in text:
        fail(block.where, f"{block.name} is more than one statement")
    used = {int(n) for n in re.findall(r"\$(\d+)", text)}
    declared = len(block.params())
    if used != set(range(1, declared + 1)):
        fail(block.where, f"{block.name} uses {sorted(used)}, its head declares {declared}")
    if "returns" not in block.head:
        fail(block.where, f"{block.name}: `-- returns:` is missing")
    return text


def c_string(text, indent):
    def escape(line):  # '?' because of trigraphs
        return line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")

    lines = text.split("\n")
    ends = ["\\n"] * (len(lines) - 1) + [""]
    return "\n".join(f'{indent}"{escape(x)}{end}"' for x, end in zip(lines, ends))


def print_header(set_name, statements):
    guard = f"BOOKINGD_{set_name.upper()}_H"
    print("/* Made by src/db/embed.py from the .sql files: change those instead. */")
    print(f'#ifndef {guard}\n#define {guard}\n\n#include "db/db.h"\n')
    for name in statements:
        print(f"extern const struct db_stmt stmt_{name};")
    print(f"\nextern const struct db_stmt_head {set_name}[];")
    print(f"extern const size_t {set_name}_n;\n\n#endif")


def print_source(set_name, statements, fragments):
    print("/* Made by src/db/embed.py from the .sql files: change those instead. */")
    print(f'#include "{set_name}.h"\n')
    for block in statements.values():
        text = c_string(statement_text(block, fragments), "    ")
        print(f'const struct db_stmt stmt_{block.name} = {{\n    "{block.name}",\n{text},\n}};')
    print(f"\nconst struct db_stmt_head {set_name}[] = {{")
    for block in statements.values():
        index = block.head.get("index")
        index = f'"{index}"' if index else "NULL"
        print(f"    {{&stmt_{block.name}, {len(block.params())}, {index},")
        print(f'{c_string(columns(block, fragments), "     ")}}},')
    print(f"}};\nconst size_t {set_name}_n = {len(statements)};")


def print_psql(statements, fragments):
    for block in statements.values():
        types = ", ".join(param.split()[1] for param in block.params())
        types = f" ({types})" if types else ""
        print(f"PREPARE {block.name}{types} AS\n{statement_text(block, fragments)};\n")


def read_alone(path, text):
    """The statements of a migration that run outside a transaction; none: it is one."""
    head, *steps = re.split(r"^-- step: alone$", text, flags=re.M)
    statements = [re.sub(r"^--.*\n|^\s*\n", "", x, flags=re.M).strip() for x in steps]
    if steps and re.search(r"^(?!--|\s*$)", head, re.M):
        fail(path, "a statement before the first `-- step: alone`")
    if not all(statements):
        fail(path, "a step without a statement")
    return statements


def print_migrations(paths):
    print("/* Made by src/db/embed.py: change the .sql files instead. */")
    print('#include "db/db_migrate.h"\n\nconst struct db_migration db_migrations[] = {')
    needed = 0
    for number, path in enumerate(paths, 1):
        name = re.fullmatch(r"(?:0*(\d+)|next)_(\w+)\.sql", os.path.basename(path))
        if not name or int(name[1] or number) != number:
            fail(path, f"the number after {number - 1} is {number}")
        with open(path, "rb") as file:
            data = file.read()
        works_from = re.search(rb"^-- works from: (-?\d+)$", data, re.M)
        works_from = int(works_from[1]) if works_from else number
        works_from += number if works_from < 0 else 0
        if not 1 <= works_from <= number:
            fail(path, f"works from {works_from}, and not 1 to {number}")
        phase = re.search(rb"^-- phase: (\w+)$", data, re.M)
        phase = phase[1].decode() if phase else "expand"
        if phase not in ("expand", "contract"):
            fail(path, f"the phase is expand or contract, and not {phase}")
        needed = number if phase == "expand" else needed
        checksum = hashlib.sha256(data).hexdigest()
        print(f"    {{.version = {number},\n     .works_from = {works_from},")
        print(f'     .name = "{name[2]}",')
        print(f'     .checksum = "{checksum}",\n     .sql =')
        print(c_string(data.decode("utf-8"), "         ") + ",")
        alone = [c_string(x, "         ") for x in read_alone(path, data.decode("utf-8"))]
        if alone:
            print("     .alone = (const char *const[]){\n" + ",\n".join(alone) + ",\n     NULL},")
        print("    },")
    print(f"}};\nconst int db_migrations_n = {len(paths)};")
    print(f"const int db_migrations_needed = {needed};")


def print_scripts(paths):
    print("/* Made by src/db/embed.py: change the .sql files instead. */")
    print('#include "db/db_migrate.h"')
    for path in paths:
        name = os.path.basename(path).removesuffix(".sql")
        with open(path, encoding="utf-8") as file:
            lines = [x for x in file.read().split("\n") if x and not x.startswith("--")]
        print(f"\nconst char {name}_sql[] =")
        print(c_string("\n".join(lines), "    ") + ";")


def main(args):
    if len(args) > 1 and args[0] == "migrations":
        print_migrations(args[1:])
    elif len(args) > 1 and args[0] == "scripts":
        print_scripts(args[1:])
    elif len(args) > 2 and args[0] == "header":
        print_header(args[1], read_files(args[2:])[0])
    elif len(args) > 2 and args[0] == "source":
        print_source(args[1], *read_files(args[2:]))
    elif len(args) > 1 and args[0] == "psql":
        print_psql(*read_files(args[1:]))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
