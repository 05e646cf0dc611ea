/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "svc/idem.h"

#include <stdio.h>

/*
 * The row is made, or taken over when its claim is dead or its day is over; else nothing changes
 * but that the row is locked until this batch ends, so that the look-up behind it sees it as it is.
 * $1 bearer, $2 key, $3 hash, $4 holder, $5 ms, $6 roles.
 */
#define CLAIM(caller_from)                                                                     \
    "INSERT INTO idempotency_keys AS i (caller, key, request_hash, holder, claimed_until)"     \
    " SELECT w.caller, $2, $3, $4, clock_timestamp() + $5::bigint * interval '1 millisecond' " \
    "FROM (" caller_from ") w"                                                                 \
    " ON CONFLICT (caller, key) DO UPDATE SET request_hash = excluded.request_hash, holder = " \
    "excluded.holder,"                                                                         \
    " claimed_until = excluded.claimed_until, status = NULL, headers = NULL, body = NULL, "    \
    "customer_id = NULL,"                                                                      \
    " created_at = now()"                                                                      \
    " WHERE (i.status IS NULL AND i.claimed_until < clock_timestamp() AND i.request_hash = "   \
    "excluded.request_hash)"                                                                   \
    " OR (i.created_at < now() - interval '24 hours' AND (i.status IS NOT NULL OR "            \
    "i.claimed_until < "                                                                       \
    "clock_timestamp()))"
#define LOOK_UP(caller_from)                                                                       \
    "SELECT i.caller, i.holder = $4 AS mine, i.request_hash = $3 AS same, i.status, i.headers, "   \
    "i.body"                                                                                       \
    " FROM idempotency_keys i WHERE i.key = $2 AND i.caller = (SELECT w.caller FROM (" caller_from \
    ") w)"
#define BY_CUSTOMER                                                                              \
    "SELECT 'customer:' || s.customer_id AS caller FROM sessions s WHERE s.token_hash = $1 AND " \
    "s.expires_at > now()"
#define BY_STAFF(roles)                                   \
    "SELECT 'staff:' || k.id AS caller FROM staff_keys k" \
    " WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND k.role = ANY (" roles "::text[])"

static const struct db_stmt claim_customer = {"idem_claim_customer", CLAIM(BY_CUSTOMER)};
static const struct db_stmt look_customer = {"idem_look_customer", LOOK_UP(BY_CUSTOMER)};
static const struct db_stmt claim_staff = {"idem_claim_staff", CLAIM(BY_STAFF("$6"))};
static const struct db_stmt look_staff = {"idem_look_staff", LOOK_UP(BY_STAFF("$5"))};
/* No row means that the claim was lost: the division ends the transaction. */
static const struct db_stmt complete = {
    "idem_complete",
    "WITH done AS (UPDATE idempotency_keys SET status = $4::integer, headers = $5, body = $6, "
    "customer_id = $7::uuid"
    " WHERE caller = $1 AND key = $2 AND holder = $3 AND status IS NULL RETURNING 1)"
    " SELECT 1 / count(*) AS stored FROM done",
};
static const struct db_stmt release = {
    "idem_release",
    "DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND holder = $3 AND status IS "
    "NULL",
};
static const struct db_stmt release_any = {
    "idem_release_any",
    "DELETE FROM idempotency_keys WHERE key = $1 AND holder = $2 AND status IS NULL",
};

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

int idem_claim_add(struct db_batch *b, const struct idem_claim *c, const char *bearer_hash,
                   const char *roles, int64_t claim_ms)
{
    const char *ms = db_int(b, claim_ms);
    if (roles) {
        DB_ADD(b, &claim_staff, bearer_hash, c->key, c->request_hash, c->holder.s, ms, roles);
        return DB_ADD(b, &look_staff, bearer_hash, c->key, c->request_hash, c->holder.s, roles);
    }
    DB_ADD(b, &claim_customer, bearer_hash, c->key, c->request_hash, c->holder.s, ms);
    return DB_ADD(b, &look_customer, bearer_hash, c->key, c->request_hash, c->holder.s);
}

enum idem_state idem_claim_read(struct db_rows rows, struct idem_claim *c, struct idem_outcome *out)
{
    if (db_count(rows) ==
        0) /* gone between two statements: cannot be while we hold its lock, and safe to repeat */
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

void idem_complete_add(struct db_batch *b, const struct idem_claim *c, const struct idem_outcome *o)
{
    DB_ADD(b, &complete, c->caller, c->key, c->holder.s, db_int(b, o->status), o->headers, o->body,
           o->customer_id);
}

enum err idem_complete(struct svc *s, const struct idem_claim *c, const struct idem_outcome *o)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    idem_complete_add(b, c, o);
    return db_run(b, s->deadline);
}

enum err idem_release(struct svc *s, const struct idem_claim *c)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    if (c->caller[0])
        DB_ADD(b, &release, c->caller, c->key, c->holder.s);
    else
        DB_ADD(b, &release_any, c->key, c->holder.s);
    return db_run(b, s->deadline);
}
