/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Answers that no worker gives: problem documents for requests that are malformed, too late, too
 * many, or lost with their worker, and the fixed pages of disp_local.c. Called by disp_drive.c.
 * They have the same fields, access record and metrics as a worker's answers, so a client or an
 * operator need not know which process answered. */
#include "disp_answer.h"

#include <setjmp.h>
#include <string.h>

#include "disp_conn.h"
#include "disp_local.h"
#include "disp_read.h"
#include "http/http_access.h"
#include "http/http_cors.h"
#include "http/http_problem.h"
#include "sys/log.h"

/* An answer on its way; problem NULL: of disp_local.c. */
struct disp_reply {
    const struct disp_problem *problem;
    const char *id, *allowed;
    bool head_only;
};

/* An index beyond the table means no route. That of a fixed page was found with its head. */
static size_t disp_answer_row(const struct disp *d, const struct conn *c)
{
    const struct http_route_table *t = d->env->routes;
    struct http_params ignored;
    if (!c->req)
        return t->n;
    if (c->req->row < t->n)
        return c->req->row;
    return http_route_find(t, c->req->method, disp_conn_path(c), &ignored);
}

/* The same record and metrics as an answer from a worker has. A request that never became whole has
 * not waited for a worker. */
static void disp_answer_record(struct disp *d, struct conn *c, const struct disp_reply *a)
{
    const struct request *r = c->req;
    const struct http_route_table *routes = d->env->routes;
    /* The time of a broken request counts from when its phase began: it never arrived as a
     * whole. */
    const bool whole = r && r->arrived.ns;
    const struct mono begun = whole ? r->arrived : c->since;
    const struct mono given = whole && r->given.ns ? r->given : d->now;
    /* 204 for OPTIONS, 200 for the fixed pages: what disp_local_respond() will set. */
    const int local_status = r && r->method == HTTP_OPTIONS ? 204 : 200;
    log_set_request(a->id);
    http_access_write(
        &(struct http_access){
            .routes = routes,
            .row = disp_answer_row(d, c),
            .method = r ? http_method_names[r->method] : NULL,
            .status = a->problem ? http_problem_status(a->problem->err) : local_status,
            .err = a->problem ? a->problem->err : ERR_OK,
            .client = c->address,
            .seconds = mono_seconds_between(begun, d->now),
            .queue_seconds = whole ? mono_seconds_between(begun, given) : 0,
        },
        NULL, 0);
    log_set_request(NULL);
}

/* In the dispatcher's own arena, which is reset before each answer. */
static struct str disp_answer_bytes(struct disp *d, struct conn *c, const struct disp_reply *a)
{
    struct http_resp resp;
    const struct disp_problem *p = a->problem;
    if (p)
        return http_problem_bytes(d->arena,
                                  &(struct http_problem){.err = p->err,
                                                         .detail = p->detail,
                                                         .request_id = a->id,
                                                         .allow_origin = a->allowed,
                                                         .retry_after_s = p->retry_after_s,
                                                         .outcome_unknown = p->unknown,
                                                         .keep_alive = !c->close,
                                                         .head_only = a->head_only});
    disp_local_respond(d, c, a->allowed, &resp);
    http_cors_add(&resp, a->allowed);
    http_resp_header(&resp, "X-Request-Id", a->id);
    return http_resp_bytes(&resp, !c->close, a->head_only);
}

/* Memory may run out here too, and one client's answer is no reason to end all connections. */
static struct str disp_answer_bytes_or_oom(struct disp *d, struct conn *c,
                                           const struct disp_reply *a)
{
    struct str bytes;
    jmp_buf oom;
    arena_reset(d->arena);
    if (setjmp(oom) == 0) {
        arena_on_oom(d->arena, &oom);
        bytes = disp_answer_bytes(d, c, a);
    } else {
        arena_on_oom(d->arena, NULL);
        arena_reset(d->arena);
        c->close = true;
        bytes = http_problem_oom_bytes(d->arena, a->id, a->allowed, a->head_only);
    }
    arena_on_oom(d->arena, NULL);
    return bytes;
}

/* Bytes that are no request yet are peeked into, so that even a 400 has the client's request id
 * and, for pages of other origins, the CORS fields that let a script read it. */
static struct disp_event disp_answer_make(struct disp *d, struct conn *c,
                                          const struct disp_problem *p)
{
    char peeked[PROTOCOL_ID_MAX + 1];
    const struct str all = {c->buf, c->len};
    struct disp_reply a = {.problem = p, .id = c->req ? c->req->id : peeked};
    if (!c->req) /* a malformed request may still carry a request id */
        disp_read_request_id(http_peek_field(all, "X-Request-Id"), peeked);
    if (d->policy.origins_n > 0)
        a.allowed =
            http_cors_find(d->policy.origins, d->policy.origins_n, http_peek_field(all, "Origin"));
    a.head_only =
        c->req ? c->req->method == HTTP_HEAD : c->len >= 5 && memcmp(c->buf, "HEAD ", 5) == 0;
    c->close = c->close || d->draining || c->eof || !c->req || !c->req->keep_alive;
    disp_answer_record(d, c, &a);
    return (struct disp_event){.what = CE_ANSWER, .bytes = disp_answer_bytes_or_oom(d, c, &a)};
}

/* The caller says whether the connection can go on; after a malformed request it cannot. */
struct disp_event disp_answer_compose(struct disp *d, struct conn *c, const struct disp_problem *p)
{
    c->close = p->close;
    return disp_answer_make(d, c, p);
}

/* OPTIONS and the fixed pages need no worker, so they are answered even when all are busy. */
struct disp_event disp_answer_local(struct disp *d, struct conn *c)
{
    c->req->arrived = d->now;
    if (!disp_local_known(d, c))
        return DISP_PROBLEM(.err = ERR_NOT_FOUND);
    c->close = false;
    return disp_answer_make(d, c, NULL);
}
