/* Opening a payment: the row first, then the invoice, then what became of it. */
#include <poll.h>

#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "sys/metrics.h"

/* Invoices end this long before the hold does, or a tenth of the hold, whichever is less (contract 6). */
#define MARGIN_MAX_MS 30000
/* A shorter life is not worth a customer's click. */
#define INVOICE_LIFE_MIN_MS 1000
/* Beyond the request's budget a caller that has not reported is dead. */
#define CLAIM_GRACE_S 3
/* How long a repeat waits for the first to finish, looking every WAIT_STEP_MS. */
#define WAIT_MS 2000
#define WAIT_STEP_MS 25

static const struct db_stmt open_stmt = {
    "payment_open_of", "SELECT" PAYMENT_COLUMNS " FROM payments p WHERE p.booking_id = $1::uuid"
                       " AND p.status IN ('creating', 'initiated', 'unknown') FOR NO KEY UPDATE"};
static const struct db_stmt insert_stmt = {
    "payment_insert",
    "INSERT INTO payments (venue_id, id, booking_id, status, amount, currency, provider, return_url, invoice_expires_at, next_check_at)"
    " VALUES ($1::uuid, $2::uuid, $3::uuid, 'creating', $4::bigint, $5, $6, $7, $8::timestamptz, now() + $9::bigint * interval '1 second')"};
static const struct db_stmt born_stmt = {
    "payment_born", "INSERT INTO payment_history (venue_id, payment_id, to_status, actor, request_id)"
                    " VALUES ($1::uuid, $2::uuid, 'creating', $3, $4)"};

/* What is to be done for a booking that can be paid. */
enum way { WAY_CREATE, WAY_RESUME, WAY_SHOW, WAY_WAIT };

static int64_t claim_s(const struct svc *s)
{
    return deadline_left_ms(s->deadline) / 1000 + 1 + CLAIM_GRACE_S;
}

static struct wall invoice_expiry(const struct svc *s, const struct booking *bk)
{
    int64_t margin_ms = s->cfg->bookings.hold_ms / 10 < MARGIN_MAX_MS ? s->cfg->bookings.hold_ms / 10 : MARGIN_MAX_MS;
    return (struct wall){bk->hold_expires_at.us - margin_ms * 1000};
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

static void new_payment(const struct svc *s, const struct booking *bk, const struct payment_order *o, struct payment *p)
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
static enum err claim(struct svc *s, const struct principal *who, const struct payment_order *o, const struct booking *bk, enum way way,
                      struct payment *p)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    if (way == WAY_CREATE) {
        new_payment(s, bk, o, p);
        if (p->invoice_expires_at.us - p->read_at.us < INVOICE_LIFE_MIN_MS * 1000) {
            db_clean(s->db, s->deadline);
            return ERR_BOOKING_NOT_PAYABLE;
        }
        DB_ADD(b, &insert_stmt, p->venue_id.s, p->id.s, p->booking_id.s, db_int(b, p->amount), p->currency,
               s->cfg->providers[s->cfg->payments.provider].name, p->return_url, db_time(b, p->invoice_expires_at), db_int(b, claim_s(s)));
        DB_ADD(b, &born_stmt, p->venue_id.s, p->id.s, who->actor, s->request_id);
    } else {
        enum payment_state from = p->state;
        p->state = PAYMENT_CREATING;
        payment_add_change(s, b, p,
                           &(struct payment_change){.from = from, .actor = who->actor, .reason = "asked for again", .next_check_s = claim_s(s)});
    }
    return db_run(b, s->deadline);
}

/* One transaction: is the booking payable, and what is there already? */
static enum err begin(struct svc *s, const struct principal *who, const struct payment_order *o, struct payment *p, enum way *way)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked, loaded;
    booking_add_lock_any(b, o->booking_id, &locked, &loaded);
    int open = DB_ADD(b, &open_stmt, o->booking_id);
    enum err e = db_run(b, s->deadline);
    if (e != OK)
        return e;
    struct booking bk = {.version = 0};
    bool found = db_count(db_result(b, loaded)) == 1;
    if (found)
        booking_read(db_result(b, loaded), 0, &bk);
    if (!found || strcmp(bk.customer_id.s, who->id.s) != 0)
        e = ERR_NOT_FOUND;
    else if (bk.state != BOOKING_PENDING_PAYMENT)
        e = ERR_BOOKING_NOT_PAYABLE;
    *way = WAY_CREATE;
    if (e == OK && db_count(db_result(b, open)) > 0) {
        payment_read(db_result(b, open), 0, p);
        *way = way_of(p);
        if (*way != WAY_WAIT && expired(p))
            e = ERR_BOOKING_NOT_PAYABLE; /* the hold itself has seconds left */
    }
    if (e == OK && (*way == WAY_CREATE || *way == WAY_RESUME))
        return claim(s, who, o, &bk, *way, p);
    db_clean(s->db, s->deadline);
    return e;
}

