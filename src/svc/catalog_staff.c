/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The staff's side of the catalog: what a key may see, and the writes with their audit rows. Called
 * by the handlers of /v1/staff/venues, services, resources, opening hours and closures. A change
 * first locks its row (catalog_hold), so that two members of staff never mix their edits. Its audit
 * row is in the same batch, so that neither exists without the other.
 */
#include "svc/audit.h"
#include "svc/catalog_write.h"

#include <string.h>

#include "svc/svc_sql.h"

/* Begins the transaction of a change, locks the row, and reads it. The row is read by a statement
 * of its own after the lock: it sees what another change has committed while this one waited. The
 * caller goes on inside the transaction, or leaves it to db_clean(). */
enum err catalog_hold(struct svc *s, enum catalog_kind kind, const char *key_hash, const char *id,
                      struct db_rows *row)
{
    static const struct {
        const struct db_stmt *lock, *seen;
    } kinds[] = {
        [CATALOG_VENUE] = {&stmt_catalog_venue_lock, &stmt_catalog_venue_seen},
        [CATALOG_SERVICE] = {&stmt_catalog_service_lock, &stmt_catalog_service_seen},
        [CATALOG_RESOURCE] = {&stmt_catalog_resource_lock, &stmt_catalog_resource_seen},
    };
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    DB_ADD(b, kinds[kind].lock, id);
    int i = DB_ADD(b, kinds[kind].seen, key_hash, id);
    enum err e = db_run(b, s->deadline);
    *row = e == ERR_OK ? db_result(b, i) : (struct db_rows){0};
    return e == ERR_OK && db_count(*row) == 0 ? ERR_NOT_FOUND : e;
}

/* A change is inside the transaction of its catalog_hold(). */
static struct db_batch *catalog_staff_check_batch(struct svc *s, bool is_new)
{
    return db_batch(s->db, s->arena, is_new ? DB_READ : DB_IN_TX);
}

/* A new row needs no lock before, so its save is a transaction of one batch. */
static struct db_batch *catalog_staff_save_batch(struct svc *s, bool is_new)
{
    return db_batch(s->db, s->arena, is_new ? DB_WHOLE_TX : DB_COMMIT);
}

/* The values of catalog_words, in the order of the statements that save them. */
#define WORDS_PARAMS(b, w)                                                   \
    (w).names[LOCALE_AR], (w).names[LOCALE_EN], (w).descriptions[LOCALE_AR], \
        (w).descriptions[LOCALE_EN], (w).category, db_int((b), (w).position), (w).photo_url

/* Under locks that hold off new bookings and new services: whether a venue may get another clock or
 * other money. */
static enum err catalog_staff_check_use(struct svc *s, const struct venue *v,
                                        const struct venue *old, struct venue_use *use)
{
    const bool clock = strcmp(v->time_zone, old->time_zone) != 0;
    const bool money = strcmp(v->currency, old->currency) != 0;
    if (!clock && !money)
        return ERR_OK;
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    DB_ADD(b, &stmt_catalog_venue_resources_lock, v->id.s);
    DB_ADD(b, &stmt_catalog_venue_lock_whole, v->id.s);
    int i = DB_ADD(b, &stmt_catalog_venue_use, v->id.s);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    use->bookings = db_get_int(db_result(b, i), 0, "bookings");
    /* Prices mean nothing without their currency; they do not depend on the clock. */
    use->services = money ? db_get_int(db_result(b, i), 0, "services") : 0;
    return use->bookings > 0 || use->services > 0 ? ERR_VENUE_IN_USE : ERR_OK;
}

/* The list of time zones is PostgreSQL's: it is the one that will compute with them. */
enum err catalog_save_venue(struct svc *s, const char *actor, const struct venue *v,
                            const struct venue *old, struct venue_use *use)
{
    const bool is_new = old == NULL;
    struct db_batch *check = catalog_staff_check_batch(s, is_new);
    int known = DB_ADD(check, &stmt_catalog_zone_known, v->time_zone);
    enum err e = db_run(check, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(check, known)) == 0)
        return ERR_VALIDATION;
    if (!is_new)
        e = catalog_staff_check_use(s, v, old, use);
    if (e != ERR_OK)
        return e;
    struct db_batch *b = catalog_staff_save_batch(s, is_new);
    DB_ADD(b, &stmt_catalog_venue_save, v->id.s, v->name, v->time_zone, v->currency,
           db_bool(v->active), locale_names[v->words.locale], v->address, v->phone, v->map_url,
           WORDS_PARAMS(b, v->words), v->reminders);
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = is_new ? "venue.create" : "venue.update",
                              .subject = v->id.s,
                              .venue_id = v->id.s});
    return db_run(b, s->deadline);
}

