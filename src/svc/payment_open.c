/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Opening a payment: the row first, then the invoice, then what became of it. */
#include <poll.h>

#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/booking_pay.h"

/* Invoices end this long before the hold does, or a tenth of the hold, whichever is less (contract
 * 6). */
#define MARGIN_MAX_MS 30000
/* A shorter life is over before the gateway has made it. */
#define INVOICE_LIFE_MIN_MS 250
/* Ends are whole seconds, which every gateway reads alike, but of a life shorter than this too much
 * would be lost. */
#define INVOICE_LIFE_SHORT_MS 10000
/* Beyond the request's budget a caller that has not reported is dead. */
#define CLAIM_GRACE_S 3
/* How long a repeat waits for the first to finish, looking every WAIT_STEP_MS. */
#define WAIT_MS 2000
#define WAIT_STEP_MS 50
/* What an earlier call left turned out to be over: once more, from the beginning. */
#define PASSES_MAX 2
/* Of a name in the invoice's description. */
#define NAME_POINTS_MAX 80

static const struct db_stmt open_stmt = {
    "payment_open_of", "SELECT" PAYMENT_COLUMNS " FROM payments p WHERE p.booking_id = $1::uuid"
                       " AND p.status IN ('creating', 'initiated', 'unknown') FOR NO KEY UPDATE"};
static const struct db_stmt insert_stmt = {
    "payment_insert", "INSERT INTO payments (venue_id, id, booking_id, status, amount, currency, "
                      "provider, return_url, invoice_expires_at, next_check_at)"
                      " VALUES ($1::uuid, $2::uuid, $3::uuid, 'creating', $4::bigint, $5, $6, $7, "
                      "$8::timestamptz, now() + $9::bigint * interval '1 second')"};
static const struct db_stmt born_stmt = {
    "payment_born",
    "INSERT INTO payment_history (venue_id, payment_id, to_status, actor, request_id)"
    " VALUES ($1::uuid, $2::uuid, 'creating', $3, $4)"};

/* What is to be done for a booking that can be paid. */
enum way { WAY_CREATE, WAY_RESUME, WAY_SHOW, WAY_WAIT };

/* One pass of opening: what was asked of the gateway, and what came of it. */
struct pass {
    const struct principal *who;
    const struct payment_order *order;
    enum way way;
    const char *description; /* for the payer */
    struct pay_invoice invoice;
    struct ext_result outcome;
    bool payable; /* the booking still waits for it */
};

static int64_t claim_s(const struct svc *s)
{
    return deadline_left_ms(s->deadline) / 1000 + 1 + CLAIM_GRACE_S;
}

static struct wall invoice_expiry(const struct svc *s, const struct booking *bk)
{
    int64_t margin_ms = s->cfg->bookings.hold_ms / 10 < MARGIN_MAX_MS
                            ? s->cfg->bookings.hold_ms / 10
                            : MARGIN_MAX_MS;
    const struct wall end = wall_after_ms(bk->hold_expires_at, -margin_ms);
    if (wall_us_between(bk->read_at, end) >= INVOICE_LIFE_SHORT_MS * 1000)
        return wall_whole_seconds(end);
    return (struct wall){end.us / 1000 * 1000};
}

static bool expired(const struct payment *p)
{
    return p->invoice_expires_at.us <= p->read_at.us;
}

static enum way way_of(const struct payment *open)
{
    if (open->in_hand)
        return WAY_WAIT;
    return open->state == PAYMENT_INITIATED ? WAY_SHOW : WAY_RESUME;
}

static void new_payment(const struct svc *s, const struct booking *bk,
                        const struct payment_order *o, struct payment *p)
{
    *p = (struct payment){.id = uuid_new(),
                          .venue_id = bk->venue_id,
                          .booking_id = bk->id,
                          .state = PAYMENT_CREATING,
                          .amount = bk->amount,
                          .currency = bk->currency,
                          .return_url = o->return_url,
                          .created_at = bk->read_at,
                          .read_at = bk->read_at,
                          .invoice_expires_at = invoice_expiry(s, bk)};
}

