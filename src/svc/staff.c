/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Keys of staff. Called by the command `bookingd staff-key`, the handlers of /v1/staff/keys and the
 * authentication of the api. A key is shown once, when it is made; the table holds its SHA-256. The
 * key itself is random, so a plain hash is enough: there is nothing to guess. A key has one role
 * and covers all venues or one; what that permits is a predicate of each statement. Keys are
 * revoked, never deleted, since history and audit log name them. */
#include "svc/staff.h"

#include "base/digest.h"
#include "base/ensure.h"
#include "base/names.h"
#include "base/rng.h"
#include "base/text_rules.h"
#include "svc/audit.h"
#include "svc/svc_sql.h"

#define KEY_PREFIX "bks_" /* lets scanners of repositories and logs recognise a leaked key */
/* 256 bits: beyond guessing, whatever the number of keys. */
#define KEY_RANDOM 32
/* The same as the CHECK of staff_keys.name, and short enough for a line of the audit log. */
#define NAME_MAX_CHARS 64

/* The name as it is stored, which goes into logs, history and tables; NULL when it cannot be one.
 */
static const char *staff_clean_name(struct arena *a, struct str name)
{
    struct str clean;
    if (!str_utf8_valid(name) || text_clean(a, name, TEXT_LABEL, &clean) != NULL ||
        str_utf8_len(clean) > NAME_MAX_CHARS)
        return NULL;
    return clean.p;
}

/* A time of 0 would print as 1970, so that `revoked` says whether there is one. */
void staff_read_key(struct db_rows rows, int row, struct staff_key *out)
{
    bool revoked = !db_is_null(rows, row, "revoked_us");
    *out = (struct staff_key){
        .id = db_get_str(rows, row, "id"),
        .name = db_get_str(rows, row, "name"),
        .role = db_get_str(rows, row, "role"),
        .venue_id = db_get(rows, row, "venue_id"),
        .created_at = db_get_time(rows, row, "created_us"),
        .revoked = revoked,
        .revoked_at = revoked ? db_get_time(rows, row, "revoked_us") : (struct wall){0},
    };
}

/* A secret for a bearer, and its hash, which alone is stored. */
static const char *staff_random_key(struct arena *a, const char *prefix, char hash[SHA256_HEX_MAX])
{
    unsigned char random[KEY_RANDOM];
    char text[2 * KEY_RANDOM];
    rng_bytes(random, sizeof random);
    digest_base64url(random, sizeof random, text);
    const char *key = arena_printf(a, "%s%s", prefix, text);
    digest_sha256_hex(str_of(key), hash);
    return key;
}

/* One transaction for key and audit row: no key exists that nobody is recorded to have made. */
enum err staff_key_add(struct svc *s, const struct staff_key_order *o, struct staff_key_made *made)
{
    ENSURE(o->role < STAFF_ROLE_COUNT);
    struct uuid venue;
    const char *name = staff_clean_name(s->arena, str_of(o->name));
    if (!name)
        return ERR_VALIDATION;
    if (o->venue_id && !uuid_parse(str_of(o->venue_id), &venue))
        return ERR_NOT_FOUND;

    char hash[SHA256_HEX_MAX];
    const char *key = staff_random_key(s->arena, KEY_PREFIX, hash);

    struct uuid id = uuid_new();
    const char *venue_id = o->venue_id ? venue.s : NULL;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    int at = DB_ADD(b, &stmt_staff_insert, id.s, name, hash, staff_role_names[o->role], venue_id);
    audit_add(s, b,
              &(struct audit){.actor = o->actor,
                              .action = "staff_key.create",
                              .subject = id.s,
                              .venue_id = venue_id});
    enum err e = db_run(b, s->deadline);
    /* The constraint decides, not a look before: the venue may go between the two. */
    if (e == ERR_DB_FOREIGN_KEY)
        return ERR_NOT_FOUND;
    if (e == ERR_DB_UNIQUE)
        return ERR_STAFF_KEY_EXISTS;
    if (e == ERR_OK) {
        staff_read_key(db_result(b, at), 0, &made->key);
        made->text = key;
    }
    return e;
}

/* For the command line, which acts as nobody in particular. */
enum err staff_key_create(struct svc *s, const char *name, enum staff_role role,
                          const char *venue_id_or_null, const char **key_out)
{
    struct staff_key_made made;
    enum err e = staff_key_add(
        s,
        &(struct staff_key_order){
            .actor = ACTOR_COMMAND_LINE, .name = name, .role = role, .venue_id = venue_id_or_null},
        &made);
    if (e == ERR_OK)
        *key_out = made.text;
    return e;
}

/* All keys in one answer, for the command line: an installation has tens of them. */
enum err staff_key_list(struct svc *s, const struct staff_key **out, size_t *n)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int at = db_add(b, &stmt_staff_list, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    struct staff_key *keys = arena_array(s->arena, (size_t)db_count(rows), sizeof *keys);
    for (int i = 0; i < db_count(rows); i++)
        staff_read_key(rows, i, &keys[i]);
    *out = keys;
    *n = (size_t)db_count(rows);
    return ERR_OK;
}

/* In pages, for the API: a key of one venue sees that venue's keys only. */
int staff_add_list_seen(struct db_batch *b, const char *key_hash, const char *after_name,
                        int64_t rows)
{
    return DB_ADD(b, &stmt_staff_list_seen, key_hash, after_name, db_int(b, rows));
}

/* Two round trips, since the audit row needs the venue that the first one finds. A key of another
 * venue is not found. */
