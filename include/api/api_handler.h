/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * For handlers. A route is a row, which stands beside its handler, and a handler of at most one
 * service call; it returns ERR_OK with the answer in r->resp, or the error to answer with.
 */
#ifndef BOOKINGD_API_API_HANDLER_H
#define BOOKINGD_API_API_HANDLER_H

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"
#include "http/http_parse.h"
#include "http/http_path.h"
#include "http/http_resp.h"
#include "http/http_route.h"
#include "svc/svc.h"
#include "sys/json.h"
#include "sys/schema.h"

enum api_auth { AUTH_NONE, AUTH_CUSTOMER, AUTH_VIEWER, AUTH_AGENT, AUTH_ADMIN };
enum api_body { BODY_NONE, BODY_OPTIONAL, BODY_REQUIRED, BODY_ANY /* raw: webhooks */ };

struct api_request;
typedef enum err (*api_handler_fn)(struct api_request *r);

struct api_route {
    struct http_route http;
    api_handler_fn handler;
    enum api_auth auth;
    enum api_body body;
    const struct schema_row *members; /* of the body: into r->input (input_size bytes, zeroed) */
    size_t input_size;
    bool partial;    /* PATCH: no member is required, but one must be there */
    bool idempotent; /* takes Idempotency-Key */
    bool standby;    /* a read that may be answered by a standby (api_standby.c) */
    bool tagged;     /* the frame gives the answer an ETag, of its bytes */
    /* Parameters: into r->query_input (query_size bytes, zeroed). An unknown or repeated one is a
     * fault (query:NAME), but on routes that say query_open (the gateway adds its own). */
    const struct schema_row *query;
    size_t query_size;
    bool query_open; /* unknown query parameters are ignored */
};
/*
 * The table: pointers to rows that stand beside their handlers. A handler's file defines
 *     const struct api_route api_route_venue_list = {.http = {HTTP_GET, "/v1/venues", 200},
 * .handler = venue_list, ...}; and its area's api_routes_AREA.def has the line
 * ROUTE(api_route_venue_list).
 */
extern const struct api_route *const api_routes[]; /* api_route_table.n of them */

struct api_request {
    struct svc svc;
    struct api *api;
    const struct api_route *route;
    const struct http_head *head;
    struct uuid ids[HTTP_PARAMS_MAX]; /* path parameters that are identifiers; a malformed one got
                                         404 before the handler */
    struct str params[HTTP_PARAMS_MAX];
    struct str raw_body;
    json_t *json; /* the body; NULL when there is none */
    void *input;  /* by route->members */
    void *query_input;
    const char *client;    /* address, by trusted_proxies */
    const char *auth_hash; /* SHA-256 of the bearer token, hex: $1 of the fragments
                              customer_of_token and friends; NULL without a token */
    struct principal who;
    bool authenticated;
    bool first_ran;              /* api_first() was called */
    size_t row;                  /* in api_routes; api_route_table.n: none */
    const char *allow;           /* methods of the path, for 405 */
    const char *accept_encoding; /* codings of a body, for a 415 that is about one */
    struct faults faults;
    struct http_resp resp;
    /* problem members that go beyond code and title; set before returning the error */
    struct {
        const char *detail;
        long retry_after_s;
        int attempts_left;    /* -1: absent */
        enum outcome outcome; /* OUTCOME_OK: nobody told */
        const char *otp_id, *payment_id;
        const char *scope;          /* which limit was met; NULL: absent */
        bool replayed;              /* an earlier answer, told again */
        const char *provider_class; /* of a refusal: "message", "account" */
        bool in_use;                /* what stands against a change: */
        int64_t bookings, services;
    } problem;
    bool names_said;       /* in the caller's language: the answer depends on Accept-Language */
    bool always_whole;     /* never 304: the answer is newer than its ETag says */
    struct api_idem *idem; /* the Idempotency-Key; NULL when the request has none */
};

/*
 * The first batch of a handler: authentication and the claim of the Idempotency-Key are in it
 * already (result indices below the returned batch's count belong to the frame), the handler adds
 * the reads it can state with auth_hash as a parameter, and api_first runs it: one round trip for
 * all. The batch is in the request's arena. api_first() returns ERR_UNAUTHORIZED, ERR_FORBIDDEN,
 * ERR_IDEM_*, ERR_ANSWERED (a replay is in resp), or a database error. Every handler of a route
 * with auth must call it once, before anything else touches the database.
 */
struct db_batch *api_first_batch(struct api_request *r);
enum err api_first(struct api_request *r, struct db_batch *b) MUST_CHECK;
/*
 * The first batch of a handler about one thing: `seen` takes the token's hash and the path's first
 * identifier as its two parameters. ERR_NOT_FOUND when it finds nothing, else its rows in *rows.
 */
enum err api_first_seen(struct api_request *r, const struct db_stmt *seen,
                        struct db_rows *rows) MUST_CHECK;

/*
 * Adds to a committing batch the statement that stores the response now in r->resp as the outcome
 * of the Idempotency-Key, so that both commit together. Nothing without a key. Called again, for
 * a second deed of the same request, it puts the later answer in the first one's place. The frame
 * stores
 * what was not stored this way after the handler returned (outcomes below 500), and releases the
 * claim of others.
 */
void api_idem_add(struct api_request *r, struct db_batch *b);
/* Whose data the response shows, when that is not the caller (staff booking for a customer):
 * erasure finds the stored answer by it. */
void api_idem_customer(struct api_request *r, const char *customer_id);
/* The answer tells how things stand, not how they ended: a repeat is served anew. */
void api_idem_passing(struct api_request *r);
/* Caller, Idempotency-Key and content as one name, by which a service knows what it did for the
 * same request before; NULL without a key. */
const char *api_idem_name(const struct api_request *r);
/* The Idempotency-Key as it came; NULL without one. */
const char *api_idem_key(const struct api_request *r);

/* Sets status and JSON body; the latter also as text that lives as long as the request. */
void api_reply(struct api_request *r, int status, json_t *body);
void api_reply_text(struct api_request *r, int status, struct str json);
void api_reply_empty(struct api_request *r, int status);
/* ETag: "VERSION" of a booking, on the response. */
void api_etag(struct api_request *r, int64_t version);
/*
 * If-Match (RFC 9110 13.1.1) as the versions that a service may act on (svc.h): all of them when
 * the field is absent or `*`. Weak tags and tags that are no version never match. ERR_VALIDATION,
 * with a fault at header:If-Match, when the field is malformed.
 */
enum err api_if_match(struct api_request *r, struct versions *out) MUST_CHECK;
/* {"items": [...], "next": CURSOR|null}; next NULL: the last page. */
void api_reply_list(struct api_request *r, json_t *items, const char *next);
/* A fault of the input found by a handler: adds it; return ERR_VALIDATION afterwards. */
#define api_fault(r, pointer, ...) fault_add(&(r)->faults, (pointer), __VA_ARGS__)
/* Members of a provider's failure: outcome, Retry-After. Returns e. */
enum err api_provider_failed(struct api_request *r, enum err e, bool unknown, long retry_after_s);

#endif
