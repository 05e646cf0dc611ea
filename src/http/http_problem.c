/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Problem documents (RFC 9457) and the one place that maps errors to statuses. The api layer calls
 * it for every refusal, the dispatcher for answers that no worker gives.
 */
#include "http/http_problem.h"

#include "http/http_cors.h"

#define PROBLEM_TYPE "application/problem+json"

struct problem_row {
    int status; /* 0: not for clients */
    const char *title;
    long retry_after_s; /* 0: no Retry-After */
};
/* One row per error, from base/errors.def. */
static const struct problem_row http_problem_rows[ERR_COUNT] = {
#define ERR(symbol, code, status, title, retry) [symbol] = {status, title, retry},
#include "base/errors.def"
#undef ERR
};

enum err http_problem_public(enum err e)
{
    /* A schema of another version and a lost serialisation race are both "not now" to a client:
     * a repeat may succeed. */
    if (e == ERR_DB_SCHEMA || e == ERR_DB_RETRY)
        return ERR_DB_UNAVAILABLE;
    return e > ERR_OK && e < ERR_COUNT && http_problem_rows[e].status != 0 ? e : ERR_INTERNAL;
}

int http_problem_status(enum err e)
{
    return http_problem_rows[http_problem_public(e)].status;
}

/* The api layer adds members (`errors`, ids) to what this makes. */
json_t *http_problem_document(struct arena *a, const struct http_problem *p)
{
    const enum err e = http_problem_public(p->err);
    json_t *doc = json_obj(a);

    /* RFC 9457 4.2.1: about:blank says that the status, and here `code`, tell all there is. */
    json_put_str(a, doc, "type", "about:blank");
    json_put_str(a, doc, "title", http_problem_rows[e].title);
    json_put_int(a, doc, "status", http_problem_rows[e].status);
    if (p->detail)
        json_put_str(a, doc, "detail", p->detail);
    json_put_str(a, doc, "code", err_code(e));
    json_put_str(a, doc, "request_id", p->request_id);
    if (p->outcome_unknown)
        json_put_str(a, doc, "outcome", "unknown");
    return doc;
}

void http_problem_respond(struct http_resp *resp, struct arena *a, const struct http_problem *p,
                          const json_t *document)
{
    const struct problem_row *row = &http_problem_rows[http_problem_public(p->err)];
    /* The caller knows more than the table, for instance when the breaker lets the next probe
     * through. */
    const long seconds = p->retry_after_s > 0 ? p->retry_after_s : row->retry_after_s;

    http_resp_init(resp, a);
    resp->status = row->status;
    resp->content_type = PROBLEM_TYPE;
    resp->body = json_text(a, document);
    if (seconds > 0)
        http_resp_headerf(resp, "Retry-After", "%ld", seconds);
}

struct str http_problem_bytes(struct arena *a, const struct http_problem *p)
{
    struct http_resp resp;

    http_problem_respond(&resp, a, p, http_problem_document(a, p));
    http_cors_add(&resp, p->allow_origin);
    http_resp_header(&resp, "X-Request-Id", p->request_id);
    return http_resp_bytes(&resp, p->keep_alive, p->head_only);
}

/* In the arena's first chunk, which is there in any case. */
struct str http_problem_oom_bytes(struct arena *a, const char *request_id, const char *allow_origin,
                                  bool head_only)
{
    const struct problem_row *row = &http_problem_rows[ERR_OUT_OF_MEMORY];
    struct http_resp resp;

    /* By printf, since jansson would need the heap. A request id is restricted to characters that
     * JSON takes as they are. */
    http_resp_init(&resp, a);
    resp.status = row->status;
    resp.content_type = PROBLEM_TYPE;
    resp.body =
        str_of(arena_printf(a,
                            "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                            "\"code\":\"%s\",\"request_id\":\"%s\"}",
                            row->title, row->status, err_code(ERR_OUT_OF_MEMORY), request_id));
    http_resp_headerf(&resp, "Retry-After", "%ld", row->retry_after_s);
    http_cors_add(&resp, allow_origin);
    http_resp_header(&resp, "X-Request-Id", request_id);
    return http_resp_bytes(&resp, false, head_only);
}
