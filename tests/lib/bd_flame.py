# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A flame graph as SVG out of a file of callgrind, for tests/campaigns/cost.py.

callgrind knows who called whom and what that cost, not whole stacks: where a function has several
callers, its callees are shared out among them by what each caller cost.
"""
import collections
import re
import xml.sax.saxutils

WIDTH, ROW, LEAST = 1200.0, 17, 3.0  # pixels; what is narrower is left out
COLOURS = {"libc": "#e0c080", "libpq": "#90b0e0", "libjansson": "#b0d090", "libcurl": "#d0a0d0"}


def read(path):
    """({function: own cost}, {function: {callee: cost}}, {function: library})."""
    names = {"fn": {}, "ob": {}}
    own, edges, library = collections.Counter(), {}, {}
    here = callee = None
    ob = cob = ""
    called = False

    def name(kind, text):
        m = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not m:
            return text
        if m.group(2):
            names[kind][m.group(1)] = m.group(2)
        return names[kind].get(m.group(1), "?")

    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            key, _, value = line.rstrip("\n").partition("=")
            if key == "ob":
                ob = name("ob", value)
            elif key == "cob":
                cob = name("ob", value)
            elif key == "fn":
                here = name("fn", value)
                library[here] = ob
            elif key == "cfn":
                callee = name("fn", value)
                library.setdefault(callee, cob or ob)
                cob = ""
            elif key == "calls":
                called = True
            elif line[:1] in "+-*0123456789" and here:
                cost = int(line.split()[1])
                if called:
                    edges.setdefault(here, collections.Counter())[callee] += cost
                else:
                    own[here] += cost
                called = False
    return own, edges, library


def label(function, library):
    """Libraries without symbols are shown by their name."""
    if function.startswith("0x"):
        return re.sub(r"\.so.*", "", library.rsplit("/", 1)[-1])
    return re.sub(r"'\d+$|\.(constprop|part|isra)\.\d+", "", function)


def boxes(function, x, width, depth, graph, above):
    """(name, library, x, width, depth) of a function and all below it."""
    own, edges, library = graph
    where = library.get(function, "")
    yield label(function, where), where, x, width, depth
    below = {c: v for c, v in edges.get(function, {}).items() if c not in above}
    total = own[function] + sum(edges.get(function, {}).values())
    for callee, cost in sorted(below.items(), key=lambda e: -e[1]):
        part = width * cost / total
        if part >= LEAST:
            yield from boxes(callee, x, part, depth + 1, graph, above | {callee})
            x += part


def write(path, root, title, out):
    """The part of the file at `path` that is below the function `root`."""
    graph = read(path)
    own, edges, _ = graph
    total = own[root] + sum(edges.get(root, {}).values())
    drawn = list(boxes(root, 0.0, WIDTH, 0, graph, frozenset([root])))
    height = ROW * (max(d for *_, d in drawn) + 3)
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-size="11"'
        ' font-family="sans-serif">' % (WIDTH, height),
        '<text x="4" y="13">%s</text>' % xml.sax.saxutils.escape(title),
    ]
    for name, library, x, width, depth in drawn:
        colour = next((c for k, c in COLOURS.items() if k in library), "#e8a080")
        y = height - ROW * (depth + 1)
        text = xml.sax.saxutils.escape(name if len(name) * 6.2 < width else name[: int(width / 7)])
        lines.append(
            '<g><title>%s, %.1f %%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"'
            ' stroke="#fff" stroke-width="0.5"/><text x="%.1f" y="%d">%s</text></g>'
            % (
                xml.sax.saxutils.escape(name),
                100 * width / WIDTH,
                x,
                y,
                width,
                ROW - 1,
                colour,
                x + 2,
                y + 12,
                text if width > 20 else "",
            )
        )
    lines.append("</svg>")
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    return total
