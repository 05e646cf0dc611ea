/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "svc/payment.h"

#include "base/ensure.h"
#include "base/names.h"
#include "base/rng.h"
#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/audit.h"
#include "svc/booking_pay.h"
#include "sys/log.h"

/* Kept back of a request's time for storing what the gateway said. */
#define STORE_MS 300

#define TO(state) (1u << PAYMENT_##state)
/* A failed or expired payment can still turn out to be paid: money that arrived late is never
 * ignored. */
static const unsigned next_states[PAYMENT_STATE_COUNT] = {
    [PAYMENT_CREATING] = TO(INITIATED) | TO(UNKNOWN) | TO(PAID) | TO(FAILED) | TO(EXPIRED),
    [PAYMENT_INITIATED] = TO(UNKNOWN) | TO(PAID) | TO(FAILED) | TO(EXPIRED),
    [PAYMENT_UNKNOWN] = TO(CREATING) | TO(INITIATED) | TO(PAID) | TO(FAILED) | TO(EXPIRED),
    [PAYMENT_PAID] = TO(PARTIALLY_REFUNDED) | TO(REFUNDED),
    [PAYMENT_FAILED] = TO(PAID),
    [PAYMENT_EXPIRED] = TO(PAID),
    [PAYMENT_PARTIALLY_REFUNDED] = TO(PARTIALLY_REFUNDED) | TO(REFUNDED),
    [PAYMENT_REFUNDED] = 0,
};

bool payment_may_become(enum payment_state from, enum payment_state to)
{
    return (next_states[from] & 1u << to) != 0;
}

/* ---- reading ---- */

static enum payment_state state_of(const char *name)
{
    const int i = name_find(payment_state_names, PAYMENT_STATE_COUNT, str_of(name));
    ENSURE(i >= 0); /* the table's CHECK lists the same names */
    return (enum payment_state)i;
}

void payment_read(struct db_rows rows, int row, struct payment *out)
{
    *out = (struct payment){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .booking_id = db_get_uuid(rows, row, "booking_id"),
        .state = state_of(db_get_str(rows, row, "status")),
        .amount = db_get_int(rows, row, "amount"),
        .refunded = db_get_int(rows, row, "refunded_amount"),
        .currency = db_get_str(rows, row, "currency"),
        .gateway_id = db_get(rows, row, "gateway_id"),
        .charge_id = db_get(rows, row, "charge_id"),
        .redirect_url = db_get(rows, row, "redirect_url"),
        .return_url = db_get_str(rows, row, "return_url"),
        .surplus = db_get_bool(rows, row, "surplus"),
        .in_hand = db_get_bool(rows, row, "in_hand"),
        .checks = db_get_int(rows, row, "checks"),
        .created_at = db_get_time(rows, row, "created_us"),
        .invoice_expires_at = db_get_time(rows, row, "expires_us"),
        .read_at = db_get_time(rows, row, "read_us"),
    };
}

#define MINE                                                                                 \
    " JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id AND b.customer_id " \
    "= " SQL_CUSTOMER_ID("$1")
static const struct db_stmt find_mine_stmt = {
    "payment_find_mine", "SELECT" PAYMENT_COLUMNS " FROM payments p" MINE " WHERE p.id = $2::uuid"};
static const struct db_stmt list_mine_stmt = {
    "payment_list_mine", "SELECT" PAYMENT_COLUMNS " FROM payments p" MINE
                         " WHERE p.booking_id = $2::uuid ORDER BY p.created_at, p.id"};
static const struct db_stmt find_staff_stmt = {
    "payment_find_staff",
    "SELECT" PAYMENT_COLUMNS
    " FROM payments p WHERE p.id = $2::uuid AND " SQL_STAFF_SEES("$1", "p.venue_id")};
static const struct db_stmt list_staff_stmt = {
    "payment_list_staff",
    "SELECT" PAYMENT_COLUMNS " FROM payments p WHERE p.booking_id = $2::uuid AND " SQL_STAFF_SEES(
        "$1", "p.venue_id") " ORDER BY p.created_at, p.id"};
