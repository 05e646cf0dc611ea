#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""No circle of files inside a folder: whoever reads one file needs only files further down.

A file is a module: src/F/foo.c and include/F/foo.h (or src/F/foo.h) are one node. A needs B when
  - A includes B's header, or
  - A's object names a function that B's object defines (nm: calls and tables of functions).
A header *_priv.h only collects declarations of several files and is no node: what is used of it
shows in the objects. KNOWN lists circles that are still to be broken: one may become smaller; an
entry that is no circle any more is reported, to be struck.
"""
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

# folder -> sets of modules
KNOWN: dict[str, list[set[str]]] = {}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
FUNCTION, UNDEFINED = "TW", "U"


def sources(top: Path, build: Path) -> dict[str, dict[str, list[Path]]]:
    """folder -> module -> its files. Files that the build makes count as well."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in [
        *top.glob("src/*/*.[ch]"),
        *top.glob("include/*/*.h"),
        *(build.glob("src/*/*.c") if build != top else []),
    ]:
        if not path.name.endswith("_priv.h"):
            found[path.parent.name][path.stem].append(path)
    return found


def included(folder: str, modules: dict[str, list[Path]]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = defaultdict(set)
    for module, files in modules.items():
        for name in (n for f in files for n in INCLUDE.findall(f.read_text())):
            where, _, base = name.rpartition("/")
            target = base.removesuffix(".h")
            if where in ("", folder) and target in modules and target != module:
                edges[module].add(target)
    return edges


def symbols(objects: list[Path]) -> dict[Path, tuple[set[str], set[str]]]:
    """object -> functions it defines, names it needs"""
    out: dict[Path, tuple[set[str], set[str]]] = {o: (set(), set()) for o in objects}
    if not objects:
        return out
    nm = os.environ.get("NM", "nm")
    text = subprocess.run(
        [nm, "-A", "-g", "-P", *map(str, objects)], check=True, capture_output=True, text=True
    ).stdout
    for line in text.splitlines():
        path, _, rest = line.rpartition(": ")
        name, kind = rest.split()[:2]
        if kind in FUNCTION:
            out[Path(path)][0].add(name)
        elif kind == UNDEFINED:
            out[Path(path)][1].add(name)
    return out


def called(build: Path, folder: str, modules: dict[str, list[Path]]) -> dict[str, set[str]]:
    """Objects without a source are left from before a file was moved, and say nothing."""
    of: dict[Path, str] = {}
    for path in (build / "src" / folder).glob("*.o"):
        module = path.stem.rpartition("-")[2]
        if module in modules:
            of[path] = module
    table = symbols(list(of))
    home = {name: of[path] for path, (defined, _) in table.items() for name in defined}
    edges: dict[str, set[str]] = defaultdict(set)
    for path, (_, needed) in table.items():
        edges[of[path]] |= {home[n] for n in needed if n in home} - {of[path]}
    return edges


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Strongly connected components of more than one node, by what reaches what."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for node in edges.get(todo.pop(), ()):
                if node not in seen:
                    seen.add(node)
                    todo.append(node)
        return seen

    reached = {node: reach(node) for node in edges}
    found: list[set[str]] = []
    for node, far in sorted(reached.items()):
        ring = {other for other in far if node in reached.get(other, ())}
        if len(ring) > 1 and ring not in found:
            found.append(ring)
    return found


def main() -> int:
    top = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
    build = Path(os.environ.get("builddir", top / "build"))
    if not list(build.glob("src/*/*.o")):
        print(f"{build}: no objects; build first")
        return 77
    bad = False
    for folder, modules in sorted(sources(top, build).items()):
        by_include, by_call = included(folder, modules), called(build, folder, modules)
        edges = {m: by_include[m] | by_call[m] for m in modules}
        ways = (("includes", by_include), ("calls", by_call))
        found = circles(edges)
        known = KNOWN.get(folder, [])
        for ring in found:
            if not any(ring <= k for k in known):
                bad = True
                print(f"{folder}: circle of {', '.join(sorted(ring))}")
                for a in sorted(ring):
                    for b in sorted(edges[a] & ring):
                        how = [w for w, e in ways if b in e[a]]
                        print(f"    {a} {' and '.join(how)} {b}")
        for ring in known:
            if not any(f <= ring for f in found):
                print(f"{folder}: no circle any more, remove it: {', '.join(sorted(ring))}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
