/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "http/http_parse.h"

#include <string.h>

#include "base/ensure.h"
#include "base/names.h"
#include "http_priv.h"

const char *const http_method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
};

/* Methods are case-sensitive (RFC 9110 9.1). */
static enum http_method method_of(struct str text)
{
    const int m = name_find(http_method_names, HTTP_OTHER, text);
    return m >= 0 ? (enum http_method)m : HTTP_OTHER;
}

/* -- request line -------------------------------------------------------------- */

/* RFC 9112 2.3: "HTTP/" DIGIT "." DIGIT, upper case. */
static bool parse_version(struct str s, int *minor, struct http_fault *fault)
{
    if (s.n != 8 || !str_starts(s, STR("HTTP/")) || !http_is_digit(s.p[5]) || s.p[6] != '.' ||
        !http_is_digit(s.p[7]))
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
static bool query_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '<' || s.p[i] == '>' ||
            s.p[i] == '#')
            return false;
    return true;
}

static bool set_origin_form(struct http_head *head, struct str target, struct http_fault *fault)
{
    struct str rest = target;

    head->target = target;
    head->path = str_cut(&rest, '?');
    head->query = rest;
    if (memchr(target.p, '#', target.n))
        return http_refuse(fault, ERR_BAD_REQUEST, "The request target has a fragment.");
    if (!http_path_valid(head->path) || !query_valid(head->query))
        return http_refuse(fault, ERR_BAD_REQUEST, "The request target is malformed.");
    return true;
}

/*
 * RFC 9112 3.2.2: a server must understand "http://host/path" too. Without a path, "/" is meant
 * (RFC 9110 4.2.3); the slash just before the authority then serves, so that every slice lies in
 * the caller's buffer. A query without a path has no origin-form in these bytes and is refused.
 */
static bool set_absolute_form(struct http_head *head, struct str target, size_t scheme_n,
                              struct http_fault *fault)
{
    struct str rest = {target.p + scheme_n, target.n - scheme_n};
    size_t n = 0;

    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    if (!http_authority_valid((struct str){rest.p, n}))
        return http_refuse(fault, ERR_BAD_REQUEST, "The request target's authority is malformed.");
    if (n == rest.n)
        return set_origin_form(head, (struct str){rest.p - 1, 1}, fault);
    return set_origin_form(head, (struct str){rest.p + n, rest.n - n}, fault);
}

static bool set_target(struct http_head *head, struct str target, struct http_fault *fault)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);

        if (target.n >= n && str_eq_nocase((struct str){target.p, n}, str_of(schemes[i])))
            return set_absolute_form(head, target, n, fault);
    }
    if (str_eq(target, STR("*")) && head->method == HTTP_OPTIONS) {
        head->target = head->path = target;
        head->query = (struct str){NULL, 0};
        return true;
    }
    return set_origin_form(head, target, fault);
}

/*
 * RFC 9112 3: method SP request-target SP HTTP-version, one space each. The version is judged
 * before the method, so that the preface of HTTP/2 gets 505; the method before the target, since
 * CONNECT has a target of its own form.
 */
static bool parse_request_line(struct str line, struct http_head *head, struct http_fault *fault)
{
    struct str rest = line, method = str_cut(&rest, ' '), target = str_cut(&rest, ' ');

    if (!http_is_token(method))
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "The request line does not begin with a method.");
    if (!target.p || target.n == 0 || !rest.p)
        return http_refuse(fault, ERR_BAD_REQUEST, "The request line lacks a target or a version.");
    if (!parse_version(rest, &head->minor, fault))
        return false;
    head->method_text = method;
    head->method = method_of(method);
    if (head->method == HTTP_OTHER)
        return http_refuse(fault, ERR_NOT_IMPLEMENTED, "The method is not implemented.");
    return set_target(head, target, fault);
}

/* -- field lines --------------------------------------------------------------- */

static bool parse_field(struct str line, struct http_header *h, struct http_fault *fault)
{
    struct str rest = line, name;

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return http_refuse(fault, ERR_BAD_REQUEST, "A header field is folded.");
    name = str_cut(&rest, ':');
    if (!rest.p)
        return http_refuse(fault, ERR_BAD_REQUEST, "A header field has no colon.");
    if (name.n > 0 && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "A header field has white space before its colon.");
    if (!http_is_token(name))
        return http_refuse(fault, ERR_BAD_REQUEST, "A header field's name is malformed.");
    *h = (struct http_header){.name = name, .value = str_trim(rest)};
    return true;
}

/* -- the head as a whole -------------------------------------------------------- */

/* RFC 9112 2.2: one empty line before the request line is skipped, for clients that end a body with
 * a CRLF too many. */