static const struct db_stmt find_stmt = {"payment_find", "SELECT" PAYMENT_COLUMNS
                                                         " FROM payments p WHERE p.id = $1::uuid"};

int payment_add_find_mine(struct db_batch *b, const char *token_hash, const char *id)
{
    return DB_ADD(b, &find_mine_stmt, token_hash, id);
}

int payment_add_list_mine(struct db_batch *b, const char *token_hash, const char *booking_id)
{
    return DB_ADD(b, &list_mine_stmt, token_hash, booking_id);
}

int payment_add_find_staff(struct db_batch *b, const char *key_hash, const char *id)
{
    return DB_ADD(b, &find_staff_stmt, key_hash, id);
}

int payment_add_list_staff(struct db_batch *b, const char *key_hash, const char *booking_id)
{
    return DB_ADD(b, &list_staff_stmt, key_hash, booking_id);
}

enum err payment_find(struct svc *s, const char *id, struct payment *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &find_stmt, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, i)) == 0)
        return ERR_NOT_FOUND;
    payment_read(db_result(b, i), 0, out);
    return ERR_OK;
}

/* ---- what the other files share ---- */

bool payment_configured(const struct svc *s)
{
    return s->cfg->payments.provider >= 0 && s->ext != NULL;
}

struct pay_call payment_call(struct svc *s)
{
    return (struct pay_call){.ext = s->ext,
                             .arena = s->arena,
                             .cfg = s->cfg,
                             .provider = s->cfg->payments.provider,
                             .request_id = s->request_id,
                             .traceparent = s->traceparent,
                             .deadline = deadline_before(s->deadline, STORE_MS)};
}

static const struct db_stmt lock_stmt = {
    "payment_lock", "SELECT p.id FROM payments p WHERE p.id = $1::uuid FOR NO KEY UPDATE"};
static const struct db_stmt other_paid_stmt = {
    "payment_other_paid", "SELECT p.id FROM payments p WHERE p.venue_id = $1::uuid AND "
                          "p.booking_id = $2::uuid AND p.id <> $3::uuid"
                          " AND p.status IN ('paid', 'partially_refunded') AND NOT p.surplus"};

enum err payment_begin(struct svc *s, const struct payment *p, struct payment_locked *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked, booking;
    booking_add_lock_any(b, p->booking_id.s, &locked, &booking);
    DB_ADD(b, &lock_stmt, p->id.s);
    int payment = DB_ADD(b, &find_stmt, p->id.s);
    int other = DB_ADD(b, &other_paid_stmt, p->venue_id.s, p->booking_id.s, p->id.s);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    ENSURE(db_count(db_result(b, payment)) == 1 &&
           db_count(db_result(b, booking)) == 1); /* neither is ever deleted */
    booking_read(db_result(b, booking), 0, &out->booking);
    payment_read(db_result(b, payment), 0, &out->payment);
    out->other_paid = db_count(db_result(b, other)) > 0;
    return ERR_OK;
}

static const struct db_stmt save_stmt = {
    "payment_save", "UPDATE payments SET status = $3, gateway_id = $4, charge_id = $5, "
                    "redirect_url = $6, refunded_amount = $7::bigint,"
                    " surplus = $8::boolean, updated_at = now(),"
                    " next_check_at = CASE WHEN $9::bigint >= 0 THEN now() + $9::bigint * interval "
                    "'1 millisecond' END"
                    " WHERE venue_id = $1::uuid AND id = $2::uuid"};
static const struct db_stmt history_stmt = {"payment_history_add",
                                            "INSERT INTO payment_history (venue_id, payment_id, "
                                            "from_status, to_status, actor, reason, request_id)"
                                            " VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7)"};

static void count_state(enum payment_state state)
{
    static const int acts[PAYMENT_STATE_COUNT] = {[PAYMENT_CREATING] = -1,
                                                  [PAYMENT_INITIATED] = PAYMENT_ACT_CREATED,
                                                  [PAYMENT_UNKNOWN] = PAYMENT_ACT_UNKNOWN,
                                                  [PAYMENT_PAID] = PAYMENT_ACT_PAID,
                                                  [PAYMENT_FAILED] = PAYMENT_ACT_FAILED,
                                                  [PAYMENT_EXPIRED] = PAYMENT_ACT_EXPIRED,
                                                  [PAYMENT_REFUNDED] = PAYMENT_ACT_REFUNDED,
                                                  [PAYMENT_PARTIALLY_REFUNDED] =
                                                      PAYMENT_ACT_REFUNDED};
    if (acts[state] >= 0)
        METRIC_INC(M_PAYMENT_ACTS, (unsigned)acts[state]);
}

