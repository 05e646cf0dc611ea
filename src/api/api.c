/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The frame around all handlers: from a request's bytes to the bytes of its answer. Called by the
 * worker, once per request, and between requests by api_idle().
 *
 * The order is fixed: route, bearer token, input, handler, stored outcome, answer. A handler only
 * decides what the answer says; framing, request ids, CORS, logs and metrics are the same for all.
 */
#include "api/api.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_priv.h"
#include "base/ensure.h"
#include "http/http_access.h"
#include "http/http_cors.h"
#include "http/http_problem.h"
#include "svc/notification.h"
#include "sys/log.h"

/* The names of log fields are made once: a record is written per request. */
struct api *api_new(const struct config *cfg, struct db *db, struct ext *ext)
{
    struct api *api = calloc(1, sizeof *api);
    struct arena *arena = arena_new(API_ARENA_FIRST);
    if (!api || !arena) {
        arena_free(arena);
        free(api);
        return NULL;
    }
    *api = (struct api){
        .cfg = cfg, .db = db, .reader = db_reader_new(cfg), .ext = ext, .arena = arena};
    for (size_t i = 0; i < cfg->providers_n; i++)
        (void)snprintf(api->provider_keys[i], sizeof api->provider_keys[i], "provider_%s",
                       cfg->providers[i].name);
    api_cursor_init(api);
    api_idem_init(api);
    http_access_skip(cfg->log.skip);
    return api;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    pending_forget(&api->pending);
    db_reader_free(api->reader);
    arena_free(api->arena);
    free(api);
}

/* ---- one request ---- */

/* Everything of the last request is reset here, so that a request which ended by a jump leaves
 * nothing. */
static void api_begin(struct api *api, const struct api_input *in)
{
    arena_on_oom(api->arena, NULL);
    arena_reset(api->arena);
    api->in = in;
    api->started = mono_now();
    api->keep_alive = false;
    api->own_request_id = uuid_new(); /* not on the arena: the record of a request that ran out
                                       * of memory names it too */
    api->idem = (struct api_idem){.mine = false};
    api->r = (struct api_request){
        .api = api, .row = api_route_table.n, .client = in->peer, .problem.attempts_left = -1};
    api->r.svc = (struct svc){.cfg = api->cfg,
                              .db = api->db,
                              .ext = api->ext,
                              .arena = api->arena,
                              .deadline = in->deadline,
                              .request_id = in->request_id,
                              .own_request_id = api->own_request_id.s};
    faults_init(&api->r.faults, api->arena);
    http_resp_init(&api->r.resp, api->arena);
    db_reset_spent(api->db);
    if (api->ext)
        ext_reset_spent(api->ext);
    api->round_trips_before = db_round_trips(api->db);
    if (api->reader) {
        db_reset_spent(db_reader_db(api->reader));
        api->round_trips_before += db_round_trips(db_reader_db(api->reader));
    }
    log_set_request(in->request_id);
}

/* Head and body out of the bytes. A failure ends the connection: where the next request begins is
 * not known. */
static enum err api_read_request(struct api *api)
{
    const struct api_input *in = api->in;
    const struct http_limits limits = {(size_t)api->cfg->server.max_head,
                                       (size_t)api->cfg->server.max_body};
    api->fault = (struct http_fault){ERR_BAD_REQUEST, "the request is not whole"};
    /* Parsed again, although the dispatcher did: what crosses a process border is not trusted. */
    if (http_parse_head((struct str){in->bytes, in->len}, 0, &limits, &api->head, &api->fault) !=
        HTTP_DONE)
        return api->fault.err;
    api->r.head = &api->head;
    char *body = in->bytes + api->head.head_len;
    size_t n = in->len - api->head.head_len;
    if (api->head.chunked) {
        struct http_chunked chunked;
        size_t used;
        http_chunked_init(&chunked);
        if (http_chunked_scan(&chunked, (struct str){body, n}, &limits, &used, &api->fault) !=
            HTTP_DONE)
            return api->fault.err;
        /* In place: the packet's memory is this worker's. */
        n = http_chunked_join(body, used);
    } else {
        uint64_t wanted = api->head.has_length ? api->head.content_length : 0;
        if (wanted > n)
            return api->fault.err;
        n = (size_t)wanted;
    }
    api->r.raw_body = (struct str){body, n};
    api->keep_alive = api->head.keep_alive && !api->in->close;
    return ERR_OK;
}