static size_t request_line_at(const char *buf, size_t len)
{
    return len >= 2 && buf[0] == '\r' && buf[1] == '\n' ? 2 : 0;
}

/*
 * What is wrong with a byte, given the one before it. CR and LF only ever come as a pair (RFC
 * 9112 2.2 would let a bare LF pass for a line's end; two parsers that differ on it are how
 * requests are smuggled).
 */
static bool byte_allowed(char before, char c, struct http_fault *fault)
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
static struct str line_before(const char *buf, size_t lf)
{
    size_t start = lf;

    while (start > 0 && buf[start - 1] != '\n')
        start--;
    return (struct str){buf + start, lf - 1 - start};
}

/*
 * Looks at the bytes that are new. Each line is judged once, as soon as it is whole: who speaks no
 * HTTP hears so at its first line, and not when the time is over. Sets head_len when the empty line
 * has come.
 */
static enum http_result scan(struct str bytes, size_t seen, struct http_head *head,
                             struct http_fault *fault)
{
    for (size_t i = seen; i < bytes.n; i++) {
        struct http_header ignored;
        struct str line;

        if (!byte_allowed(i > 0 ? bytes.p[i - 1] : '\0', bytes.p[i], fault))
            return HTTP_BAD;
        if (bytes.p[i] != '\n' || i == 1)
            continue;
        line = line_before(bytes.p, i);
        if (line.p == bytes.p + request_line_at(bytes.p, i)) {
            if (!parse_request_line(line, head, fault))
                return HTTP_BAD;
        } else if (line.n == 0) {
            head->head_len = i + 1;
            return HTTP_DONE;
        } else if (!parse_field(line, &ignored, fault)) {
            return HTTP_BAD;
        }
    }
    return HTTP_MORE;
}

/* Takes a whole head apart; its lines were judged by scan(), maybe in calls before this one. */
static bool collect(const char *buf, size_t len, struct http_head *head, struct http_fault *fault)
{
    size_t at = request_line_at(buf, len);
    bool first = true;

    for (; at < len - 2; first = false) {
        const char *lf = memchr(buf + at, '\n', len - at);
        struct str line = {buf + at, (size_t)(lf - 1 - (buf + at))};

        at += line.n + 2;
        if (first) {
            if (!parse_request_line(line, head, fault))
                return false;
            continue;
        }
        if (head->headers_n == HTTP_HEADERS_MAX)
            return http_refuse(fault, ERR_HEADERS_TOO_LARGE,
                               "The request has too many header fields.");
        if (!parse_field(line, &head->headers[head->headers_n++], fault))
            return false;
    }
    return true;
}

enum http_result http_parse_head(const char *buf, size_t len, size_t seen,
                                 const struct http_limits *limits, struct http_head *head,
                                 struct http_fault *fault)
{
    struct str window = {buf, len < limits->max_head ? len : limits->max_head};
    size_t head_len, first;
    enum http_result r;

    ENSURE(seen <= len);
    r = scan(window, seen, head, fault);
    if (r == HTTP_BAD)
        return HTTP_BAD;
    if (r == HTTP_MORE) {
        if (len < limits->max_head)
            return HTTP_MORE;
        first = request_line_at(buf, window.n);
        if (memchr(buf + first, '\n', window.n - first))
            http_refuse(fault, ERR_HEADERS_TOO_LARGE, "The request's head is too large.");
        else
            http_refuse(fault, ERR_URI_TOO_LONG, "The request line is too long.");
        return HTTP_BAD;
    }
    head_len = head->head_len;
    *head = (struct http_head){.head_len = head_len};
    return collect(buf, head_len, head, fault) && http_judge_head(head, limits, fault) ? HTTP_DONE
                                                                                       : HTTP_BAD;
}

/* -- fields by name -------------------------------------------------------------- */

struct str http_header(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->headers_n; i++)
        if (str_eq_nocase(head->headers[i].name, str_of(name)))
            return head->headers[i].value;
    return (struct str){NULL, 0};
}

size_t http_header_count(const struct http_head *head, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < head->headers_n; i++)
        if (str_eq_nocase(head->headers[i].name, str_of(name)))
            n++;
    return n;
}

struct str http_peek_field(struct str bytes, const char *name)
{
    struct str found = {NULL, 0};
    bool first = true;

    for (struct str rest = bytes, line; rest.p && memchr(rest.p, '\n', rest.n); first = false) {
        line = str_cut(&rest, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 && !first) /* what follows is no head any more */
            break;
        struct str field = str_cut(&line, ':');
        if (!line.p || !str_eq_nocase(field, str_of(name)))
            continue;
        if (found.p)
            return (struct str){NULL, 0};
        found = str_trim(line);
    }
    return found;
}
