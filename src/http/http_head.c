/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Looks fields up in a head that was parsed, or in bytes that were refused. Called by everybody who
 * reads a request, the rules of the parser included.
 */
#include "http/http_head.h"

#include <string.h>

/* The last is for metrics and logs; the parser never looks for it. */
const char *const http_method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
};

/* The first; where a second one matters the caller counts. */
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

/* For bytes that the parser refused: a request id is still wanted for the answer. Two fields of the
 * name are none, since nobody can tell which one is meant. */
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
