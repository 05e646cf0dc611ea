/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The request line and the fields of a head, in one pass. Called by the dispatcher while a request
 * arrives, by the worker that serves it, by the monitor and by the sandbox.
 *
 * Strict on purpose: behind a proxy two servers read the same bytes, and what they read differently
 * can be used to slip a second request past the first (BEHAVIOUR §11: ambiguous framing is never
 * guessed at). Slices point into the caller's buffer; nothing is copied or changed.
 */
#include "http/http_parse.h"

#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"
#include "base/names.h"
#include "http_priv.h"

/* Methods are case-sensitive (RFC 9110 9.1). */
static enum http_method parse_find_method(struct str text)
{
    const int m = name_find(http_method_names, HTTP_OTHER, text);
    return m >= 0 ? (enum http_method)m : HTTP_OTHER;
}

/* -- request line -------------------------------------------------------------- */

/* RFC 9112 2.3: "HTTP/" DIGIT "." DIGIT, upper case. */
static bool parse_version(struct str s, int *minor, struct http_fault *fault)
{
    if (s.n != 8 || !str_starts(s, STR("HTTP/")) || !char_is_digit(s.p[5]) || s.p[6] != '.' ||
        !char_is_digit(s.p[7]))
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "The request line does not end with an HTTP version.");
    *minor = s.p[7] - '0';
    if (s.p[5] != '1' || *minor > 1)
        return http_refuse(fault, ERR_HTTP_VERSION, "Only HTTP/1.0 and HTTP/1.1 are served.");
    return true;
}

/*
 * A query may also hold what browsers leave as it is (WHATWG URL, query percent-encode set),
 * although RFC 3986 does not list it: the way back from a payment page must not fail for a "|".
 * Never controls, spaces, bytes above ASCII.
 */
static bool parse_check_query(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '<' || s.p[i] == '>' ||
            s.p[i] == '#')
            return false;
    return true;
}

/* A fragment is never sent by a client (RFC 9112 3.2); what stands behind it would be lost in
 * logs. */
static bool parse_origin_form(struct http_head *head, struct str target, struct http_fault *fault)
{
    struct str rest = target;

    head->target = target;
    head->path = str_cut(&rest, '?');
    head->query = rest;
    if (memchr(target.p, '#', target.n))
        return http_refuse(fault, ERR_BAD_REQUEST, "The request target has a fragment.");
    if (!http_path_valid(head->path) || !parse_check_query(head->query))
        return http_refuse(fault, ERR_BAD_REQUEST, "The request target is malformed.");
    return true;
}

/*
 * RFC 9112 3.2.2: a server must understand "http://host/path" too. Without a path, "/" is meant
 * (RFC 9110 4.2.3); the slash just before the authority then serves, so that every slice lies in
 * the caller's buffer. A query without a path has no origin-form in these bytes and is refused.
 */
static bool parse_absolute_form(struct http_head *head, struct str target, size_t scheme_n,
                                struct http_fault *fault)
{
    struct str rest = {target.p + scheme_n, target.n - scheme_n};
    size_t n = 0;

    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    if (!http_authority_valid((struct str){rest.p, n}))
        return http_refuse(fault, ERR_BAD_REQUEST, "The request target's authority is malformed.");
    if (n == rest.n)
        return parse_origin_form(head, (struct str){rest.p - 1, 1}, fault);
    return parse_origin_form(head, (struct str){rest.p + n, rest.n - n}, fault);
}

static bool parse_target(struct http_head *head, struct str target, struct http_fault *fault)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);

        if (target.n >= n && str_eq_nocase((struct str){target.p, n}, str_of(schemes[i])))
            return parse_absolute_form(head, target, n, fault);
    }
    if (str_eq(target, STR("*")) && head->method == HTTP_OPTIONS) {
        head->target = head->path = target;
        head->query = (struct str){NULL, 0};
        return true;
    }
    return parse_origin_form(head, target, fault);
}

/*
 * RFC 9112 3: method SP request-target SP HTTP-version, one space each. The version is judged
 * before the method, so that the preface of HTTP/2 gets 505; the method before the target, since
 * CONNECT has a target of its own form.
 */
static bool parse_request_line(struct str line, struct http_head *head, struct http_fault *fault)
{
    struct str rest = line, method = str_cut(&rest, ' '), target = str_cut(&rest, ' ');

    if (!chars_all(method, char_is_token))
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "The request line does not begin with a method.");
    if (!target.p || target.n == 0 || !rest.p)
        return http_refuse(fault, ERR_BAD_REQUEST, "The request line lacks a target or a version.");
    if (!parse_version(rest, &head->minor, fault))
        return false;
    head->method_text = method;
    head->method = parse_find_method(method);
    if (head->method == HTTP_OTHER)
        return http_refuse(fault, ERR_NOT_IMPLEMENTED, "The method is not implemented.");
    return parse_target(head, target, fault);
}

/* -- field lines --------------------------------------------------------------- */

