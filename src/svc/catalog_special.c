/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Hours of certain dates, which replace the weekly ones of a resource. Called by the handlers of
 * staff. Each function is one transaction under the resource's lock, and reports the bookings that
 * no longer fit. */
#include "svc/audit.h"
#include "svc/catalog_write.h"
#include "svc/svc_sql.h"

/* The lock comes first: whoever books the resource meanwhile waits, and is then judged by the new
 * hours. */
static struct db_batch *catalog_special_begin(struct svc *s, const struct resource *r)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    DB_ADD(b, &stmt_catalog_resource_lock, r->id.s);
    return b;
}

/* Minutes as two texts with commas: one statement for any number of openings. Five characters hold
 * "1440,". */
static void catalog_special_put(struct svc *s, struct db_batch *b, const struct resource *r,
                                const struct special_hours *h)
{
    struct sb opens, closes;
    sb_init(&opens, s->arena, h->n * 5 + 1);
    sb_init(&closes, s->arena, h->n * 5 + 1);
    sb_puts(&opens, "");
    sb_puts(&closes, "");
    for (size_t i = 0; i < h->n; i++) {
        const char *comma = i > 0 ? "," : "";
        sb_printf(&opens, "%s%lld", comma, (long long)h->items[i].opens_minute);
        sb_printf(&closes, "%s%lld", comma, (long long)h->items[i].closes_minute);
    }
    DB_ADD(b, &stmt_catalog_special_add, r->venue_id.s, h->id.s, r->id.s, h->first_day, h->last_day,
           opens.p, closes.p, h->note);
}

/* Adds the audit row and the question about conflicts, runs the batch, and commits. Two ranges that
 * share a date violate the exclusion constraint, whoever wrote the other one. */
static enum err catalog_special_end(struct svc *s, struct db_batch *b, const struct audit *audit,
                                    struct catalog_conflicts *out)
{
    audit_add(s, b, audit);
    const struct conflict_question q = {.resources = audit->subject, .hours = true};
    const int i = catalog_conflicts_add(b, &q);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        return catalog_conflicts_commit(s, b, i, out);
    db_clean(s->db, s->deadline);
    return e == ERR_DB_EXCLUSION ? ERR_VALIDATION : e;
}

enum err catalog_special_add(struct svc *s, const char *actor, const struct resource *r,
                             const struct special_hours *h, struct catalog_conflicts *out)
{
    struct db_batch *b = catalog_special_begin(s, r);
    catalog_special_put(s, b, r, h);
    return catalog_special_end(s, b,
                               &(struct audit){.actor = actor,
                                               .action = "special_hours.create",
                                               .subject = r->id.s,
                                               .venue_id = r->venue_id.s},
                               out);
}

/* Deleted and written anew: identifiers of ranges change, but no request ever refers to an old
 * list. */
enum err catalog_special_replace(struct svc *s, const char *actor, const struct resource *r,
                                 const struct special_list *list, struct catalog_conflicts *out)
{
    struct db_batch *b = catalog_special_begin(s, r);
    DB_ADD(b, &stmt_catalog_special_clear, r->venue_id.s, r->id.s);
    for (size_t i = 0; i < list->n; i++)
        catalog_special_put(s, b, r, &list->items[i]);
    return catalog_special_end(s, b,
                               &(struct audit){.actor = actor,
                                               .action = "special_hours.replace",
                                               .subject = r->id.s,
                                               .venue_id = r->venue_id.s},
                               out);
}

/* The deletion runs first, since only its count says whether the range existed. */
enum err catalog_special_delete(struct svc *s, const char *actor, const struct resource *r,
                                const char *id, struct catalog_conflicts *out)
{
    struct db_batch *b = catalog_special_begin(s, r);
    const int gone = DB_ADD(b, &stmt_catalog_special_delete, r->venue_id.s, r->id.s, id);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && db_count(db_result(b, gone)) == 0)
        e = ERR_NOT_FOUND;
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    return catalog_special_end(s, db_batch(s->db, s->arena, DB_IN_TX),
                               &(struct audit){.actor = actor,
                                               .action = "special_hours.delete",
                                               .subject = r->id.s,
                                               .venue_id = r->venue_id.s},
                               out);
}