/* In the open transaction: makes the row, or claims the one whose caller is gone; commits. */
static enum err claim(struct svc *s, const struct pass *w, const struct booking *bk,
                      struct payment *p)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    if (w->way == WAY_CREATE) {
        new_payment(s, bk, w->order, p);
        if (wall_us_between(p->read_at, p->invoice_expires_at) < INVOICE_LIFE_MIN_MS * 1000) {
            db_clean(s->db, s->deadline);
            return ERR_BOOKING_NOT_PAYABLE;
        }
        DB_ADD(b, &insert_stmt, p->venue_id.s, p->id.s, p->booking_id.s, db_int(b, p->amount),
               p->currency, s->cfg->providers[s->cfg->payments.provider].name, p->return_url,
               db_time(b, p->invoice_expires_at), db_int(b, claim_s(s)));
        DB_ADD(b, &born_stmt, p->venue_id.s, p->id.s, w->who->actor, s->request_id);
    } else {
        enum payment_state from = p->state;
        p->state = PAYMENT_CREATING;
        payment_add_change(s, b, p,
                           &(struct payment_change){.from = from,
                                                    .actor = w->who->actor,
                                                    .reason = "asked for again",
                                                    .next_check_s = claim_s(s)});
    }
    return db_run(b, s->deadline);
}

/* What the payer reads at the gateway: "Cut, 2026-11-24 10:00 (Palm)", by the venue's clock. */
static const char *description_of(const struct svc *s, const struct booking *bk)
{
    struct sb sb;
    sb_init(&sb, s->arena, 256);
    sb_add_plain(&sb, bk->service, NAME_POINTS_MAX);
    sb_printf(&sb, ", %s (", bk->starts_wall);
    sb_add_plain(&sb, bk->venue, NAME_POINTS_MAX);
    sb_putc(&sb, ')');
    return sb.p;
}

