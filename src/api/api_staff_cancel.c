/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Staff cancel a booking, and say what becomes of the money: the whole goes back unless they ask
 * for a part or for nothing. Handler of POST /v1/staff/bookings/{booking_id}/cancel. The money is
 * refunded first, and the booking is cancelled then; svc/refund.c does both. The answer shows the
 * payment and the refund beside the booking.
 */
#include <inttypes.h>

#include "api/api_booking_json.h"
#include "api/api_payment_json.h"
#include "svc/refund.h"

struct staff_cancel_input {
    const char *reason;
    json_t *refund;
};
/* Any JSON for `refund`: it may be a word or a number, which no other row of the schema can say. */
static const struct schema_row api_cancel_rows[] = {
    {SCHEMA_NOTE(struct staff_cancel_input, reason, 500)},
    {SCHEMA_ANY(struct staff_cancel_input, refund)},
    SCHEMA_END,
};

/* "full", "none", or an amount in minor units. Absent: full. */
static bool api_cancel_read_refund(struct api_request *r, const json_t *j,
                                   struct refund_cancelling *how)
{
    const char *word = json_string_value(j);
    how->kind = REFUND_FULL;
    if (!j || (word && strcmp(word, "full") == 0))
        return true;
    if (word && strcmp(word, "none") == 0) {
        how->kind = REFUND_NONE;
        return true;
    }
    how->kind = REFUND_PART;
    how->amount = json_is_integer(j) ? json_integer_value(j) : 0;
    if (how->amount > 0)
        return true;
    api_fault(r, "/refund", "must be full, none, or an amount in minor units above 0");
    return false;
}

/* What the answer is made of, for the function that runs inside the transaction. */
struct cancel_answer {
    struct api_request *r;
    const struct refund_told *told;
};

/* Called before COMMIT: the answer is stored with the change, so a repeat of the request with the
 * same Idempotency-Key gets the same one. */
static void api_cancel_on_commit(void *arg, struct db_batch *b, const struct booking *bk)
{
    const struct cancel_answer *answer = arg;
    struct api_request *r = answer->r;
    struct arena *a = r->svc.arena;
    const struct refund_told *told = answer->told;
    json_t *body = api_booking_view(r, bk, api_staff_booking_json);
    json_t *payments = json_arr(a);
    /* None when nothing was paid: the list is there all the same, so that clients need not ask
     * whether. */
    if (told->paid)
        json_push(a, payments, api_payment_json(r, &told->payment));
    json_put(a, body, "payments", payments);
    if (told->amount > 0) {
        json_t *refund = json_obj(a);
        json_put_int(a, refund, "amount", told->amount);
        json_put_str(a, refund, "currency", told->payment.currency);
        json_put(a, body, "refund", refund);
    } else {
        json_put_null(a, body, "refund");
    }
    api_reply(r, 200, body);
    api_etag(r, bk->version);
    if (bk->has_customer)
        api_idem_customer(r, arena_strdup(a, bk->customer_id.s));
    api_idem_add(r, b);
}

/* When the gateway fails, the booking stays: staff repeat with `none`, and refund later. */
static enum err api_cancel_post(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct staff_cancel_input *in = r->input;
    struct refund_told told;
    struct cancel_answer answer = {.r = r, .told = &told};
    const struct booking_caller caller = {
        .who = &r->who, .on_commit = api_cancel_on_commit, .arg = &answer};
    struct booking_transition t = {.id = r->ids[0].s,
                                   .to = BOOKING_CANCELLED,
                                   .reason = in ? in->reason : NULL,
                                   .request_key = api_idem_name(r)};
    struct refund_cancelling how = {.caller = &caller, .transition = &t, .told = &told};
    if (!api_cancel_read_refund(r, in ? in->refund : NULL, &how))
        return ERR_VALIDATION;
    e = api_if_match(r, &t.match);
    if (e != ERR_OK)
        return e;
    struct booking after;
    struct payment_fault fault;
    e = refund_request_cancel(&r->svc, &how, &after, &fault);
    /* How much is left is known only under the payment's lock, so this fault comes late. */
    if (e == ERR_VALIDATION)
        api_fault(r, "/refund", "is more than can still be refunded");
    return api_payment_fault(r, e, &fault);
}

const struct api_route api_route_staff_post_cancel = {
    .http = {HTTP_POST, "/v1/staff/bookings/{booking_id}/cancel", 200, NULL},
    .handler = api_cancel_post,
    .auth = AUTH_AGENT,
    .body = BODY_OPTIONAL,
    .members = api_cancel_rows,
    .input_size = sizeof(struct staff_cancel_input),
    .idempotent = true,
};
