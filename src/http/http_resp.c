/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Builds responses, for the API, the dispatcher's own answers, the monitor and the sandbox. A
 * response is built in the request's arena, as one piece of bytes: one send() is then usually
 * enough. Framing is set here alone (Content-Length, Connection), from the body and the
 * connection's state, so no handler can make a response that a client reads differently.
 */
#include "http/http_resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/chars.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/num.h"
#include "http_priv.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"}, /* RFC 6585, as are 429 and 431 */
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

/* A reason phrase means nothing to a program (RFC 9112 4), so an unknown status is no error. */
const char *http_reason(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* 200 until somebody says otherwise. */
void http_resp_init(struct http_resp *r, struct arena *a)
{
    *r = (struct http_resp){.arena = a, .status = 200};
}

/* No byte may end the field early: what follows would become a field, or a response, of its own. */
static bool resp_is_field_value(const char *value)
{
    for (; *value != '\0'; value++)
        if (http_is_control(*value))
            return false;
    return true;
}

/* A value with a control character would be a bug of ours: whatever comes from outside is encoded
 * before. */
void http_resp_header(struct http_resp *r, const char *name, const char *value)
{
    ENSURE(chars_all(str_of(name), char_is_token));
    ENSURE(resp_is_field_value(value));
    ENSURE(r->headers_n < HTTP_RESP_HEADERS_MAX);
    r->headers[r->headers_n].name = name;
    r->headers[r->headers_n].value = value;
    r->headers_n++;
}

/* As http_resp_header(), with the value formatted on the response's arena. */
void http_resp_headerf(struct http_resp *r, const char *name, const char *fmt, ...)
{
    const char *value;
    va_list ap;

    va_start(ap, fmt);
    value = arena_vprintf(r->arena, fmt, ap);
    va_end(ap);
    http_resp_header(r, name, value);
}

/* One field line: caches and test programs that look at the first alone see all. */
void http_resp_vary(struct http_resp *r, const char *field)
{
    for (size_t i = 0; i < r->headers_n; i++) {
        if (strcasecmp(r->headers[i].name, "Vary") == 0) {
            r->headers[i].value = arena_printf(r->arena, "%s, %s", r->headers[i].value, field);
            return;
        }
    }
    http_resp_header(r, "Vary", field);
}

/* A handler's own Cache-Control wins over the default below. */
static bool resp_has_header(const struct http_resp *r, const char *name)
{
    for (size_t i = 0; i < r->headers_n; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return true;
    return false;
}

/* IMF-fixdate (RFC 9110 5.6.7), which is English whatever the locale. Made once per second. */
static void resp_add_date(struct sb *b)
{
    static char line[64];
    static time_t made;
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(wall_now().us / 1000000);
    struct tm t;

    if (now != made || line[0] == '\0') {
        const struct tm *split = gmtime_r(&now, &t);
        ENSURE(split != NULL);
        (void)snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                       days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour,
                       t.tm_min, t.tm_sec);
        made = now;
    }
    sb_puts(b, line);
}

static void resp_add_field(struct sb *b, const char *name, const char *value)
{
    sb_puts(b, name);
    sb_add(b, ": ", 2);
    sb_puts(b, value);
    sb_add(b, "\r\n", 2);
}

/* Order of the fields: those that every answer has, then those that the handler set. */
struct str http_resp_bytes(const struct http_resp *r, bool keep_alive, bool head_only)
{
    /* RFC 9110 8.6: these have no Content-Length. */
    bool bodiless = r->status < 200 || r->status == 204 || r->status == 304;
    char number[NUM_TEXT_MAX];
    struct sb b;

    ENSURE(r->status >= 100 && r->status <= 599);
    ENSURE(r->body.n == 0 || (r->content_type && !bodiless));
    /* The usual head has less than 512 bytes: one allocation, and no copy while it grows. */
    sb_init(&b, r->arena, 512 + (head_only ? 0 : r->body.n));
    /* Always 1.1, also to a 1.0 client (RFC 9110 2.5). */
    sb_puts(&b, "HTTP/1.1 ");
    sb_puts(&b, num_text(r->status, number));
    sb_add(&b, " ", 1);
    sb_puts(&b, http_reason(r->status));
    sb_add(&b, "\r\n", 2);
    resp_add_date(&b);
    if (r->content_type) {
        ENSURE(resp_is_field_value(r->content_type));
        resp_add_field(&b, "Content-Type", r->content_type);
    }
    if (!bodiless)
        resp_add_field(&b, "Content-Length", num_text((int64_t)r->body.n, number));
    sb_puts(&b, keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    /* An answer with text of a customer must never be taken for a page with scripts. */
    sb_puts(&b, "X-Content-Type-Options: nosniff\r\n");
    /* Answers hold personal data; what may be stored says so itself. */
    if (!resp_has_header(r, "Cache-Control"))
        sb_puts(&b, "Cache-Control: no-store\r\n");
    for (size_t i = 0; i < r->headers_n; i++)
        resp_add_field(&b, r->headers[i].name, r->headers[i].value);
    sb_puts(&b, "\r\n");
    /* HEAD: all fields of GET, with its Content-Length, and no body (RFC 9110 9.3.2). */
    if (!head_only)
        sb_add(&b, r->body.p, r->body.n);
    return sb_str(&b);
}