/* One text for any number of ids: a statement has a fixed number of parameters. */
static const char *catalog_staff_join_ids(struct svc *s, const struct service *v)
{
    struct sb sb;
    sb_init(&sb, s->arena, v->resources_n * (UUID_LEN + 1) + 1);
    /* Without ids the text is "" and not NULL: the statement then finds an empty list. */
    sb_puts(&sb, "");
    for (size_t i = 0; i < v->resources_n; i++) {
        if (i > 0)
            sb_putc(&sb, ',');
        sb_puts(&sb, v->resource_ids[i].s);
    }
    return sb.p;
}

/* Says which one is wrong, which the foreign key's error would not. */
static enum err catalog_staff_check_resources(struct svc *s, struct db_batch *b,
                                              const struct service *v, size_t *bad)
{
    int i = DB_ADD(b, &stmt_catalog_resources_unknown, v->venue_id.s, catalog_staff_join_ids(s, v));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK || db_count(db_result(b, i)) == 0)
        return e;
    *bad = (size_t)db_get_int(db_result(b, i), 0, "n");
    return ERR_VALIDATION;
}

/* NULL for the step: it follows the duration. NULL for the party: no limit. */
static void catalog_staff_add_service(struct svc *s, struct db_batch *b,
                                      const struct service_change *c)
{
    const struct service *v = c->after;
    DB_ADD(b, &stmt_catalog_service_save, v->venue_id.s, v->id.s, v->name,
           db_int(b, v->duration_minutes), v->grid_follows ? NULL : db_int(b, v->slot_step_minutes),
           db_int(b, v->buffer_before_minutes), db_int(b, v->buffer_after_minutes),
           db_int(b, v->price), service_payment_names[v->payment], db_int(b, v->min_notice_minutes),
           db_int(b, v->max_advance_days), db_int(b, v->free_cancellation_minutes),
           db_bool(v->active), v->max_party_size > 0 ? db_int(b, v->max_party_size) : NULL,
           WORDS_PARAMS(b, v->words), v->deposit_amount > 0 ? db_int(b, v->deposit_amount) : NULL,
           v->deposit_percent > 0 ? db_int(b, v->deposit_percent) : NULL);
    /* Links are replaced as a set; a PATCH without the member leaves them. */
    if (c->set_resources) {
        DB_ADD(b, &stmt_catalog_service_unlink, v->venue_id.s, v->id.s);
        DB_ADD(b, &stmt_catalog_service_link, v->venue_id.s, v->id.s, catalog_staff_join_ids(s, v));
    }
}

/* A service's bookings may stand on any resource of the venue, also on one whose link went earlier.
 * All are locked before the links change: whoever books one of them meanwhile waits, and then finds
 * the link gone. */
static enum err catalog_staff_lock_all(struct svc *s, const char *venue_id, const char **ids)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    const int i = DB_ADD(b, &stmt_catalog_venue_resources_lock, venue_id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    const struct db_rows rows = db_result(b, i);
    struct sb text;
    sb_init(&text, s->arena, (size_t)db_count(rows) * (UUID_LEN + 1) + 1);
    sb_puts(&text, "");
    for (int row = 0; row < db_count(rows); row++)
        sb_printf(&text, "%s%s", row > 0 ? "," : "", db_get_str(rows, row, "id"));
    *ids = text.p;
    return ERR_OK;
}

enum err catalog_save_service(struct svc *s, const char *actor, const struct service_change *c,
                              size_t *bad, struct catalog_conflicts *out)
{
    const struct service *v = c->after;
    const bool is_new = c->is_new, relinked = c->set_resources && !is_new;
    const char *all = "";
    enum err e = ERR_OK;
    *out = (struct catalog_conflicts){.total = 0};
    if (c->set_resources && v->resources_n > 0)
        e = catalog_staff_check_resources(s, catalog_staff_check_batch(s, is_new), v, bad);
    if (e == ERR_OK && relinked)
        e = catalog_staff_lock_all(s, v->venue_id.s, &all);
    if (e != ERR_OK)
        return e;
    struct db_batch *b =
        relinked ? db_batch(s->db, s->arena, DB_IN_TX) : catalog_staff_save_batch(s, is_new);
    catalog_staff_add_service(s, b, c);
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = is_new ? "service.create" : "service.update",
                              .subject = v->id.s,
                              .venue_id = v->venue_id.s});
    const struct conflict_question q = {.resources = all, .service_id = v->id.s};
    const int i = relinked ? catalog_conflicts_add(b, &q) : -1;
    e = db_run(b, s->deadline);
    return e == ERR_OK && relinked ? catalog_conflicts_commit(s, b, i, out) : e;
}

