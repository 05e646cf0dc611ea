/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Who is asking: the bearer token, and the first batch that looks it up together with the handler's
 * own reads. Called by api.c and, through api_first(), by every handler of an authenticated route.
 *
 * The handler's statements carry the token's hash as a predicate. So one round trip answers "who"
 * and "what", and a stranger's statement finds nothing.
 */
#include "api_priv.h"
#include "base/chars.h"
#include "svc/session.h"
#include "svc/staff.h"

#define AUTH_AT 0 /* the first statement of a first batch */

/* Least role of a route, and the roles that have it. */
static const struct {
    enum staff_role least;
    const char *roles;
} staff_auth[] = {
    [AUTH_VIEWER] = {STAFF_VIEWER, "{viewer,agent,admin}"},
    [AUTH_AGENT] = {STAFF_AGENT, "{agent,admin}"},
    [AUTH_ADMIN] = {STAFF_ADMIN, "{admin}"},
};

/* b64token of RFC 6750 2.1 */
static bool auth_is_token_char(char c)
{
    return char_is_unreserved(c) || char_in(c, "+/=");
}

/* RFC 6750 2.1: the scheme's name in any case, one token. A second Authorization field makes both
 * void. */
static bool auth_bearer_token(const struct http_head *head, struct str *token)
{
    if (http_header_count(head, "Authorization") != 1)
        return false;
    struct str rest = http_header(head, "Authorization");
    if (!str_eq_nocase(str_cut(&rest, ' '), STR("Bearer")))
        return false;
    *token = str_trim(rest);
    return chars_all(*token, auth_is_token_char) && token->n <= API_BEARER_MAX;
}

/* Only the hash goes on from here. A bad token on a public route is ignored: clients send it
 * everywhere. */
enum err api_bearer(struct api_request *r)
{
    struct str token;
    if (auth_bearer_token(r->head, &token)) {
        char *hex = arena_alloc(r->svc.arena, SHA256_HEX_MAX);
        digest_sha256_hex(token, hex);
        r->auth_hash = hex;
    }
    return r->route->auth == AUTH_NONE || r->auth_hash ? ERR_OK : ERR_UNAUTHORIZED;
}

/* The claim writes, so with a key the batch is a transaction of its own. */
struct db_batch *api_first_batch(struct api_request *r)
{
    struct db_batch *b = db_batch(r->svc.db, r->svc.arena, r->idem ? DB_WRITE : DB_READ);
    if (r->route->auth == AUTH_CUSTOMER)
        (void)session_auth_add(b, r->auth_hash);
    else if (r->route->auth != AUTH_NONE)
        (void)staff_auth_add(b, r->auth_hash);
    if (r->idem)
        api_idem_claim(r, b,
                       r->route->auth >= AUTH_VIEWER ? staff_auth[r->route->auth].roles : NULL);
    return b;
}

static enum err auth_authenticated(struct api_request *r, struct db_batch *b)
{
    struct db_rows rows = db_result(b, AUTH_AT);
    if (r->route->auth == AUTH_CUSTOMER) {
        r->authenticated = session_auth_read(r->svc.arena, rows, &r->who);
        return r->authenticated ? ERR_OK : ERR_UNAUTHORIZED;
    }
    r->authenticated = staff_auth_read(r->svc.arena, rows, &r->who);
    if (!r->authenticated)
        return ERR_UNAUTHORIZED;
    /* 403 only for a key that is valid: an unknown one learns nothing about routes. */
    return r->who.role >= staff_auth[r->route->auth].least ? ERR_OK : ERR_FORBIDDEN;
}

enum err api_first(struct api_request *r, struct db_batch *b)
{
    r->first_ran = true;
    enum err e = db_run(b, r->svc.deadline);
    if (e != ERR_OK && r->idem)
        api_idem_doubt(r);
    if (e == ERR_COMMIT_UNKNOWN) /* nothing but the claim was written, and that is given up */
        return ERR_DB_UNAVAILABLE;
    if (e == ERR_OK && r->route->auth != AUTH_NONE)
        e = auth_authenticated(r, b);
    if (e == ERR_OK && r->idem)
        e = api_idem_claimed(r, b);
    return e;
}

/* "Not yours" and "not there" are one answer, 404. */
enum err api_first_seen(struct api_request *r, const struct db_stmt *seen, struct db_rows *rows)
{
    struct db_batch *b = api_first_batch(r);
    int i = DB_ADD(b, seen, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    *rows = db_result(b, i);
    return db_count(*rows) > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err api_refuse(struct api_request *r, enum err fault)
{
    if (r->route->auth == AUTH_NONE)
        return fault;
    /* With a usable Idempotency-Key the refusal is an outcome like any other: claimed now, stored
     * by the frame. */
    enum err e = api_first(r, api_first_batch(r));
    return e == ERR_OK ? fault : e;
}
