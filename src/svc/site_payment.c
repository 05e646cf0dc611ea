/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Money that staff were given on site: the rest after a deposit, or all of it. Called by the
 * handlers of staff bookings. No gateway knows of it, so nothing is asked and nothing is settled.
 */
#include "svc/site_payment.h"

#include "base/ensure.h"
#include "base/names.h"
#include "booking_priv.h"
#include "svc/audit.h"
#include "svc/booking_reads.h"
#include "svc/svc_sql.h"
#include "sys/json.h"

/* Cash leaves no trace with a gateway: the audit log alone says who took which amount. */
static void site_payment_add_audit(struct svc *s, struct db_batch *b, const struct site_payment *p)
{
    json_t *detail = json_obj(s->arena);
    json_put_str(s->arena, detail, "method", site_method_names[p->method]);
    json_put_int(s->arena, detail, "amount", p->amount);
    json_put_str(s->arena, detail, "currency", p->currency);
    audit_add(s, b,
              &(struct audit){.actor = p->actor,
                              .action = "payment.record",
                              .subject = p->booking_id.s,
                              .venue_id = p->venue_id.s,
                              .detail = db_str(b, json_text(s->arena, detail))});
}

/* The booking is locked, so that no row is added to one that is being cancelled. */
enum err site_payment_record(struct svc *s, const struct site_payment_order *o)
{
    const struct booking_scope sc = booking_scope_of(o->who, o->booking_id);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const int locked = booking_add_lock(b, &sc);
    const int loaded = booking_add_load(b, &sc);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct booking bk = {.version = 0};
    if (db_count(db_result(b, locked)) == 0)
        e = ERR_NOT_FOUND;
    else
        booking_read(db_result(b, loaded), 0, &bk);
    /* Nobody comes to such a booking, so nobody pays for it at the desk: the wrong one was
     * chosen. */
    if (e == ERR_OK && (bk.state == BOOKING_CANCELLED || bk.state == BOOKING_EXPIRED))
        e = ERR_BOOKING_NOT_ACTIVE;
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    const struct site_payment p = {.id = uuid_new(),
                                   .booking_id = bk.id,
                                   .venue_id = bk.venue_id,
                                   .method = o->method,
                                   .amount = o->amount,
                                   .currency = bk.currency,
                                   .actor = o->who->actor,
                                   .created_at = bk.read_at};
    b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &stmt_site_payment_insert, p.venue_id.s, p.id.s, p.booking_id.s,
           site_method_names[p.method], db_int(b, p.amount), p.currency, p.actor);
    site_payment_add_audit(s, b, &p);
    /* The answer goes into the same transaction: a repeat of the request never records the money
     * twice. */
    o->on_commit(o->arg, b, &p);
    return db_run(b, s->deadline);
}

/* In the caller's batch; the key's hash is a predicate, so a foreign key finds nothing. */
int site_payment_add_list(struct db_batch *b, const char *key_hash, const char *booking_id)
{
    return DB_ADD(b, &stmt_site_payment_list, key_hash, booking_id);
}

void site_payment_read(struct db_rows rows, int row, struct site_payment *out)
{
    const int method =
        name_find(site_method_names, SITE_METHOD_COUNT, str_of(db_get_str(rows, row, "method")));
    ENSURE(method >= 0); /* the table's CHECK lists the same names */
    *out = (struct site_payment){
        .id = db_get_uuid(rows, row, "id"),
        .booking_id = db_get_uuid(rows, row, "booking_id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .method = (enum site_method)method,
        .amount = db_get_int(rows, row, "amount"),
        .currency = db_get_str(rows, row, "currency"),
        .actor = db_get_str(rows, row, "actor"),
        .created_at = db_get_time(rows, row, "created_us"),
    };
}