void payment_add_change(struct svc *s, struct db_batch *b, const struct payment *p,
                        const struct payment_change *c)
{
    const char *name = payment_state_names[p->state];
    DB_ADD(b, &save_stmt, p->venue_id.s, p->id.s, name, p->gateway_id, p->charge_id,
           p->redirect_url, db_int(b, p->refunded), db_bool(p->surplus),
           db_int(b, payment_wait_ms(c->next_check_s)));
    if (c->from == p->state && !c->again)
        return;
    ENSURE(payment_may_become(c->from, p->state));
    DB_ADD(b, &history_stmt, p->venue_id.s, p->id.s, payment_state_names[c->from], name, c->actor,
           c->reason, s->request_id);
    count_state(p->state);
    /* Why a person wants the money back is the person's words: for the history, not for the log. */
    bool words = p->state == PAYMENT_REFUNDED || p->state == PAYMENT_PARTIALLY_REFUNDED;
    LOG(LOG_LEVEL_INFO, "payment.changed", F_STR("payment", p->id.s),
        F_STR("from", payment_state_names[c->from]), F_STR("to", name), F_STR("actor", c->actor),
        F_STR("reason", words ? NULL : c->reason));
}

void payment_add_audit(struct svc *s, struct db_batch *b, const struct payment *p,
                       const char *actor, const char *action, const char *detail)
{
    audit_add(s, b,
              &(struct audit){.actor = actor,
                              .action = action,
                              .subject = p->id.s,
                              .venue_id = p->venue_id.s,
                              .detail = detail});
}

enum err payment_fail(struct svc *s, const struct ext_result *o, const struct payment *p,
                      struct payment_fault *fault)
{
    *fault = (struct payment_fault){.unknown = o->outcome == OUTCOME_UNKNOWN,
                                    .retry_after_s = o->retry_after_s};
    if (o->outcome == OUTCOME_UNKNOWN)
        fault->payment_id = arena_strdup(s->arena, p->id.s);
    /* Something that we asked for by its identifier and the gateway does not know: it contradicts
     * itself. */
    return o->err == ERR_NOT_FOUND ? ERR_PROVIDER_FAILED : o->err;
}

bool payment_is_open(enum payment_state state)
{
    return state == PAYMENT_CREATING || state == PAYMENT_INITIATED || state == PAYMENT_UNKNOWN;
}

bool payment_was_paid(enum payment_state state)
{
    return state == PAYMENT_PAID || state == PAYMENT_REFUNDED ||
           state == PAYMENT_PARTIALLY_REFUNDED;
}

/* ---- when the keeper looks ---- */

#define BACKOFF_MAX_S 45
/* Looked at once more this long after the invoice's end, for charges that came late or twice and
 * that nobody told us of. */
#define LAST_LOOK_S 600
/* How long after the invoice's end a payer may still be at the bank. */
#define PENDING_S 1800

int64_t payment_backoff_s(int64_t checks)
{
    return checks < 5 ? (int64_t)2 << checks : BACKOFF_MAX_S;
}

int64_t payment_wait_ms(int64_t s)
{
    return s > 0 ? s * 1000 + (int64_t)rng_below((uint32_t)(s < 86400 ? s * 100 : 8640000)) : s;
}

int64_t payment_next_look_s(const struct payment *p, bool pending)
{
    int64_t left_s = wall_us_between(p->read_at, p->invoice_expires_at) / 1000000;
    if (payment_is_open(p->state) || (pending && left_s + PENDING_S > 0))
        return payment_backoff_s(p->checks);
    return left_s + LAST_LOOK_S > 0 ? left_s + LAST_LOOK_S : PAYMENT_DONE;
}
