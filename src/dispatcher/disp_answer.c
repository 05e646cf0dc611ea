/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Problem documents for requests that no worker answers: malformed, too late, too many, or lost
 * with their worker. Called by disp_drive.c. */
#include "disp_answer.h"

#include <setjmp.h>
#include <string.h>

#include "disp_read.h"
#include "http/http_access.h"
#include "http/http_problem.h"
#include "sys/log.h"
#include "sys/net.h"

/* The same record and metrics as an answer from a worker has. A request that never became whole has
 * not waited for a worker. */
static void disp_answer_record(struct disp *d, struct conn *c, const struct disp_problem *p,
                               const char *id)
{
    const struct request *r = c->req;
    const struct http_route_table *routes = d->env->routes;
    const bool whole = r && r->arrived.ns;
    const struct mono begun = whole ? r->arrived : c->since;
    const struct mono given = whole && r->given.ns ? r->given : d->now;
    char peer[ADDR_TEXT_MAX];

    log_set_request(id);
    http_access_write(
        &(struct http_access){
            .routes = routes,
            .row = r ? http_route_find_line(routes, (struct str){c->buf, c->len}) : routes->n,
            .method = r ? http_method_names[r->method] : NULL,
            .status = http_problem_status(p->err),
            .err = p->err,
            .client = net_peer_address(c->fd, peer, sizeof(peer)),
            .seconds = mono_seconds_between(begun, d->now),
            .queue_seconds = whole ? mono_seconds_between(begun, given) : 0,
        },
        NULL, 0);
    log_set_request(NULL);
}

/* Memory may run out here too, and one client's answer is no reason to end all connections. */
static struct str disp_answer_bytes(struct disp *d, struct conn *c, const struct disp_problem *p,
                                    const char *id)
{
    const bool head_only =
        c->req ? c->req->method == HTTP_HEAD : c->len >= 5 && memcmp(c->buf, "HEAD ", 5) == 0;
    struct str bytes;
    jmp_buf oom;
    arena_reset(d->arena);
    if (setjmp(oom) == 0) {
        arena_on_oom(d->arena, &oom);
        bytes =
            http_problem_bytes(d->arena, &(struct http_problem){.err = p->err,
                                                                .detail = p->detail,
                                                                .request_id = id,
                                                                .retry_after_s = p->retry_after_s,
                                                                .outcome_unknown = p->unknown,
                                                                .keep_alive = !c->close,
                                                                .head_only = head_only});
    } else {
        arena_on_oom(d->arena, NULL);
        arena_reset(d->arena);
        c->close = true;
        bytes = http_problem_oom_bytes(d->arena, id, head_only);
    }
    arena_on_oom(d->arena, NULL);
    return bytes;
}

struct disp_event disp_answer_compose(struct disp *d, struct conn *c, const struct disp_problem *p)
{
    char peeked[HANDOVER_ID_MAX + 1];
    const char *id = c->req ? c->req->id : peeked;
    if (!c->req) /* what was not read as a request may still say how it is called */
        disp_read_request_id(http_peek_field((struct str){c->buf, c->len}, "X-Request-Id"), peeked);
    c->close = p->close || d->draining || c->eof || !c->req || !c->req->keep_alive;
    disp_answer_record(d, c, p, id);
    return (struct disp_event){.what = CE_ANSWER, .bytes = disp_answer_bytes(d, c, p, id)};
}
