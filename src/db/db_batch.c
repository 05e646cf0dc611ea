/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Builds a batch: its statements and parameters, on the arena of the request. Called by every
 * service function; db_run.c runs what was built. */
#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "db_batch_priv.h"

/* A batch that only read may be run a second time over a new connection. */
void db_batch_reset(struct db_batch *b)
{
    memset(b->results, 0, sizeof(b->results));
    b->parts_n = b->at = 0;
    b->answered = b->ended = b->may_have_committed = false;
    b->error = NULL;
    b->error_at = -1;
    b->broken = false;
}

/* On the request's arena: results and texts live until the request ends, and nobody frees them. */
struct db_batch *db_batch(struct db *db, struct arena *a, enum db_kind kind)
{
    struct db_batch *b = ARENA_NEW(a, struct db_batch);

    b->db = db;
    b->arena = a;
    b->kind = kind;
    db_batch_reset(b);
    return b;
}

/* The array of parameters is copied, its texts are borrowed: both must live until the batch has
 * run. */
int db_add(struct db_batch *b, const struct db_stmt *stmt, const char *const *params, int n)
{
    ENSURE(!b->has_run && b->n < DB_BATCH_MAX && n >= 0 && n <= DB_PARAMS_MAX);
    const char **copy = arena_array(b->arena, (size_t)n, sizeof(*copy));
    for (int i = 0; i < n; i++)
        copy[i] = params[i];
    b->items[b->n] = (struct db_item){stmt, copy, n};
    return b->n++;
}

/* Parameters go as text: one form for all types, and no byte order to get wrong. */
const char *db_int(struct db_batch *b, int64_t v)
{
    char text[NUM_TEXT_MAX];

    return arena_strdup(b->arena, num_text(v, text));
}

/* The shortest of the forms that PostgreSQL reads for a boolean. */
const char *db_bool(bool v)
{
    return v ? "t" : "f";
}

/* In UTC with its offset, so that the session's time zone plays no part. */
const char *db_time(struct db_batch *b, struct wall w)
{
    return wall_format(w, arena_alloc(b->arena, WALL_RFC3339_MAX));
}

/* NULL stays NULL: SQL's null. */
const char *db_str(struct db_batch *b, struct str s)
{
    return s.p ? arena_strndup(b->arena, s.p, s.n) : NULL;
}
