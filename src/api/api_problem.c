/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Problem documents (RFC 9457) and the one place that maps errors to statuses. */
#include "api_priv.h"
#include "sys/log.h"

struct problem_row {
    int status;
    const char *title;
    long retry_after_s;
};
static const struct problem_row rows[ERR_COUNT] = {
#define PROBLEM(err, status, title, retry) [err] = {status, title, retry},
#include "problem.def"
#undef PROBLEM
};

enum err api_public(enum err e)
{
    if (e == ERR_DB_SCHEMA || e == ERR_DB_RETRY) /* of no use as it is now; a repeat may succeed */
        return ERR_DB_UNAVAILABLE;
    return e > ERR_OK && e < ERR_COUNT && rows[e].status != 0 ? e : ERR_INTERNAL;
}

int api_status(enum err e)
{
    return rows[api_public(e)].status;
}

static json_t *document(struct arena *a, enum err e, const char *detail, const char *request_id)
{
    json_t *doc = json_obj(a);
    json_put_str(a, doc, "type", "about:blank");
    json_put_str(a, doc, "title", rows[e].title);
    json_put_int(a, doc, "status", rows[e].status);
    if (detail)
        json_put_str(a, doc, "detail", detail);
    json_put_str(a, doc, "code", err_code(e));
    json_put_str(a, doc, "request_id", request_id);
    return doc;
}

static void put_faults(struct arena *a, json_t *doc, const struct faults *faults)
{
    if (faults->n == 0)
        return;
    json_t *list = json_arr(a);
    for (const struct fault *f = faults->first; f; f = f->next) {
        json_t *entry = json_obj(a);
        json_put_str(a, entry, "pointer", f->pointer);
        json_put_str(a, entry, "detail", f->detail);
        json_push(a, list, entry);
    }
    json_put(a, doc, "errors", list);
}

static bool of_provider(enum err e)
{
    return e == ERR_PROVIDER_REJECTED || e == ERR_PROVIDER_FAILED || e == ERR_PROVIDER_TIMEOUT ||
           e == ERR_PROVIDER_UNAVAILABLE;
}

/* An outcome that nobody told is unknown: the careful reading. */
static const char *outcome(const struct api_request *r, enum err e)
{
    if (r->problem.outcome == OUTCOME_FAILED)
        return "failed";
    return r->problem.outcome == OUTCOME_UNKNOWN || e == ERR_COMMIT_UNKNOWN || of_provider(e)
               ? "unknown"
               : NULL;
}

static void set_body(struct http_resp *resp, struct arena *a, enum err e, json_t *doc)
{
    resp->status = rows[e].status;
    resp->content_type = "application/problem+json";
    resp->body = json_text(a, doc);
}

static void retry_after(struct http_resp *resp, enum err e, long seconds)
{
    if (seconds <= 0)
        seconds = rows[e].retry_after_s;
    if (seconds > 0)
        http_resp_headerf(resp, "Retry-After", "%ld", seconds);
}

void api_problem(struct api_request *r, enum err e)
{
    struct arena *a = r->svc.arena;
    if (api_public(e) == ERR_INTERNAL)
        LOG(LOG_LEVEL_ERROR, "http.internal", F_ERR(e),
            F_STR("route", r->route ? r->route->pattern : "none"));
    e = api_public(e);

    json_t *doc = document(a, e, r->problem.detail, r->svc.request_id);
    put_faults(a, doc, &r->faults);
    if (r->problem.attempts_left >= 0)
        json_put_int(a, doc, "attempts_left", r->problem.attempts_left);
    if (outcome(r, e))
        json_put_str(a, doc, "outcome", outcome(r, e));
    if (r->problem.otp_id)
        json_put_str(a, doc, "otp_id", r->problem.otp_id);
    if (r->problem.payment_id)
        json_put_str(a, doc, "payment_id", r->problem.payment_id);

    http_resp_init(&r->resp, a);
    set_body(&r->resp, a, e, doc);
    retry_after(&r->resp, e, r->problem.retry_after_s);
    if (e == ERR_UNAUTHORIZED)
        http_resp_header(&r->resp, "WWW-Authenticate", "Bearer");
    if (e == ERR_METHOD_NOT_ALLOWED && r->allow)
        http_resp_header(&r->resp, "Allow", r->allow);
}

struct str api_problem_bytes(struct arena *a, enum err e, const char *detail,
                             const char *request_id, bool keep_alive, bool head_only,
                             long retry_after_s, bool outcome_unknown)
{
    struct http_resp resp;
    e = api_public(e);
    json_t *doc = document(a, e, detail, request_id);
    if (outcome_unknown)
        json_put_str(a, doc, "outcome", "unknown");
    http_resp_init(&resp, a);
    set_body(&resp, a, e, doc);
    http_resp_header(&resp, "X-Request-Id", request_id);
    retry_after(&resp, e, retry_after_s);
    return http_resp_bytes(&resp, keep_alive, head_only);
}

struct str api_oom_bytes(struct arena *a, const char *request_id, bool head_only)
{
    struct http_resp resp;
    http_resp_init(&resp, a);
    resp.status = api_status(ERR_OUT_OF_MEMORY);
    resp.content_type = "application/problem+json";
    resp.body = str_of(arena_printf(a,
                                    "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                                    "\"code\":\"%s\",\"request_id\":\"%s\"}",
                                    http_reason(resp.status), resp.status,
                                    err_code(ERR_OUT_OF_MEMORY), request_id));
    http_resp_header(&resp, "Retry-After", "1");
    http_resp_header(&resp, "X-Request-Id", request_id);
    return http_resp_bytes(&resp, false, head_only);
}
