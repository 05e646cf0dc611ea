/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Requests that need no worker. /healthz says whether the process answers, also when every worker
 * waits for something. A browser asks OPTIONS before the calls of a page of another origin, and
 * load balancers ask it of * or / to see whether anybody is there (BEHAVIOUR §2, §12). Called by
 * disp_read.c, disp_drive.c and disp_answer.c.
 */
#include "disp_local.h"

#include "disp_conn.h"
#include "http/http_cors.h"
#include "http/http_route.h"

/* What the server as a whole can do (RFC 9110 9.3.7: OPTIONS of the asterisk). */
#define ALL_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"

/* Decided with the head: the body of such a request is read and ignored like any other. */
void disp_local_mark(const struct disp *d, struct request *r)
{
    const struct http_route_table *t = d->env->routes;
    r->row = t->n;
    r->local = r->method == HTTP_OPTIONS;
    if (r->method != HTTP_GET && r->method != HTTP_HEAD)
        return;
    for (size_t i = 0; i < t->n && !r->local; i++) {
        r->local = t->rows[i]->fixed && str_eq(d->head.path, str_of(t->rows[i]->pattern));
        r->row = r->local ? i : t->n;
    }
}

bool disp_local_known(const struct disp *d, const struct conn *c)
{
    const struct http_route_table *t = d->env->routes;
    const struct str path = disp_conn_path(c);
    return c->req->row < t->n || str_eq(path, STR("*")) || str_eq(path, STR("/")) ||
           http_route_has_path(t, path);
}

static void disp_local_options(const struct disp *d, const struct conn *c, const char *allowed,
                               struct http_resp *resp)
{
    const struct http_route_table *t = d->env->routes;
    const struct str path = disp_conn_path(c);
    const char *methods = http_route_allowed(t, d->arena, path);
    resp->status = 204;
    if (allowed && methods)
        http_cors_add_preflight(resp, methods);
    if (str_eq(path, STR("*")))
        methods = ALL_METHODS;
    http_resp_headerf(resp, "Allow", "%s%sOPTIONS", methods ? methods : "", methods ? ", " : "");
}

void disp_local_respond(const struct disp *d, const struct conn *c, const char *allowed,
                        struct http_resp *resp)
{
    const struct http_route_table *t = d->env->routes;
    http_resp_init(resp, d->arena);
    if (c->req->method == HTTP_OPTIONS) {
        disp_local_options(d, c, allowed, resp);
        return;
    }
    resp->status = t->rows[c->req->row]->success_status;
    resp->content_type = "application/json";
    resp->body = str_of(t->rows[c->req->row]->fixed);
}