/* ---- the gateway ---- */

static void ask_gateway(struct svc *s, const struct payment *p, bool resumed, struct pay_invoice *invoice, struct pay_outcome *o)
{
    struct pay_call call = payment_call(s);
    if (resumed) {
        pay_find(&call, p->id.s, invoice, o);
        if (o->err == OK)
            return;
        if (o->err != ERR_NOT_FOUND) {
            o->unknown = true; /* what an earlier call did is still not known */
            return;
        }
    }
    const char *url = arena_printf(s->arena, "%s/v1/payments/%s", s->cfg->server.public_url, p->id.s);
    struct pay_create create = {
        .reference = p->id.s,
        .booking_id = p->booking_id.s,
        .amount = p->amount,
        .currency = p->currency,
        .description = arena_printf(s->arena, "Booking %s", p->booking_id.s),
        .callback_url = arena_printf(s->arena, "%s/gateway", url),
        .success_url = arena_printf(s->arena, "%s/return", url),
        .back_url = arena_printf(s->arena, "%s/return", url),
        .expires_at = p->invoice_expires_at,
    };
    pay_create(&call, &create, invoice, o);
}

/* A refusal by the circuit or a 429 while resuming proves nothing about the first try. */
static enum payment_state state_after(const struct pay_outcome *o)
{
    if (o->err == OK)
        return PAYMENT_INITIATED;
    return o->unknown ? PAYMENT_UNKNOWN : PAYMENT_FAILED;
}

/* Stores what became of it, unless a hint was faster: then what it found stands, and is the answer. */
static enum err store(struct svc *s, const struct principal *who, const struct payment_order *o, const struct pay_invoice *invoice,
                      const struct pay_outcome *outcome, struct payment *p)
{
    struct payment_locked now;
    enum err e = payment_begin(s, p, &now);
    if (e != OK)
        return e;
    *p = now.payment;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    if (p->state == PAYMENT_CREATING) {
        p->state = state_after(outcome);
        if (outcome->err == OK) {
            p->gateway_id = invoice->id;
            p->redirect_url = invoice->url;
        }
        payment_add_change(s, b, p,
                           &(struct payment_change){.from = PAYMENT_CREATING,
                                                    .actor = who->actor,
                                                    .reason = outcome->err == OK ? "invoice made" : outcome->detail,
                                                    .next_check_s = p->state == PAYMENT_FAILED ? PAYMENT_DONE : payment_backoff_s(p->checks)});
    }
    if (outcome->err == OK && o->on_commit)
        o->on_commit(o->arg, b, p);
    return db_run(b, s->deadline);
}

/* Another request has the payment in hand: a short wait spares the client a second question. */
static enum err wait_for_other(struct svc *s, struct payment *p)
{
    struct deadline until = deadline_min(deadline_in_ms(WAIT_MS), deadline_before(s->deadline, WAIT_STEP_MS * 4));
    enum err e = OK;
    while (e == OK && p->in_hand && !deadline_passed(until)) {
        (void)poll(NULL, 0, WAIT_STEP_MS);
        struct uuid id = p->id;
        e = payment_find(s, id.s, p);
    }
    return e;
}

enum err payment_open(struct svc *s, const struct principal *who, const struct payment_order *o, struct payment *out, bool *existed,
                      struct payment_fault *fault)
{
    *existed = true;
    *fault = (struct payment_fault){0};
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    enum way way;
    enum err e = begin(s, who, o, out, &way);
    if (e == ERR_DB_UNIQUE)
        e = begin(s, who, o, out, &way); /* cannot be: the booking's row is locked; plain SQL may do it */
    if (e != OK)
        return e;
    if (way == WAY_SHOW)
        return OK;
    if (way == WAY_WAIT)
        return wait_for_other(s, out);
    *existed = false;
    struct pay_invoice invoice;
    struct pay_outcome outcome;
    ask_gateway(s, out, way == WAY_RESUME, &invoice, &outcome);
    e = store(s, who, o, &invoice, &outcome, out);
    if (e != OK)
        return e;
    if (outcome.err != OK && out->state != PAYMENT_INITIATED && out->state != PAYMENT_PAID)
        return payment_fail(s, &outcome, out, fault);
    if (outcome.err == OK && invoice.state != PAY_OPEN) { /* found again, and not open any more: ask what it means */
        enum settled how;
        *existed = true;
        struct uuid id = out->id;
        return payment_settle(s, id.s, who->actor, out, &how);
    }
    return OK;
}
