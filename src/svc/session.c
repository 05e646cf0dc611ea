/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sessions of customers. Called by otp_verify.c, which makes them, and by the authentication of the
 * api. The token is random and shown once; the table holds its SHA-256, so a stolen copy of the
 * table opens no session. */
#include "svc/session.h"

#include "base/rng.h"
#include "svc/customer.h"
#include "svc/svc_sql.h"

/* 256 random bits as base64url, which needs no escaping in a header. */
void session_token_new(struct session_token *t)
{
    unsigned char random[32];
    rng_bytes(random, sizeof random);
    size_t n = digest_base64url(random, sizeof random, t->text);
    digest_wipe(random, sizeof random);
    digest_sha256_hex((struct str){t->text, n}, t->hash);
}

/* A statement of the request's first batch: to authenticate costs no round trip of its own. */
int session_auth_add(struct db_batch *b, const char *token_hash)
{
    return DB_ADD(b, &stmt_session_auth, token_hash);
}

/* Texts are copied: the rows are gone with the handler's next batch. */
bool session_auth_read(struct arena *a, struct db_rows rows, struct principal *who)
{
    if (db_count(rows) == 0)
        return false;
    struct customer c;
    customer_read(rows, 0, &c);
    *who = (struct principal){
        .kind = WHO_CUSTOMER,
        .id = db_get_uuid(rows, 0, "id"),
        .phone = arena_strdup(a, c.phone),
        .customer_name = c.name ? arena_strdup(a, c.name) : NULL,
        .locale = c.locale,
        .customer_since = c.created_at,
        .actor = arena_printf(a, ACTOR_CUSTOMER_PREFIX "%s", db_get_str(rows, 0, "id")),
    };
    return true;
}

/* The row is deleted, so the next request with the token is a stranger's. */
enum err session_end(struct svc *s, const char *token_hash)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_session_delete, token_hash);
    return db_run(b, s->deadline);
}

/* For a phone that was lost: whoever has it now is signed out as well. */
enum err session_end_all(struct svc *s, const char *customer_id)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_session_delete_all, customer_id);
    return db_run(b, s->deadline);
}
