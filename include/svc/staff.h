/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Staff keys: made, listed and revoked on the command line and by administrators; presented as
 * bearer tokens. Only their SHA-256 is stored. Database errors pass through. */
#ifndef BOOKINGD_SVC_STAFF_H
#define BOOKINGD_SVC_STAFF_H

#include "svc/svc.h"

struct staff_key {
    const char *id, *name, *role;
    const char *venue_id; /* NULL: every venue */
    struct wall created_at;
    bool revoked;
    struct wall revoked_at; /* when revoked */
};
struct staff_key_order {
    const char *actor, *name;
    enum staff_role role;
    const char *venue_id; /* NULL: every venue */
};
struct staff_key_made {
    struct staff_key key;
    const char *text;       /* on the arena, this once: what the bearer presents */
    struct wall expires_at; /* of a desk session; us 0: never */
};
/*
 * A new key. ERR_VALIDATION: the name is not 1 to 64 printable characters; ERR_STAFF_KEY_EXISTS:
 * the name was used before, revoked keys included; ERR_NOT_FOUND: no such venue; or a database
 * error.
 */
enum err staff_key_add(struct svc *s, const struct staff_key_order *o,
                       struct staff_key_made *made) MUST_CHECK;
/* The same for the command line. */
enum err staff_key_create(struct svc *s, const char *name, enum staff_role role,
                          const char *venue_id_or_null, const char **key_out) MUST_CHECK;

/* All keys by name, on the arena. */
enum err staff_key_list(struct svc *s, const struct staff_key **out, size_t *n) MUST_CHECK;
/* The key stops working at once. ERR_NOT_FOUND: no live key of that name. */
enum err staff_key_revoke(struct svc *s, const char *name) MUST_CHECK;

/*
 * A link to the desk page: *code is valid once, for five minutes. Errors as of staff_key_add, but
 * the name may be in use. The session that it becomes is a key for twelve hours.
 */
enum err staff_link_make(struct svc *s, const struct staff_key_order *o,
                         const char **code) MUST_CHECK;
/* ERR_NOT_FOUND: the code was used, is too old, or was never made. */
enum err staff_link_use(struct svc *s, const char *code, struct staff_key_made *made) MUST_CHECK;

/*
 * For handlers: what an administrator's key may see, by name, for the first batch of a request, and
 * a row of it. after_name is the last name of the page before, or NULL.
 */
int staff_add_list_seen(struct db_batch *b, const char *key_hash, const char *after_name,
                        int64_t rows);
void staff_read_key(struct db_rows rows, int row, struct staff_key *out);
/* By id, of what `who` may see. ERR_NOT_FOUND: no live key. */
enum err staff_key_revoke_one(struct svc *s, const struct principal *who,
                              const char *id) MUST_CHECK;

/* Authentication: adds the look-up of a key by the hash of its text; then who it is, false for
 * nobody. */
int staff_auth_add(struct db_batch *b, const char *key_hash);
bool staff_auth_read(struct arena *a, struct db_rows rows, struct principal *who) MUST_CHECK;

#endif
