/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Whole requests through the frame while the database is away: path, query, header fields, JSON
 * schemas, and the answer, which is HTTP and a problem document that parses, and never "internal".
 * Input: flags; method and target up to a line feed; header lines up to a NUL; body. Whatever is
 * needed for a well-framed request is added, unless the flags say that the rest is the bytes.
 */
#define _GNU_SOURCE 1
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/api/api_priv.h"
#include "base/ensure.h"
#include "sys/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
enum err __wrap_db_run(struct db_batch *b, struct deadline d);

enum { BEARER = 1, CHUNKED = 2, NO_TYPE = 4, RAW = 8 }; /* the first byte */

static const char settings[] =
    "server: {trusted_proxies: [127.0.0.0/8]}\n"
    "otp: {provider: sms, secret: 0123456789abcdef0123456789abcdef, regions: [SA, AE]}\n"
    "providers:\n"
    "  sms: {type: taqnyat, base_url: 'http://127.0.0.1:1', sender: S, token: t}\n"
    "  pay: {type: moyasar, base_url: 'http://127.0.0.1:1', secret_key: k, webhook_secret: w}\n"
    "payments: {provider: pay, return_origins: ['https://book.example.com']}\n"
    "notifications: {provider: sms}\n";

/* In the place of the database (the linker's --wrap). */
enum err __wrap_db_run(struct db_batch *b, struct deadline d)
{
    (void)b, (void)d;
    return ERR_DB_UNAVAILABLE;
}

static struct config *settings_read(void)
{
    struct config_report *report = NULL;
    char path[32];
    int fd = memfd_create("config", 0);

    ENSURE(fd >= 0 && write(fd, settings, sizeof(settings) - 1) == (ssize_t)sizeof(settings) - 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct config *c = config_load(path, &report);
    if (!c)
        config_report_print(report, "settings", stderr);
    ENSURE(c);
    close(fd);
    return c;
}

/* ---- the request ---- */

struct text { /* grows; libFuzzer's inputs are small */
    char *p;
    size_t n;
};

static void add(struct text *t, const void *p, size_t n)
{
    t->p = realloc(t->p, t->n + n + 1);
    ENSURE(t->p);
    if (n > 0)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void add_z(struct text *t, const char *z)
{
    add(t, z, strlen(z));
}

static void add_body(struct text *t, struct str body, unsigned flags)
{
    char line[64];

    if (!(flags & CHUNKED)) {
        snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", body.n);
        add_z(t, line);
        add(t, body.p, body.n);
        return;
    }
    add_z(t, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t n = body.n / 2 + 1; body.n > 0; n = body.n) {
        n = n > body.n ? body.n : n;
        snprintf(line, sizeof(line), "%zx\r\n", n);
        add_z(t, line);
        add(t, body.p, n);
        add_z(t, "\r\n");
        body = (struct str){body.p + n, body.n - n};
    }
    add_z(t, "0\r\n\r\n");
}

static struct text request_of(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data + 1, size - 1};
    struct text t = {NULL, 0};

    if (data[0] & RAW) {
        add(&t, body.p, body.n);
        return t;
    }
    struct str lines = str_cut(&body, '\0');
    struct str target = str_cut(&lines, '\n');
    add(&t, target.p, target.n);
    add_z(&t, " HTTP/1.1\r\nHost: a\r\n");
    if (data[0] & BEARER)
        add_z(&t, "Authorization: Bearer abcdefghijklmnopqrstuvwxyz\r\n");
    if (!(data[0] & NO_TYPE) && body.p)
        add_z(&t, "Content-Type: application/json\r\n");
    add(&t, lines.p, lines.n);
    add_body(&t, body, data[0]);
    return t;
}

/* ---- the answer ---- */

static void check_problem(struct arena *a, struct str body, int status)
{
    json_t *j = json_parse(a, body);

    ENSURE(json_is_object(j) && json_integer_value(json_object_get(j, "status")) == status);
    ENSURE(json_is_string(json_object_get(j, "code")) &&
           json_is_string(json_object_get(j, "title")));
    const json_t *errors = json_object_get(j, "errors");
    ENSURE((strcmp(json_string_value(json_object_get(j, "code")), "validation_failed") == 0) <=
           (json_array_size(errors) > 0));
    for (size_t i = 0; i < json_array_size(errors); i++)
        ENSURE(json_string_length(json_object_get(json_array_get(errors, i), "detail")) > 0);
}

/* head_only: HEAD is what was asked for; a request that cannot be read to its end is answered with
 * a body all the same. */
static void check_answer(const struct api_output *out, bool head_only)
{
    struct arena *a = arena_new(4096);

    ENSURE(a && out->bytes.n > 0);
    const char *p = arena_strndup(a, out->bytes.p, out->bytes.n), *end = strstr(p, "\r\n\r\n");
    ENSURE(end && str_starts(out->bytes, STR("HTTP/1.1 ")) && atoi(p + 9) == out->status);
    ENSURE(out->status >= 200 && out->status <= 599 && out->status != 500);
    for (const char *z = p; z < end; z++)
        ENSURE((unsigned char)*z >= 0x20 ? *z != 0x7f
               : *z == '\r'              ? z[1] == '\n'
                                         : *z == '\n' && z[-1] == '\r');
    const char *length = strstr(p, "\r\nContent-Length: "),
               *id = strstr(p, "\r\nX-Request-Id: fuzz\r\n");
    struct str body = {end + 4, out->bytes.n - (size_t)(end + 4 - p)};
    ENSURE(id && id < end && (out->status == 204 || (length && length < end)));
    if (length && length < end)
        ENSURE(body.n == (size_t)atol(length + 18) || (head_only && body.n == 0));
    const char *problem = strstr(p, "application/problem+json");
    ENSURE(out->status < 400 || (problem && problem < end));
    if (out->status >= 400 && body.n > 0)
        check_problem(a, body, out->status);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct api *api;

    if (!api) {
        log_init(LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR);
        const struct config *cfg = settings_read();
        api = api_new(cfg, db_new(cfg), NULL);
    }
    if (size < 1)
        return 0;
    struct text t = request_of(data, size);
    bool head_only = t.n >= 5 && memcmp(t.p, "HEAD ", 5) == 0;
    struct api_input in = {.bytes = t.p,
                           .len = t.n,
                           .peer = "127.0.0.1",
                           .request_id = "fuzz",
                           .deadline = deadline_in_ms(60000)};
    struct api_output out;
    api_serve(api, &in, &out);
    check_answer(&out, head_only);
    api_release(api);
    free(t.p);
    return 0;
}
