/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the files of the frame share. Handlers include api/api.h alone. */
#ifndef BOOKINGD_API_API_PRIV_H
#define BOOKINGD_API_API_PRIV_H

#include <setjmp.h>

#include "api/api.h"
#include "api/api_handler.h"
#include "api/api_page.h"
#include "base/digest.h"
#include "db/db_reader.h"
#include "svc/idem.h"
#include "svc/pending.h"

#define API_ARENA_FIRST (64 * 1024)
#define API_PENDING_MAX 16
/* Giving memory back takes about 0.1 ms; an answer that needs so much took many times that. */
#define API_TRIM_ABOVE ((size_t)512 * 1024)
#define API_BEARER_MAX 512
#define API_JSON_DEPTH_MAX 64

struct api_idem {
    struct idem_claim claim;
    struct deadline claim_ends; /* then others may take it over */
    bool mine;                  /* claimed, and no outcome is known to be stored */
    bool added;                 /* its outcome is in a batch of the handler */
    bool passing;               /* what is answered now is not its outcome */
    int look_at;                /* index of the look-up in the first batch */
    const char *customer_id;
};

/* A claim that must still be completed or released, when the database was away. Everything but the
 * claim is on the heap. */
struct api_pending {
    struct idem_claim claim;
    int status; /* 0: release */
    char *headers, *body, *customer_id;
    struct deadline claim_ends;
};

struct api {
    const struct config *cfg;
    struct db *db;
    struct db_reader *reader; /* of standbys; NULL: there are none */
    struct ext *ext;
    struct arena *arena;
    jmp_buf oom;

    /* the request in hand */
    const struct api_input *in;
    struct http_head head;
    struct http_fault fault; /* of framing */
    struct api_request r;
    struct api_idem idem;
    struct mono started;
    struct uuid own_request_id;
    uint64_t round_trips_before;
    bool keep_alive;

    struct pending pending; /* of api_idem.c */
    struct api_pending pending_items[API_PENDING_MAX];
    unsigned char cursor_key[SHA256_LEN];
    char provider_keys[PROVIDERS_MAX][48]; /* of the access record */
};

/* api_routes.c: finds the row by method and path; sets route, row, params. ERR_NOT_FOUND,
 * ERR_METHOD_NOT_ALLOWED, ERR_NOT_IMPLEMENTED. */
enum err api_route(struct api_request *r) MUST_CHECK;

/* api_client.c: the client's address, from the peer's and the X-Forwarded-For fields. */
const char *api_client_address(const struct config *cfg, struct arena *a,
                               const struct http_head *head, const char *peer);

/* api_input.c: path identifiers, media type, body, query, Idempotency-Key into *r; the error to
 * answer with. */
enum err api_input(struct api_request *r) MUST_CHECK;
bool api_media_type_is_json(struct str value) MUST_CHECK;
bool api_json_depth_ok(struct str text) MUST_CHECK;
/* api_card.c: whether a text has a card number in it; whether a body is free of them, a fault for
 * each that it has. */
bool api_card_in(struct arena *a, struct str text) MUST_CHECK;
bool api_card_free(json_t *body, struct faults *f) MUST_CHECK;
/* api_query.c */
enum err api_query(struct api_request *r) MUST_CHECK;

/* api_auth.c: the bearer token's hash; ERR_UNAUTHORIZED when the route needs one and there is none.
 */
enum err api_bearer(struct api_request *r) MUST_CHECK;
/* For input that will be refused: who is asking comes first. Returns `fault`, or why even that is
 * not told. */
enum err api_refuse(struct api_request *r, enum err fault) MUST_CHECK;

/* Adds the claim to the first batch. roles: of staff, as an array literal; NULL for customers. Then
 * what became of it: ERR_OK (ours), ERR_ANSWERED (a replay is in resp), ERR_IDEM_IN_FLIGHT,
 * ERR_IDEM_MISMATCH. */
void api_idem_claim(struct api_request *r, struct db_batch *b, const char *roles);
enum err api_idem_claimed(struct api_request *r, struct db_batch *b) MUST_CHECK;
/* The claim may have been made although the batch failed. */
void api_idem_doubt(struct api_request *r);
/* After the handler: stores the response, or releases the claim. */
void api_idem_finish(struct api_request *r, enum err e);
/* The queue of what could not be told to the database. */
void api_idem_init(struct api *api);

/* api_standby.c: the route's handler, on a standby where that will do. Its errors pass through. */
enum err api_call_handler(struct api_request *r) MUST_CHECK;

/* api_problem.c */
void api_problem(struct api_request *r, enum err e);

/* api_log.c: access record and metrics; e: what was refused, or ERR_OK. */
void api_record(struct api *api, int status, enum err e);

/* api_cursor.c: the key of this installation's cursors, into api. */
void api_cursor_init(struct api *api);

/* api_etag.c: 304 instead of an answer whose ETag the caller has (RFC 9110 13.1.2). */
void api_if_none_match(struct api_request *r);
/* api_etag.c: pure part of api_if_match. false: malformed. */
bool api_if_match_parse(struct str value, struct versions *out) MUST_CHECK;

/* api_openapi_doc.c, made from doc/openapi.yaml: OpenAPI 3.1, and 3.0.3 */
extern const unsigned char api_openapi_doc[], api_openapi_30_doc[];
extern const size_t api_openapi_doc_len, api_openapi_30_doc_len;

#endif
