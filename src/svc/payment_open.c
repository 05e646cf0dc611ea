/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Opening a payment, for the customer's handler and payment_link.c: the row is committed first,
 * then the invoice is created, then the row says what became of it. A process that dies in between
 * leaves a row in CREATING, from which a repeat or the keeper goes on.
 */
#include <poll.h>
#include <string.h>

#include "base/text_rules.h"
#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "svc/booking_reads.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"

/* How long a repeat waits for the first call to finish, and how often it looks. Most gateways
 * answer a create within a second; a look costs one round trip to the database. */
#define OPEN_WAIT_MS 2000
#define OPEN_WAIT_STEP_MS 50
/* What an earlier call left may turn out to have ended: then once more from the beginning. A second
 * such surprise within one request is answered as not payable. */
#define OPEN_PASSES_MAX 2
/* Characters of a name in the invoice's description: enough to recognise it, and both names with
 * the time stay on a few lines of the payment page. */
#define OPEN_NAME_CHARS_MAX 80

/* One pass: which way it goes, and for which row. */
struct open_pass {
    enum open_way way;
    struct payment payment;
    const char *description; /* for the payer */
};

/* ---- the row ---- */

/* What the payer reads at the gateway, in their language: "Cut, 2026-11-24 10:00 (Palm)", by the
 * venue's clock. */
static const char *open_describe_booking(const struct svc *s, const struct booking *bk)
{
    struct sb sb;
    sb_init(&sb, s->arena, 256);
    text_add_plain(&sb, booking_name_for(&bk->service, bk->locale, bk->venue_locale),
                   OPEN_NAME_CHARS_MAX);
    sb_printf(&sb, ", %s (", bk->starts_wall);
    text_add_plain(&sb, booking_name_for(&bk->venue, bk->locale, bk->venue_locale),
                   OPEN_NAME_CHARS_MAX);
    sb_putc(&sb, ')');
    return sb.p;
}

/* Where a payer ends up whom nobody told: staff that send a link name no page. */
static const char *open_usual_return_url(const struct svc *s)
{
    return s->cfg->payments.return_origins_n > 0 ? s->cfg->payments.return_origins[0]
                                                 : s->cfg->server.public_url;
}

/* The newest page counts: the payer is there now. False: it is that one already. */
static bool open_add_return_url(struct db_batch *b, const struct payment_order *o,
                                struct open_pass *pass)
{
    struct payment *p = &pass->payment;
    if (!o->return_url || strcmp(o->return_url, p->return_url) == 0)
        return false;
    DB_ADD(b, &stmt_payment_return_url, p->venue_id.s, p->id.s, o->return_url);
    p->return_url = o->return_url;
    return true;
}

/* In the open transaction: makes the row, or claims the one whose caller is gone; commits. */
static enum err open_claim_row(struct svc *s, const struct payment_order *o,
                               const struct booking *bk, struct open_pass *pass)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    pass->description = open_describe_booking(s, bk);
    if (pass->way == OPEN_RESUME) { /* back to CREATING: the claim is this caller's now */
        struct payment_plan plan = {
            .after = pass->payment,
            .moves = {{pass->payment.state, PAYMENT_CREATING, "opened again"}},
            .moves_n = pass->payment.state != PAYMENT_CREATING,
            .next_check_s = payment_claim_s(s),
        };
        plan.after.state = PAYMENT_CREATING;
        pass->payment = plan.after;
        payment_add_plan(s, b, &plan, o->who->actor);
        open_add_return_url(b, o, pass);
        return db_run(b, s->deadline);
    }
    pass->payment =
        (struct payment){.id = uuid_new(),
                         .venue_id = bk->venue_id,
                         .booking_id = bk->id,
                         .state = PAYMENT_CREATING,
                         .amount = booking_due_online(bk),
                         .rest = booking_due_on_site(bk),
                         .currency = bk->currency,
                         .return_url = o->return_url ? o->return_url : open_usual_return_url(s),
                         .created_at = bk->read_at,
                         .read_at = bk->read_at,
                         .invoice_expires_at = payment_invoice_end(bk, s->cfg->bookings.hold_ms)};
    payment_add_new(s, b, &pass->payment, o->who->actor);
    return db_run(b, s->deadline);
}

/* A booking that the caller may have paid for. */
static bool open_is_theirs(const struct principal *who, const struct booking *bk)
{
    if (who->kind == WHO_STAFF)
        return bk->version > 0 && (!who->one_venue || strcmp(bk->venue_id.s, who->venue_id.s) == 0);
    return strcmp(bk->customer_id.s, who->id.s) == 0;
}

/* One transaction: may the booking be paid, and what is there already? */
static enum err open_begin(struct svc *s, const struct payment_order *o, struct open_pass *pass)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked, loaded;
    booking_add_lock_any(b, o->booking_id, &locked, &loaded);
    int found = DB_ADD(b, &stmt_payment_open_of, o->booking_id);
    int change = rate_add_change(s, b, o->who, RATE_CHANGE_PAYMENT);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct booking bk = {.version = 0};
    if (db_count(db_result(b, loaded)) == 1)
        booking_read(db_result(b, loaded), 0, &bk);
    bool open = db_count(db_result(b, found)) > 0;
    if (open)
        payment_read(db_result(b, found), 0, &pass->payment);
    e = !open_is_theirs(o->who, &bk) ? ERR_NOT_FOUND
                                     : payment_decide_open(&bk, open ? &pass->payment : NULL,
                                                           s->cfg->bookings.hold_ms, &pass->way);
    if (e == ERR_OK && pass->way == OPEN_CREATE) /* only a new one makes an invoice */
        e = rate_change_allowed(s, b, change);
    if (e == ERR_OK && (pass->way == OPEN_CREATE || pass->way == OPEN_RESUME))
        return open_claim_row(s, o, &bk, pass);
    b = db_batch(s->db, s->arena, DB_COMMIT);
    if (e == ERR_OK && open_add_return_url(b, o, pass))
        return db_run(b, s->deadline);
    db_clean(s->db, s->deadline);
    return e;
}

