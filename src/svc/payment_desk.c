/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Money that the gateway's own desk gave back. An event usually tells us at once; this is for when
 * none comes. The gateway is asked about one payment after the other. With more of them than it can
 * be asked about in a minute, its list of charges that changed is read too, page by page, and what
 * that shows as refunded beyond our rows is settled. The keeper's task "gateway_desk", run each
 * second.
 */
#include "payment_priv.h"
#include "svc/svc_sql.h"
#include "sys/json.h"

/* Until the next poll when this one failed, or its process died. Two fit into the minute within
 * which such money is to be noticed. */
#define DESK_RETRY_S 25

/* ---- the list ---- */

/* Charges that the page shows refunded, as JSON for the statement. */
static const char *desk_list_json(struct svc *s, struct db_batch *b, const struct pay_changes *page)
{
    json_t *list = json_arr(s->arena);
    for (size_t i = 0; i < page->n; i++) {
        json_t *j = json_obj(s->arena);
        json_put_str(s->arena, j, "charge", page->items[i].charge_id);
        json_put_int(s->arena, j, "refunded", page->items[i].refunded);
        json_push(s->arena, list, j);
    }
    return db_str(b, json_text(s->arena, list));
}

/* As a hint: what a look for its own sake meets must not open the circuit to payers. */
static enum err desk_look(struct svc *s, const char *payment)
{
    struct settlement now;
    s->hint = true;
    enum err e = payment_settle(s, payment, ACTOR_KEEPER, SEARCH_KNOWN_INVOICE, &now);
    s->hint = false;
    return e;
}

/* *done: nothing of the page is left. A payment that the gateway cannot tell about is left to the
 * looks one by one, so that it does not hold up the list for ever. */
static enum err desk_settle_page(struct svc *s, const struct pay_changes *page, bool *done)
{
    *done = page->n == 0;
    if (page->n == 0)
        return ERR_OK;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_desk_refunded, desk_list_json(s, b, page));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    int row = 0;
    while (row < db_count(rows) && deadline_left_ms(s->deadline) > PAYMENT_LOOK_MS) {
        e = desk_look(s, db_get_str(rows, row, "id"));
        if (e == ERR_PROVIDER_UNAVAILABLE)
            return ERR_OK;
        if (e != ERR_OK && !err_is_provider(e))
            return e;
        row++;
    }
    *done = row == db_count(rows);
    return ERR_OK;
}

/* The cursor moves only when the page is settled: whoever dies before that has lost nothing. A list
 * that shows old changes has not been filtered, and its other pages are the whole book. */
static enum err desk_store_progress(struct svc *s, const char *provider, int64_t page,
                                    const struct pay_changes *shown, bool done)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int64_t next = !done ? page : shown->more && shown->filtered ? page + 1 : 0;
    DB_ADD(b, &stmt_desk_store, provider, db_int(b, page), db_int(b, next),
           shown->newest.us > 0 ? db_time(b, shown->newest) : NULL);
    return db_run(b, s->deadline);
}

/* One page per poll, so that the other tasks get their turn however much has changed. */
static enum err desk_poll(struct svc *s)
{
    const char *provider = s->cfg->providers[s->cfg->payments.provider].name;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &stmt_desk_claim, provider, db_int(b, DESK_RETRY_S));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK || db_count(db_result(b, i)) == 0)
        return e;
    struct wall since = {db_get_int(db_result(b, i), 0, "since_us")};
    int64_t page = db_get_int(db_result(b, i), 0, "page");
    struct pay_call call = payment_call(s);
    call.hint = true;
    struct pay_changes shown;
    struct ext_result o = pay_changed(&call, wall_whole_seconds(since), page, &shown);
    bool done = false;
    if (o.err == ERR_OK)
        e = desk_settle_page(s, &shown, &done);
    /* What the gateway could not tell is asked again when the claim ends. */
    return o.err == ERR_OK && e == ERR_OK ? desk_store_progress(s, provider, page, &shown, done)
                                          : e;
}

/* ---- one by one ---- */

/* One per run: the gateway is asked the same number of times however much was paid. */
static enum err desk_look_at_next(struct svc *s)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = db_add(b, &stmt_payment_desk_due, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && db_count(db_result(b, i)) > 0)
        e = desk_look(s, db_get_str(db_result(b, i), 0, "id"));
    return err_is_provider(e) ? ERR_OK : e;
}

enum err payment_task_desk(struct svc *s)
{
    if (!payment_configured(s))
        return ERR_OK;
    enum err e = desk_poll(s);
    return e == ERR_OK && deadline_left_ms(s->deadline) > PAYMENT_LOOK_MS ? desk_look_at_next(s)
                                                                          : e;
}