/* One transaction: is the booking payable, and what is there already? */
static enum err begin(struct svc *s, struct pass *w, struct payment *p)
{
    const struct payment_order *o = w->order;
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked, loaded;
    booking_add_lock_any(b, o->booking_id, &locked, &loaded);
    int open = DB_ADD(b, &open_stmt, o->booking_id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct booking bk = {.version = 0};
    bool found = db_count(db_result(b, loaded)) == 1;
    if (found)
        booking_read(db_result(b, loaded), 0, &bk);
    if (!found || strcmp(bk.customer_id.s, w->who->id.s) != 0)
        e = ERR_NOT_FOUND;
    else if (bk.state != BOOKING_PENDING_PAYMENT)
        e = ERR_BOOKING_NOT_PAYABLE;
    w->way = WAY_CREATE;
    if (e == ERR_OK && db_count(db_result(b, open)) > 0) {
        payment_read(db_result(b, open), 0, p);
        w->way = way_of(p);
        if (w->way != WAY_WAIT && expired(p))
            e = ERR_BOOKING_NOT_PAYABLE; /* the hold itself has seconds left */
    }
    if (e == ERR_OK && (w->way == WAY_CREATE || w->way == WAY_RESUME)) {
        w->description = description_of(s, &bk);
        return claim(s, w, &bk, p);
    }
    db_clean(s->db, s->deadline);
    return e;
}

/* ---- the gateway ---- */

static void create(struct svc *s, struct pass *w, const struct payment *p)
{
    const char *url =
        arena_printf(s->arena, "%s/v1/payments/%s", s->cfg->server.public_url, p->id.s);
    const struct pay_create in = {
        .reference = p->id.s,
        .booking_id = p->booking_id.s,
        .amount = p->amount,
        .currency = p->currency,
        .description = w->description,
        .callback_url = arena_printf(s->arena, "%s/gateway", url),
        .success_url = arena_printf(s->arena, "%s/return", url),
        .back_url = arena_printf(s->arena, "%s/return", url),
        .expires_at = p->invoice_expires_at,
    };
    struct pay_call call = payment_call(s);
    w->outcome = pay_create(&call, &in, &w->invoice);
}

static void set_result(struct payment *p, const struct pass *w)
{
    p->state = w->outcome.err == ERR_OK                ? PAYMENT_INITIATED
               : w->outcome.outcome == OUTCOME_UNKNOWN ? PAYMENT_UNKNOWN
                                                       : PAYMENT_FAILED;
    if (w->outcome.err != ERR_OK)
        return;
    p->gateway_id = w->invoice.id;
    p->redirect_url = w->invoice.url;
}

/* Something that a customer can be shown: to pay, or paid by now. */
static bool answerable(const struct payment *p, const struct pass *w)
{
    return payment_was_paid(p->state) || (p->state == PAYMENT_INITIATED && w->payable);
}

/* Stores what became of it, unless a hint was faster: then what that found stands. */
static enum err store(struct svc *s, struct pass *w, struct payment *p)
{
    struct payment_locked now;
    enum err e = payment_begin(s, p, &now);
    if (e != ERR_OK)
        return e;
    *p = now.payment;
    w->payable = now.booking.state == BOOKING_PENDING_PAYMENT;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    if (p->state == PAYMENT_CREATING) {
        set_result(p, w);
        struct payment_change change = {.from = PAYMENT_CREATING,
                                        .actor = w->who->actor,
                                        .reason = w->outcome.err == ERR_OK ? "invoice made"
                                                                           : w->outcome.detail,
                                        .next_check_s = payment_backoff_s(p->checks)};
        if (p->state == PAYMENT_FAILED)
            change.next_check_s = PAYMENT_DONE; /* known not to have been made */
        else if (!w->payable)
            change.next_check_s = 0; /* cancelled meanwhile: its invoice is ended at once */
        payment_add_change(s, b, p, &change);
    }
    if (w->way == WAY_CREATE && answerable(p, w) && w->order->on_commit)
        w->order->on_commit(w->order->arg, b, p);
    return db_run(b, s->deadline);
}

static enum err conclude(struct svc *s, struct pass *w, struct payment *p,
                         struct payment_fault *fault)
{
    enum err e = store(s, w, p);
    if (e != ERR_OK || answerable(p, w))
        return e;
    return w->outcome.err != ERR_OK ? payment_fail(s, &w->outcome, p, fault)
                                    : ERR_BOOKING_NOT_PAYABLE;
}

/*
 * What an earlier call left at the gateway comes first. *p is still CREATING afterwards when the
 * gateway knows nothing of it; when it cannot tell, nothing may be made.
 */
static enum err take_up(struct svc *s, struct pass *w, struct payment *p,
                        struct payment_fault *fault)
{
    struct uuid id = p->id;
    enum settled how;
    enum err e = payment_settle_wide(s, id.s, w->who->actor, p, &how);
    if (e == ERR_OK && how == SETTLED_MISMATCH)
        e = ERR_PROVIDER_FAILED;
    if (!err_is_provider(e))
        return e;
    w->outcome = (struct ext_result){
        .err = e, .outcome = OUTCOME_UNKNOWN, .detail = "what an earlier call did is not known"};
    return conclude(s, w, p, fault);
}

/* Another request has the payment in hand: a short wait spares the client a second question. */
static enum err wait_for_other(struct svc *s, struct payment *p, struct deadline until)
{
    enum err e = ERR_OK;
    while (e == ERR_OK && p->in_hand && !deadline_passed(until)) {
        (void)poll(NULL, 0, WAIT_STEP_MS);
        struct uuid id = p->id;
        e = payment_find(s, id.s, p);
    }
    return e;
}

/* As begin(), after waiting for whoever has it in hand. WAY_WAIT: still so, and shown as it is. */
static enum err begin_waiting(struct svc *s, struct pass *w, struct payment *p)
{
    struct deadline until =
        deadline_min(deadline_in_ms(WAIT_MS), deadline_before(s->deadline, WAIT_STEP_MS * 4));
    enum err e;
    do {
        e = begin(s, w, p);
        if (e == ERR_OK && w->way == WAY_WAIT)
            e = wait_for_other(s, p, until);
    } while (e == ERR_OK && w->way == WAY_WAIT && !p->in_hand);
    return e;
}

static enum err pass(struct svc *s, struct pass *w, struct payment *p, struct payment_fault *fault)
{
    enum err e = begin_waiting(s, w, p);
    if (e == ERR_OK && w->way == WAY_RESUME)
        e = take_up(s, w, p, fault);
    if (e != ERR_OK || p->state != PAYMENT_CREATING || w->way == WAY_WAIT)
        return e;
    create(s, w, p);
    return conclude(s, w, p, fault);
}

enum err payment_open(struct svc *s, const struct principal *who, const struct payment_order *o,
                      struct payment *out, bool *existed, struct payment_fault *fault)
{
    *fault = (struct payment_fault){0};
    *out = (struct payment){.state = PAYMENT_CREATING};
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    enum err e;
    int passes = 0;
    bool over;
    do {
        struct pass w = {.who = who, .order = o};
        e = pass(s, &w, out, fault);
        *existed = w.way != WAY_CREATE;
        over = out->state == PAYMENT_EXPIRED ||
               out->state == PAYMENT_FAILED; /* found ended: another one may be opened */
    } while (e == ERR_OK && over && ++passes < PASSES_MAX);
    return e == ERR_OK && over ? ERR_BOOKING_NOT_PAYABLE : e;
}