/* Asked for what was sent, changed or not: a repeat of the request gets the list again. */
enum err catalog_save_resource(struct svc *s, const char *actor, const struct resource_change *c,
                               struct catalog_conflicts *out)
{
    const struct resource *v = c->after;
    const bool is_new = c->is_new;
    struct db_batch *b = db_batch(s->db, s->arena, is_new ? DB_WHOLE_TX : DB_IN_TX);
    *out = (struct catalog_conflicts){.total = 0};
    DB_ADD(b, &stmt_catalog_resource_save, v->venue_id.s, v->id.s, v->name, db_int(b, v->capacity),
           db_bool(v->active), db_bool(v->listed), WORDS_PARAMS(b, v->words));
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = is_new ? "resource.create" : "resource.update",
                              .subject = v->id.s,
                              .venue_id = v->venue_id.s});
    if (is_new)
        return db_run(b, s->deadline);
    const struct conflict_question q = {
        .resources = v->id.s, .capacity = c->set_capacity, .retired = c->set_active};
    const int i = catalog_conflicts_add(b, &q);
    enum err e = db_run(b, s->deadline);
    return e == ERR_OK ? catalog_conflicts_commit(s, b, i, out) : e;
}

/* The week as three texts with commas, one statement for any number of openings. Old rows are
 * deleted in the same transaction: no reader sees a week without hours. */
enum err catalog_save_hours(struct svc *s, const char *actor, const struct resource *r,
                            const struct opening_list *list, struct catalog_conflicts *out)
{
    struct sb weekdays, opens, closes;
    sb_init(&weekdays, s->arena, list->n * 2 + 1);
    sb_init(&opens, s->arena, list->n * 5 + 1);
    sb_init(&closes, s->arena, list->n * 5 + 1);
    for (size_t i = 0; i < list->n; i++) {
        const struct opening *one = &list->items[i];
        const char *comma = i > 0 ? "," : "";
        sb_printf(&weekdays, "%s%lld", comma, (long long)one->weekday);
        sb_printf(&opens, "%s%lld", comma, (long long)one->opens_minute);
        sb_printf(&closes, "%s%lld", comma, (long long)one->closes_minute);
    }
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    /* Two weeks that are written at once would mix without it. */
    DB_ADD(b, &stmt_catalog_resource_lock, r->id.s);
    DB_ADD(b, &stmt_catalog_hours_clear, r->venue_id.s, r->id.s);
    /* A week without openings is allowed: the resource is then closed but for special hours. */
    if (list->n > 0)
        DB_ADD(b, &stmt_catalog_hours_put, r->venue_id.s, r->id.s, weekdays.p, opens.p, closes.p);
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = "opening_hours.replace",
                              .subject = r->id.s,
                              .venue_id = r->venue_id.s});
    const struct conflict_question q = {.resources = r->id.s, .hours = true};
    const int i = catalog_conflicts_add(b, &q);
    enum err e = db_run(b, s->deadline);
    return e == ERR_OK ? catalog_conflicts_commit(s, b, i, out) : e;
}

/* The lock of the resource, or of all of the venue's: a booking that is made at the same time is
 * either listed as a conflict, or sees the closure. */
enum err catalog_add_closure(struct svc *s, const char *actor, const struct closure *c,
                             struct catalog_conflicts *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const char *resource = c->resource_id.s[0] != '\0' ? c->resource_id.s : NULL;
    if (resource)
        DB_ADD(b, &stmt_catalog_resource_lock, resource);
    else
        DB_ADD(b, &stmt_catalog_venue_resources_lock, c->venue_id.s);
    DB_ADD(b, &stmt_catalog_closure_add, c->venue_id.s, c->id.s, resource, db_time(b, c->starts_at),
           db_time(b, c->ends_at), c->reason);
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = "closure.create",
                              .subject = c->id.s,
                              .venue_id = c->venue_id.s});
    const int i = DB_ADD(b, &stmt_catalog_closure_conflicts, c->venue_id.s, resource,
                         db_time(b, c->starts_at), db_time(b, c->ends_at));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        return catalog_conflicts_commit(s, b, i, out);
    db_clean(s->db, s->deadline);
    /* The resource belongs to another venue, or is gone. */
    return e == ERR_DB_FOREIGN_KEY ? ERR_VALIDATION : e;
}

/* No lock: more room can leave nobody without a place. */
enum err catalog_delete_closure(struct svc *s, const char *actor, const struct closure *c)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    DB_ADD(b, &stmt_catalog_closure_delete, c->venue_id.s, c->id.s);
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = "closure.delete",
                              .subject = c->id.s,
                              .venue_id = c->venue_id.s});
    return db_run(b, s->deadline);
}