/* As open_begin(), after waiting for whoever is calling the gateway: a short wait spares the client
 * a second request. OPEN_WAIT: still so, and shown as it is. */
static enum err open_begin_waiting(struct svc *s, const struct payment_order *o,
                                   struct open_pass *pass)
{
    struct deadline until = deadline_min(deadline_in_ms(OPEN_WAIT_MS),
                                         deadline_before(s->deadline, OPEN_WAIT_STEP_MS * 4));
    for (;;) {
        enum err e = open_begin(s, o, pass);
        if (e != ERR_OK || pass->way != OPEN_WAIT)
            return e;
        while (pass->payment.locked_by_caller && !deadline_passed(until)) {
            (void)poll(NULL, 0, OPEN_WAIT_STEP_MS);
            struct payment seen;
            e = payment_find(s, pass->payment.id.s, &seen);
            if (e != ERR_OK)
                return e;
            pass->payment = seen;
        }
        if (pass->payment.locked_by_caller)
            return ERR_OK;
    }
}

/* ---- the gateway ---- */

/* Stores what became of the invoice, and with it the answer to the client when there is one: a
 * payment that can be paid, or was paid by now. */
static enum err open_finish(struct svc *s, const struct payment_order *o,
                            const struct open_pass *pass, const struct gateway_made *made,
                            struct payment_opened *out)
{
    struct payment_locked ours;
    enum err e = payment_lock_rows(s, &pass->payment, &ours);
    if (e != ERR_OK)
        return e;
    struct payment_plan plan = payment_decide_created(&ours, made);
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    if (plan.verdict == PLAN_STORE)
        payment_add_plan(s, b, &plan, o->who->actor);
    out->payment = plan.after;
    bool answerable =
        payment_was_paid(plan.after.state) ||
        (plan.after.state == PAYMENT_INITIATED && ours.booking.state == BOOKING_PENDING_PAYMENT);
    /* The answer to an Idempotency-Key commits with what it tells of, so that a repeat of the key
     * never gets an answer without the change. */
    if (pass->way == OPEN_CREATE && answerable && o->on_commit)
        o->on_commit(o->arg, b, &out->payment);
    e = db_run(b, s->deadline);
    if (e != ERR_OK || answerable)
        return e;
    return made->result.err != ERR_OK
               ? payment_gateway_fault(s, &made->result, &plan.after, &out->fault)
               : ERR_BOOKING_NOT_PAYABLE;
}

/*
 * What an earlier call left at the gateway comes first. *done false: the gateway knows nothing of
 * it, and an invoice may be created. When the gateway cannot tell, none may be.
 */
static enum err open_resume(struct svc *s, const struct payment_order *o,
                            const struct open_pass *pass, struct payment_opened *out, bool *done)
{
    struct settlement now;
    enum actor actor = o->who->kind == WHO_STAFF ? ACTOR_STAFF : ACTOR_CUSTOMER;
    enum err e = payment_settle(s, pass->payment.id.s, actor, SEARCH_ALL_INVOICES, &now);
    bool unclear_still = now.result == SETTLED_MISMATCH || now.payment.state == PAYMENT_UNKNOWN;
    if (e == ERR_OK && unclear_still)
        e = ERR_PROVIDER_FAILED;
    *done = true;
    if (e == ERR_OK) {
        out->payment = now.payment;
        *done = now.payment.state != PAYMENT_CREATING;
    }
    if (!err_is_provider(e))
        return e;
    const struct gateway_made unclear = {
        .result = {.err = e,
                   .outcome = OUTCOME_UNKNOWN,
                   .detail = "outcome of an earlier call is unknown"}};
    return open_finish(s, o, pass, &unclear, out);
}

static enum err open_pass_once(struct svc *s, const struct payment_order *o,
                               struct payment_opened *out)
{
    struct open_pass pass = {.way = OPEN_CREATE};
    enum err e = open_begin_waiting(s, o, &pass);
    out->existed = pass.way != OPEN_CREATE;
    out->payment = pass.payment;
    bool done = pass.way == OPEN_SHOW || pass.way == OPEN_WAIT;
    if (e == ERR_OK && pass.way == OPEN_RESUME)
        e = open_resume(s, o, &pass, out, &done);
    if (e != ERR_OK || done)
        return e;
    struct gateway_made made;
    payment_gateway_create(s, &pass.payment, pass.description, &made);
    return open_finish(s, o, &pass, &made, out);
}

enum err payment_open(struct svc *s, const struct payment_order *o, struct payment_opened *out)
{
    *out = (struct payment_opened){.existed = false};
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    for (int pass = 0; pass < OPEN_PASSES_MAX; pass++) {
        enum err e = open_pass_once(s, o, out);
        bool ended = out->payment.state == PAYMENT_EXPIRED || out->payment.state == PAYMENT_FAILED;
        if (e != ERR_OK || !ended)
            return e;
    }
    return ERR_BOOKING_NOT_PAYABLE;
}
