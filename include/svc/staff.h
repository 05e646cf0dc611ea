/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Staff keys: made, listed and revoked on the command line; presented as bearer tokens. Only their
 * SHA-256 is stored.
 */
#ifndef BOOKINGD_SVC_STAFF_H
#define BOOKINGD_SVC_STAFF_H

#include "svc/svc.h"

/*
 * A new key; its text is in *key_out (on the arena) this once. ERR_VALIDATION: the name is not 1 to
 * 64 printable characters; ERR_DB_UNIQUE: the name was used before, revoked keys included;
 * ERR_NOT_FOUND: no such venue; or a database error.
 */
enum err staff_key_create(struct svc *s, const char *name, enum staff_role role,
                          const char *venue_id_or_null, const char **key_out) MUST_CHECK;

struct staff_key {
    const char *id, *name, *role;
    const char *venue_id; /* NULL: every venue */
    struct wall created_at;
    bool revoked;
    struct wall revoked_at; /* when revoked */
};
/* All keys by name, on the arena. */
enum err staff_key_list(struct svc *s, const struct staff_key **out, size_t *n) MUST_CHECK;
/* The key stops working at once. ERR_NOT_FOUND: no live key of that name. */
enum err staff_key_revoke(struct svc *s, const char *name) MUST_CHECK;

/* Authentication: adds the look-up of a key by the hash of its text; then who it is, false for
 * nobody. */
int staff_auth_add(struct db_batch *b, const char *key_hash);
bool staff_auth_read(struct arena *a, struct db_rows rows, struct principal *who) MUST_CHECK;

#endif