/*
 * RFC 9112 6.3 takes a request with neither Content-Length nor chunked for one without a body:
 * right where none is needed. Where one is, its sender forgot to say how long it is (RFC
 * 9110 15.5.12), and what follows on the connection may be that body.
 */
static bool api_length_missing(struct api_request *r)
{
    bool wanted = r->route->body == BODY_REQUIRED || r->route->body == BODY_ANY;
    if (!wanted || r->head->has_length || r->head->chunked)
        return false;
    r->api->keep_alive = false;
    return true;
}

/* Handed on to providers, which check its form: only a trace that is named once can be gone on
 * with. */
static const char *api_traceparent(const struct api_request *r)
{
    struct str value = http_header(r->head, "traceparent");
    return http_header_count(r->head, "traceparent") == 1
               ? arena_strndup(r->svc.arena, value.p, value.n)
               : NULL;
}

/* "POST /v1/bookings" to the worker, whose title and place on the scoreboard show it. */
static void api_tell_route(struct api_request *r)
{
    const struct api_input *in = r->api->in;
    if (!in->on_route)
        return;
    const char *name = "an unknown route";
    if (r->route)
        name = arena_printf(r->svc.arena, "%s %s", http_method_names[r->route->http.method],
                            r->route->http.pattern);
    in->on_route(in->ctx, name);
}

/* The route first, so that even a refused request is logged and counted under it. */
static enum err api_handle(struct api_request *r)
{
    enum err e = api_route(r);
    api_tell_route(r);
    if (e != ERR_OK)
        return e;
    if (api_length_missing(r))
        return ERR_LENGTH_REQUIRED;
    if (deadline_passed(r->svc.deadline))
        return ERR_DEADLINE;
    r->svc.traceparent = api_traceparent(r);
    r->client = api_client_address(r->svc.cfg, r->svc.arena, r->head, r->client);
    e = api_bearer(r);
    if (e != ERR_OK)
        return e;
    e = api_input(r);
    if (e != ERR_OK)
        return api_refuse(r, e);
    e = api_call_handler(r);
    if (e == ERR_OK)
        api_if_none_match(r);
    /* A handler that answers without the first batch would answer strangers. */
    ENSURE(r->route->auth == AUTH_NONE || r->first_ran);
    return e;
}

/* Two Origin fields are no origin: nobody can tell which page is meant. */
static const char *api_listed_origin(const struct api *api)
{
    const struct http_head *head = api->r.head;
    if (!head || http_header_count(head, "Origin") != 1)
        return NULL;
    return http_cors_find(api->cfg->server.cors_origins, api->cfg->server.cors_origins_n,
                          http_header(head, "Origin"));
}

/* Longer than the dispatcher takes: pages are bounded, so this is a fault of ours. */
static struct str api_cut_answer(struct api *api, size_t n)
{
    struct api_request *r = &api->r;
    LOG(LOG_LEVEL_ERROR, "http.answer_too_long",
        F_STR("route", http_route_pattern(&api_route_table, r->row)), F_INT("bytes", n));
    http_resp_init(&r->resp, r->svc.arena);
    api_problem(r, ERR_INTERNAL);
    return http_resp_bytes(&r->resp, api->keep_alive, false);
}