enum err staff_key_revoke_one(struct svc *s, const struct principal *who, const char *id)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int at = DB_ADD(b, &stmt_staff_revoke_one, id, who->one_venue ? who->venue_id.s : NULL);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    if (db_count(rows) == 0) {
        db_clean(s->db, s->deadline);
        return ERR_NOT_FOUND;
    }
    const char *venue_id = db_get(rows, 0, "venue_id");
    b = db_batch(s->db, s->arena, DB_COMMIT);
    audit_add(s, b,
              &(struct audit){.actor = who->actor,
                              .action = "staff_key.revoke",
                              .subject = id,
                              .venue_id = venue_id});
    return db_run(b, s->deadline);
}

/* By name, for the command line. Revoking twice is ERR_NOT_FOUND the second time. */
enum err staff_key_revoke(struct svc *s, const char *name)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int at = DB_ADD(b, &stmt_staff_revoke, name);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, at)) == 0) {
        db_clean(s->db, s->deadline);
        return ERR_NOT_FOUND;
    }
    const char *id = db_get_str(db_result(b, at), 0, "id");
    b = db_batch(s->db, s->arena, DB_COMMIT);
    audit_add(
        s, b,
        &(struct audit){.actor = ACTOR_COMMAND_LINE, .action = "staff_key.revoke", .subject = id});
    return db_run(b, s->deadline);
}

/* The first statement of every staff request's first batch; staff_auth_read() reads its rows. */
int staff_auth_add(struct db_batch *b, const char *key_hash)
{
    return DB_ADD(b, &stmt_staff_auth, key_hash);
}

static enum staff_role staff_find_role(const char *name)
{
    const int i = name_find(staff_role_names, STAFF_ROLE_COUNT, str_of(name));
    return i >= 0 ? (enum staff_role)i : STAFF_VIEWER; /* the least, should a name be unknown */
}

/* Texts are copied to the arena: the rows go with the next batch, the principal lives as long as
 * the request. */
bool staff_auth_read(struct arena *a, struct db_rows rows, struct principal *who)
{
    if (db_count(rows) == 0)
        return false;
    *who = (struct principal){
        .kind = WHO_STAFF,
        .id = db_get_uuid(rows, 0, "id"),
        .role = staff_find_role(db_get_str(rows, 0, "role")),
        .staff_name = arena_strdup(a, db_get_str(rows, 0, "name")),
        .one_venue = !db_is_null(rows, 0, "venue_id"),
    };
    if (who->one_venue)
        who->venue_id = db_get_uuid(rows, 0, "venue_id");
    who->actor = arena_printf(a, ACTOR_STAFF_PREFIX "%s", who->staff_name);
    return true;
}

/* ---- links to the desk page ---- */

/* Long enough to paste it into a chat, too short to be found in one; a working day and its
 * overtime. */
#define LINK_MS (INT64_C(5) * 60 * 1000)
#define SESSION_MS (INT64_C(12) * 60 * 60 * 1000)
#define LINK_PREFIX "bkl_"

/* The hash alone is stored, as for keys: whoever reads the table cannot open the desk. */
enum err staff_link_make(struct svc *s, const struct staff_key_order *o, const char **code)
{
    struct uuid venue;
    char hash[SHA256_HEX_MAX];
    const char *name = staff_clean_name(s->arena, str_of(o->name));
    if (!name)
        return ERR_VALIDATION;
    if (o->venue_id && !uuid_parse(str_of(o->venue_id), &venue))
        return ERR_NOT_FOUND;
    const char *venue_id = o->venue_id ? venue.s : NULL;
    *code = staff_random_key(s->arena, LINK_PREFIX, hash);
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    (void)DB_ADD(b, &stmt_staff_link_insert, hash, name, staff_role_names[o->role], venue_id,
                 db_int(b, LINK_MS));
    audit_add(s, b,
              &(struct audit){.actor = o->actor,
                              .action = "desk_link.create",
                              .subject = name,
                              .venue_id = venue_id});
    enum err e = db_run(b, s->deadline);
    return e == ERR_DB_FOREIGN_KEY ? ERR_NOT_FOUND : e;
}

/* The code is deleted in the transaction that makes the session: of two who use it one gets in. */
enum err staff_link_use(struct svc *s, const char *code, struct staff_key_made *made)
{
    char code_hash[SHA256_HEX_MAX], hash[SHA256_HEX_MAX];
    struct uuid id = uuid_new();
    digest_sha256_hex(str_of(code), code_hash);
    made->text = staff_random_key(s->arena, KEY_PREFIX, hash);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int at = DB_ADD(b, &stmt_staff_link_use, code_hash, id.s, hash, db_int(b, SESSION_MS));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    if (db_count(rows) == 0) {
        /* An old link is deleted with this, too. */
        b = db_batch(s->db, s->arena, DB_COMMIT);
        e = db_run(b, s->deadline);
        return e == ERR_OK ? ERR_NOT_FOUND : e;
    }
    staff_read_key(rows, 0, &made->key);
    made->expires_at = db_get_time(rows, 0, "expires_us");
    b = db_batch(s->db, s->arena, DB_COMMIT);
    audit_add(
        s, b,
        &(struct audit){.actor = arena_printf(s->arena, ACTOR_STAFF_PREFIX "%s", made->key.name),
                        .action = "desk_link.use",
                        .subject = made->key.id,
                        .venue_id = made->key.venue_id});
    return db_run(b, s->deadline);
}