/* RFC 9112 5.2: folded fields are obsolete, and proxies disagree about them. */
static bool parse_field(struct str line, struct http_header *h, struct http_fault *fault)
{
    struct str rest = line, name;

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return http_refuse(fault, ERR_BAD_REQUEST, "A header field is folded.");
    name = str_cut(&rest, ':');
    if (!rest.p)
        return http_refuse(fault, ERR_BAD_REQUEST, "A header field has no colon.");
    /* RFC 9112 5.1 requires 400 for this. */
    if (name.n > 0 && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "A header field has white space before its colon.");
    if (!chars_all(name, char_is_token))
        return http_refuse(fault, ERR_BAD_REQUEST, "A header field's name is malformed.");
    *h = (struct http_header){.name = name, .value = str_trim(rest)};
    return true;
}

/* -- the head as a whole -------------------------------------------------------- */

/* RFC 9112 2.2: one empty line before the request line is skipped, for clients that end a body with
 * a CRLF too many. */
static size_t parse_request_line_at(const char *buf, size_t len)
{
    return len >= 2 && buf[0] == '\r' && buf[1] == '\n' ? 2 : 0;
}

/*
 * What is wrong with a byte, given the one before it. CR and LF only ever come as a pair (RFC
 * 9112 2.2 would let a bare LF pass for a line's end; two parsers that differ on it are how
 * requests are smuggled).
 */
static bool parse_check_byte(char before, char c, struct http_fault *fault)
{
    if (before == '\r')
        return c == '\n' || http_refuse(fault, ERR_BAD_REQUEST, "A carriage return stands alone.");
    if (c == '\n')
        return http_refuse(fault, ERR_BAD_REQUEST, "A line feed stands alone.");
    if (c != '\r' && http_is_control(c))
        return http_refuse(fault, ERR_BAD_REQUEST, "The head has a control character.");
    return true;
}

/* The line that the LF at `lf` ends, without CRLF. */
static struct str parse_line_before(const char *buf, size_t lf)
{
    size_t start = lf;

    while (start > 0 && buf[start - 1] != '\n')
        start--;
    return (struct str){buf + start, lf - 1 - start};
}

/* Fields beyond the limit are counted and not kept: they are refused when the head is whole. */
static bool parse_add_field(struct http_head *head, struct str line, struct http_fault *fault)
{
    struct http_header field;

    if (!parse_field(line, &field, fault))
        return false;
    if (head->headers_n < HTTP_HEADERS_MAX)
        head->headers[head->headers_n] = field;
    head->headers_n++;
    return true;
}

/*
 * The one pass over a head, from the byte at `from`. Each line is judged as soon as it is whole, so
 * that a client that speaks no HTTP gets its answer at once and not at the time limit. Sets
 * head_len when the empty line has come.
 */
static enum http_result parse_lines(struct str bytes, size_t from, struct http_head *head,
                                    struct http_fault *fault)
{
    for (size_t i = from; i < bytes.n; i++) {
        struct str line;

        if (!parse_check_byte(i > 0 ? bytes.p[i - 1] : '\0', bytes.p[i], fault))
            return HTTP_BAD;
        /* The LF at 1 ends the empty line that may stand before a request line. */
        if (bytes.p[i] != '\n' || i == 1)
            continue;
        line = parse_line_before(bytes.p, i);
        if (line.p == bytes.p + parse_request_line_at(bytes.p, i)) {
            if (!parse_request_line(line, head, fault))
                return HTTP_BAD;
        } else if (line.n == 0) {
            head->head_len = i + 1;
            return HTTP_DONE;
        } else if (!parse_add_field(head, line, fault)) {
            return HTTP_BAD;
        }
    }
    return HTTP_MORE;
}

/* 414 while the request line itself is not whole, 431 later (RFC 9110 15.5.15, RFC 6585 5). */
static enum http_result parse_refuse_long_head(struct str window, struct http_fault *fault)
{
    const size_t first = parse_request_line_at(window.p, window.n);

    if (memchr(window.p + first, '\n', window.n - first))
        http_refuse(fault, ERR_HEADERS_TOO_LARGE, "The request's head is too large.");
    else
        http_refuse(fault, ERR_URI_TOO_LONG, "The request line is too long.");
    return HTTP_BAD;
}

enum http_result http_parse_head(struct str in, size_t seen, const struct http_limits *limits,
                                 struct http_head *head, struct http_fault *fault)
{
    struct str window = {in.p, in.n < limits->max_head ? in.n : limits->max_head};
    enum http_result r;

    ENSURE(seen <= in.n);
    *head = (struct http_head){.headers_n = 0};
    r = parse_lines(window, seen, head, fault);
    if (r == HTTP_DONE && seen > 0) {
        /* It came in pieces, and the lines of earlier calls were not kept. */
        *head = (struct http_head){.headers_n = 0};
        r = parse_lines(window, 0, head, fault);
    }
    if (r == HTTP_MORE && in.n >= limits->max_head)
        return parse_refuse_long_head(window, fault);
    if (r != HTTP_DONE)
        return r;
    if (head->headers_n > HTTP_HEADERS_MAX) {
        http_refuse(fault, ERR_HEADERS_TOO_LARGE, "The request has too many header fields.");
        return HTTP_BAD;
    }
    return http_judge_head(head, limits, fault) ? HTTP_DONE : HTTP_BAD;
}