static enum err api_serve_request(struct api *api, struct api_output *out)
{
    struct api_request *r = &api->r;
    enum err e = api_read_request(api);
    if (e != ERR_OK)
        r->problem.detail = api->fault.detail;
    else
        e = api_handle(r);
    if (e != ERR_OK && e != ERR_ANSWERED)
        api_problem(r, e);
    /* Before the outcome is stored: a transaction that a handler left open must not take it
     * along. */
    db_clean(api->db, r->svc.deadline);
    api_idem_finish(r, e);
    if (r->names_said)
        http_resp_vary(&r->resp, "Accept-Language");
    http_cors_add(&r->resp, api_listed_origin(api));
    http_resp_header(&r->resp, "X-Request-Id", r->svc.request_id);
    struct str bytes =
        http_resp_bytes(&r->resp, api->keep_alive, r->head && r->head->method == HTTP_HEAD);
    if (api->in->answer_max > 0 && bytes.n > api->in->answer_max)
        bytes = api_cut_answer(api, bytes.n);
    *out = (struct api_output){bytes, r->resp.status, api->keep_alive};
    return e == ERR_ANSWERED ? ERR_OK : e;
}

/*
 * Memory ran out somewhere in the request: all of it is given back, and the connection to the
 * database, which may be in the middle of a batch, is dropped. The answer is made in the arena's
 * first chunk, which is never given back.
 */
static void api_serve_oom(struct api *api, struct api_output *out)
{
    struct api_request *r = &api->r;
    arena_on_oom(api->arena, NULL);
    db_drop(api->db);
    if (api->reader)
        db_drop(db_reader_db(api->reader));
    arena_reset(api->arena);
    bool head_only = r->head && r->head->method == HTTP_HEAD;
    r->client = api->in->peer; /* the other one was on the arena, and so was who called */
    r->authenticated = false;
    if (r->idem && r->idem->mine)
        api_idem_doubt(r);
    struct str bytes =
        http_problem_oom_bytes(api->arena, api->in->request_id, api_listed_origin(api), head_only);
    LOG(LOG_LEVEL_ERROR, "http.out_of_memory",
        F_STR("route", http_route_pattern(&api_route_table, r->row)));
    *out = (struct api_output){bytes, http_problem_status(ERR_OUT_OF_MEMORY), false};
}

void api_serve(struct api *api, const struct api_input *in, struct api_output *out)
{
    ENSURE(in->request_id && in->request_id[0]);
    volatile enum err e = ERR_OUT_OF_MEMORY; /* lives across the jump */
    api_begin(api, in);
    if (setjmp(api->oom) == 0) {
        arena_on_oom(api->arena, &api->oom);
        e = api_serve_request(api, out);
    } else {
        api_serve_oom(api, out);
    }
    arena_on_oom(api->arena, NULL);
    api_record(api, out->status, e);
    log_set_request(NULL);
}

/* Called when the answer is sent; it wipes tokens and codes of the request. After a large one the
 * allocator gives back what it kept: one request must not decide how large a worker stays. */
void api_release(struct api *api)
{
    const bool large = arena_size(api->arena) > API_TRIM_ABOVE;
    arena_reset(api->arena);
    if (large)
        (void)malloc_trim(0);
}

/* What could not be stored while the database was away: outcomes of idempotency keys, results of
 * notifications. */
static bool api_flush(struct api *api, struct deadline d)
{
    struct svc s = {
        .cfg = api->cfg, .db = api->db, .ext = api->ext, .arena = api->arena, .deadline = d};
    bool left = pending_flush(&api->pending, &s) > 0;
    return notification_flush(&s) > 0 || left;
}

/* True while something is left to be stored. */
bool api_idle(struct api *api, struct deadline d)
{
    bool left;
    if (setjmp(api->oom) == 0) {
        arena_on_oom(api->arena, &api->oom);
        left = api_flush(api, d);
    } else {
        db_drop(api->db);
        left = true;
    }
    arena_on_oom(api->arena, NULL);
    arena_reset(api->arena);
    return left;
}
