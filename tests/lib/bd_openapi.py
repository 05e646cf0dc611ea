# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Answers against the living API document: every one is looked up in it by method, path and status,
and checked.

bd.Client does so with each answer of a daemon that bd.Daemon started, in every test. The document
is read out of the program, where it lies as the JSON that /openapi.json serves: no daemon is asked,
so nothing that a test counts changes. Only the JSON Schema keywords that it uses are known here,
and an unknown one is an error, so that the document cannot grow past its check. Members that no
schema names are errors too: what is answered is documented. """
import json
import re

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")  # output is UTC and ends in Z
FORMATS = {
    "uuid": UUID7,
    "date-time": INSTANT,
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]*:\S+\Z"),
}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
NOTES = {"description", "default", "examples"}
CHECKS = {
    "minimum": lambda v, n: not TYPES["integer"](v) or v >= n,
    "maximum": lambda v, n: not TYPES["integer"](v) or v <= n,
    "minLength": lambda v, n: not isinstance(v, str) or len(v) >= n,
    "maxLength": lambda v, n: not isinstance(v, str) or len(v) <= n,
    "maxItems": lambda v, n: not isinstance(v, list) or len(v) <= n,
    "minProperties": lambda v, n: not isinstance(v, dict) or len(v) >= n,
    "pattern": lambda v, p: not isinstance(v, str) or re.search(p, v) is not None,
    "format": lambda v, f: not isinstance(v, str) or FORMATS[f].match(v) is not None,
    "enum": lambda v, of: v in of,
    "const": lambda v, c: v == c,
    "type": lambda v, t: any(TYPES[one](v) for one in ([t] if isinstance(t, str) else t)),
    "required": lambda v, names: not isinstance(v, dict) or all(n in v for n in names),
}
APPLICATORS = {
    "oneOf",
    "$ref",
    "allOf",
    "properties",
    "items",
    "additionalProperties",
    "unevaluatedProperties",
    "oneOf",
}


class Document:
    def __init__(self, doc):
        self.doc = doc
        self.seen = set()  # (method, path template, status): what was answered so far
        self.paths = []
        for template, item in doc["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            self.paths.append((template.count("{"), re.compile(pattern + r"\Z"), template, item))
        self.paths.sort(key=lambda p: p[0])  # literal segments before parameters

    def resolve(self, node):
        while "$ref" in node:
            target = self.doc
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target[part]
            node = target
        return node

    # -- schemas --
    def names(self, schema):
        """Members that a schema names, through $ref and allOf; None when it names none, and so
        speaks of none.
        """
        schema = self.resolve(schema)
        found = set(schema.get("properties", ())) or None
        for part in schema.get("allOf", ()):
            more = self.names(part)
            found = found if more is None else (found or set()) | more
        return found

    def faults(self, value, schema, at="", closed=True):
        """What is wrong with a value, as texts."""
        schema = self.resolve(schema)
        unknown = set(schema) - set(CHECKS) - APPLICATORS - NOTES
        if unknown:
            raise AssertionError(
                "schema keywords that the check does not know: %s" % sorted(unknown)
            )
        out = [
            "%s: %r breaks %s %r" % (at or "/", value, word, schema[word])
            for word, good in CHECKS.items()
            if word in schema and not good(value, schema[word])
        ]
        for part in schema.get("allOf", ()):
            out += self.faults(value, part, at, closed=False)
        if "oneOf" in schema:
            ways = [self.faults(value, way, at) for way in schema["oneOf"]]
            if ways.count([]) != 1:
                out += min(ways, key=len) or ["%s: %r fits more than one" % (at or "/", value)]
        if "oneOf" in schema:
            fit = [s for s in schema["oneOf"] if not self.faults(value, s, at)]
            if len(fit) != 1:
                out.append("%s: %r fits %d of oneOf" % (at or "/", value, len(fit)))
        if isinstance(value, dict):
            for name, sub in schema.get("properties", {}).items():
                if name in value:
                    out += self.faults(value[name], sub, at + "/" + name)
            named = self.names(schema)
            if closed and named is not None:
                out += [
                    "%s/%s: is in no schema" % (at, name) for name in value if name not in named
                ]
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                out += self.faults(item, schema["items"], "%s/%d" % (at, i))
        return out

    # -- answers --
    def operation(self, method, path):
        path = path.split("?")[0]
        for _, pattern, template, item in self.paths:
            if pattern.match(path) and method.lower() in item:
                return template, item[method.lower()]
        return None, None

    def expect(self, method, target, answer):
        """AssertionError when the answer to a request is not what the document says."""
        fail_for(self.check(method, target, answer), "%s %s" % (method, target), answer)

    def expect_frame(self, answer, head_only):
        """The same for what holds whatever was asked: identifier, and the form of faults."""
        fail_for(self.frame(answer, head_only), "an answer", answer)

    def frame(self, answer, head_only):
        if answer.status < 200:
            return []
        out = [] if answer.header("X-Request-Id") else ["no X-Request-Id"]
        if answer.status == 204 and answer.header("Content-Length"):
            out.append("204 with the length of a body")
        return out + (self.problem(answer) if answer.status >= 400 and not head_only else [])

    def check(self, method, target, answer):
        """Faults of one answer beyond those of its frame."""
        real = "GET" if method == "HEAD" else method
        template, operation = self.operation(real, target)
        if answer.status >= 400 or method == "HEAD":
            asked = (
                operation is None or operation.get("security") or "401" in operation["responses"]
            )
            if answer.status == 401 and not asked:
                return ["401 where no token is asked for"]
            return self.unlisted(operation, answer) if method != "HEAD" else []
        if method == "OPTIONS":  # the same for every route, said once in the document
            return (
                []
                if (answer.status, answer.header("Allow") is None) == (204, False)
                else ["OPTIONS without Allow"]
            )
        if operation is None:
            return ["%d for a path that is not in the document" % answer.status]
        self.seen.add((real, template, answer.status))
        response = operation["responses"].get(str(answer.status))
        if response is None:
            return ["status %d is not in the document" % answer.status]
        content = self.resolve(response).get("content", {})
        kind = (answer.header("Content-Type") or "").split(";")[0]
        if bool(content) != bool(answer.body) or (content and kind not in content):
            return [
                "content of type %r, %d bytes; the document has %s"
                % (kind, len(answer.body), sorted(content))
            ]
        if not content or not kind.endswith("json"):
            return []
        doc = answer.json()
        out = self.faults(doc, content[kind].get("schema", {}))
        if "version" in doc and answer.header("ETag") != '"%s"' % doc["version"]:
            out.append("ETag %s of version %s" % (answer.header("ETag"), doc["version"]))
        return out

    def unlisted(self, operation, answer):
        """A fault whose code the operation does not list: under its status, else its class."""
        if operation is None:
            return []
        responses = operation["responses"]
        status = str(answer.status)
        response = self.resolve(responses.get(status) or responses[status[0] + "XX"])
        schema = response["content"]["application/problem+json"]["schema"]
        listed = schema["allOf"][1]["properties"]["code"]["enum"]
        code = answer.json().get("code")
        return [] if code in listed else ["%s is not among %s" % (code, listed)]

    def problem(self, answer):
        if answer.header("Content-Type") != "application/problem+json":
            return ["a fault of type %r" % answer.header("Content-Type")]
        doc = answer.json()
        out = self.faults(doc, self.doc["components"]["schemas"]["Problem"])
        if doc.get("status") != answer.status:
            out.append("status of the document is %r" % doc.get("status"))
        if (
            doc.get("request_id") != answer.header("X-Request-Id")
            and answer.header("Idempotency-Replayed") is None
        ):
            out.append("request_id of the document is not the field's")
        if answer.status == 401 and answer.header("WWW-Authenticate") != "Bearer":
            out.append("401 without WWW-Authenticate")
        if answer.status == 405 and not answer.header("Allow"):
            out.append("405 without Allow")
        later = answer.status == 503 or doc.get("code") in ("otp_cooldown", "otp_quota")
        if later and not (answer.header("Retry-After") or "").isdigit():
            out.append("no Retry-After")
        if doc.get("code", "").startswith("provider_") and (doc.get("outcome") == "unknown") != (
            "otp_id" in doc or "payment_id" in doc
        ):
            out.append("a provider's fault: outcome %s, and what it is about" % doc.get("outcome"))
        return out


def fail_for(faults, of, answer):
    if faults:
        raise AssertionError(
            "%s -> %d\n%s\n%s"
            % (
                of,
                answer.status,
                "\n".join(faults[:10]),
                answer.body[:2000].decode(errors="replace"),
            )
        )


def of_program(path):
    """The Document inside a program."""
    with open(path, "rb") as f:
        image = f.read()
    begin = image.find(b'{"openapi":"3.1')  # and not the same once more for 3.0.3
    end = image.find(b"\0", begin)
    if begin < 0:
        raise AssertionError("%s holds no API document" % path)
    return Document(json.JSONDecoder().raw_decode(image[begin:end].decode(errors="replace"))[0])
