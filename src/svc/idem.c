/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Idempotency keys: claiming one, storing the answer, giving it back. Called by the frame of the
 * api around handlers that change something. A key belongs to its caller, so the caller is part of
 * the table's primary key. The statements find the caller by the token's hash: the claim needs no
 * round trip of its own. */
#include "svc/idem.h"

#include <stdio.h>

#include "svc/svc_sql.h"

/* Visible ASCII: it stands in a header field, and in logs of clients. */
bool idem_key_valid(struct str key)
{
    if (key.n < 1 || key.n > IDEM_KEY_MAX)
        return false;
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < 0x21 || key.p[i] > 0x7E)
            return false;
    }
    return true;
}

/* The look-up follows in the same implicit transaction: it sees the claim, ours or the other's. */
int idem_claim_add(struct db_batch *b, const struct idem_claim *c, const char *roles,
                   int64_t claim_ms)
{
    const char *bearer_hash = c->bearer_hash;
    const char *ms = db_int(b, claim_ms);
    if (roles) {
        DB_ADD(b, &stmt_idem_claim_staff, bearer_hash, c->key, c->request_hash, c->holder.s, ms,
               roles);
        return DB_ADD(b, &stmt_idem_look_staff, bearer_hash, c->key, c->request_hash, c->holder.s,
                      roles);
    }
    DB_ADD(b, &stmt_idem_claim_customer, bearer_hash, c->key, c->request_hash, c->holder.s, ms);
    return DB_ADD(b, &stmt_idem_look_customer, bearer_hash, c->key, c->request_hash, c->holder.s);
}

/* The order matters: "same" is asked before "done", since another request must never get this
 * answer. */
enum idem_state idem_claim_read(struct db_rows rows, struct idem_claim *c, struct idem_outcome *out)
{
    /* Gone between two statements: that cannot be while we hold its lock, and is safe to repeat. */
    if (db_count(rows) == 0)
        return IDEM_IN_FLIGHT;
    if (db_get_bool(rows, 0, "mine")) {
        (void)snprintf(c->caller, sizeof c->caller, "%s", db_get_str(rows, 0, "caller"));
        return IDEM_MINE;
    }
    if (!db_get_bool(rows, 0, "same"))
        return IDEM_MISMATCH;
    if (db_is_null(rows, 0, "status"))
        return IDEM_IN_FLIGHT;
    *out = (struct idem_outcome){
        .status = (int)db_get_int(rows, 0, "status"),
        .headers = db_get(rows, 0, "headers"),
        .body = db_get(rows, 0, "body"),
    };
    return IDEM_DONE;
}

/* Fails when the claim is not the holder's any more: then another request has taken it over, and
 * only one of the two may commit. */
void idem_complete_add(struct db_batch *b, const struct idem_claim *c, const struct idem_outcome *o)
{
    DB_ADD(b, &stmt_idem_complete, c->caller, c->key, c->holder.s, db_int(b, o->status), o->headers,
           o->body, o->customer_id);
}

/* Whoever stored the first answer holds the key for good: nobody can have taken it over. */
void idem_amend_add(struct db_batch *b, const struct idem_claim *c, const struct idem_outcome *o)
{
    DB_ADD(b, &stmt_idem_amend, c->caller, c->key, c->holder.s, db_int(b, o->status), o->headers,
           o->body);
}

enum err idem_complete(struct svc *s, const struct idem_claim *c, const struct idem_outcome *o)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    idem_complete_add(b, c, o);
    return db_run(b, s->deadline);
}

/* Without the caller's id: as the claim itself, by the bearer. */
enum err idem_release(struct svc *s, const struct idem_claim *c)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    if (c->caller[0])
        DB_ADD(b, &stmt_idem_release, c->caller, c->key, c->holder.s);
    else
        DB_ADD(b, &stmt_idem_release_any, c->bearer_hash, c->key, c->holder.s);
    return db_run(b, s->deadline);
}
