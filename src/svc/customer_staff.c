/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Customers as staff see and change them. Called by the handlers of /v1/staff/customers. Which
 * customers a key sees is a predicate of every statement, over the key's hash. */
#include "svc/customer_staff.h"

#include "svc/audit.h"
#include "svc/svc_sql.h"

/* No row for a customer that the key may not see, as for one that does not exist. */
int customer_add_find_staff(struct db_batch *b, const char *key_hash, const char *id)
{
    return DB_ADD(b, &stmt_customer_find_staff, key_hash, id);
}

/* How often the customer came, cancelled, or did not come, as far as the key may see. */
int customer_add_counts(struct db_batch *b, const char *key_hash, const char *id)
{
    return DB_ADD(b, &stmt_customer_counts, key_hash, id);
}

/* The newest first, at most `rows`. */
int customer_add_bookings(struct db_batch *b, const char *key_hash, const char *id, int64_t rows)
{
    return DB_ADD(b, &stmt_customer_bookings, key_hash, id, db_int(b, rows));
}

/* Two statements, because the list without a filter walks an index in order, which a filter by text
 * would spoil. */
int customer_add_search(struct db_batch *b, const char *key_hash, const struct customer_search *q)
{
    if (!q->phones && !q->name)
        return DB_ADD(b, &stmt_customer_list_staff, key_hash, q->after_us, q->after_id,
                      db_int(b, q->rows));
    return DB_ADD(b, &stmt_customer_search_staff, key_hash, q->after_us, q->after_id,
                  db_int(b, q->rows), q->phones, q->name);
}

/* created_us as text too: a cursor must hold exactly what the statement compares with. */
void customer_read_seen(struct db_rows rows, int row, struct customer_seen *out)
{
    const bool blocked = !db_is_null(rows, row, "blocked_us");
    *out = (struct customer_seen){
        .id = db_get_str(rows, row, "id"),
        .phone = db_get_str(rows, row, "phone"),
        .name = db_get(rows, row, "name"),
        .guest_name = db_get(rows, row, "guest_name"),
        .note = db_get(rows, row, "note"),
        .locale = db_get_str(rows, row, "locale"),
        .created_at = db_get_time(rows, row, "created_us"),
        .created_us = db_get_str(rows, row, "created_us"),
        .blocked = blocked,
        .blocked_at = blocked ? db_get_time(rows, row, "blocked_us") : (struct wall){0},
        .elsewhere = db_get_bool(rows, row, "elsewhere"),
    };
}

/* Which members were changed; their values are personal data and stay out of the audit log. */
static const char *customer_staff_changed(struct arena *a, const struct customer_edit *e)
{
    struct sb list;
    sb_init(&list, a, 96);
    sb_printf(&list, "{\"changed\":[%s%s%s%s", e->name ? "\"name\"," : "",
              e->locale ? "\"locale\"," : "", e->blocked ? "\"blocked\"," : "",
              e->has_note ? "\"note\"," : "");
    struct str text = sb_str(&list);
    /* A PATCH has at least one member, so there is a comma to take off. */
    return arena_printf(a, "%.*s]}", (int)text.n - 1, text.p);
}

/* A key of one venue writes a note of its venue; others write the note that all venues see. */
static void customer_staff_add_note(struct db_batch *b, const struct principal *who,
                                    const struct customer_edit *e)
{
    if (!who->one_venue)
        DB_ADD(b, &stmt_customer_set_note, e->id, e->note);
    else if (e->note)
        DB_ADD(b, &stmt_customer_set_venue_note, e->id, e->note, who->venue_id.s);
    else
        DB_ADD(b, &stmt_customer_drop_venue_note, e->id, who->venue_id.s);
}

/* Ends with a read inside the same transaction: what is answered is what was stored. A block ends
 * all sessions, so that no old one is valid again after the block is lifted. */
enum err customer_edit(struct svc *s, const struct principal *who, const struct customer_edit *e,
                       struct customer_seen *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    if (e->name || e->locale || e->blocked)
        DB_ADD(b, &stmt_customer_set_account, e->id, e->name, e->locale,
               e->blocked ? db_bool(*e->blocked) : NULL);
    if (e->blocked && *e->blocked)
        DB_ADD(b, &stmt_session_delete_all, e->id);
    if (e->has_note)
        customer_staff_add_note(b, who, e);
    audit_add(s, b,
              &(struct audit){.actor = who->actor,
                              .action = !e->blocked   ? "customer.update"
                                        : *e->blocked ? "customer.block"
                                                      : "customer.unblock",
                              .subject = e->id,
                              .venue_id = who->one_venue ? who->venue_id.s : NULL,
                              .detail = customer_staff_changed(s->arena, e)});
    int at = customer_add_find_staff(b, e->key_hash, e->id);
    enum err err = db_run(b, s->deadline);
    if (err != ERR_OK)
        return err;
    if (db_count(db_result(b, at)) == 0)
        return ERR_NOT_FOUND;
    customer_read_seen(db_result(b, at), 0, out);
    return ERR_OK;
}

/* What `from` had moves first, then `from` is emptied as by an erasure. Its row stays with a mark
 * of where it went, so that old references lead somewhere. */
static enum err customer_staff_merge_locked(struct svc *s, const struct principal *who,
                                            const char *from, const char *into, const char *phone)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &stmt_customer_merge_bookings, from, into);
    DB_ADD(b, &stmt_customer_merge_notes, from, into);
    DB_ADD(b, &stmt_customer_erase_venue_notes, from);
    DB_ADD(b, &stmt_customer_merge_account, from, into);
    /* A person who was blocked under one phone is not signed in under the other. */
    DB_ADD(b, &stmt_customer_merge_end_blocked, into);
    /* Whoever has the old phone must not stay signed in as the person that both have become. */
    DB_ADD(b, &stmt_customer_erase_sessions, from);
    DB_ADD(b, &stmt_customer_erase_answers, from);
    DB_ADD(b, &stmt_customer_erase_challenges, phone, from);
    DB_ADD(b, &stmt_customer_erase_row, from);
    DB_ADD(b, &stmt_customer_merge_mark, from, into);
    audit_add(s, b,
              &(struct audit){.actor = who->actor,
                              .action = "customer.merge",
                              .subject = from,
                              .venue_id = who->one_venue ? who->venue_id.s : NULL,
                              .detail = arena_printf(s->arena, "{\"into\":\"%s\"}", into)});
    return db_run(b, s->deadline);
}

/* Both rows are locked by one statement in id order: two merges of the same pair cannot
 * deadlock. */
enum err customer_merge(struct svc *s, const struct principal *who, const char *from,
                        const char *into)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int lock = DB_ADD(b, &stmt_customer_lock_two, from, into);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, lock);
    /* Erased, or merged into another one, between the look and the lock. */
    if (db_count(rows) != 2) {
        db_clean(s->db, s->deadline);
        return ERR_NOT_FOUND;
    }
    const int row = strcmp(db_get_str(rows, 0, "id"), from) == 0 ? 0 : 1;
    return customer_staff_merge_locked(s, who, from, into, db_get_str(rows, row, "phone"));
}
