/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The payment link of a booking: an SMS with the address at which the customer pays. Sent when
 * staff book what is paid online (api_staff_place.c), and again by POST
 * /v1/staff/bookings/{booking_id}/payment-link. svc/payment_link.c opens the payment and writes the
 * message.
 */
#include "api_staff_link.h"

#include "api/api_booking_json.h"
#include "api/api_payment_json.h"
#include "svc/booking_reads.h"
#include "svc/payment_link.h"

/* The answer to both: the booking, and in `payment_link` how its link was made. */
struct link_answer {
    struct api_request *r;
    int status;
    const struct booking *booking;
};

/* `fault` NULL: the link was made. */
static json_t *api_link_json(const struct link_answer *answer, const struct payment *p, enum err e,
                             const struct payment_fault *fault)
{
    const struct api_request *r = answer->r;
    struct arena *a = r->svc.arena;
    json_t *body = api_booking_view(r, answer->booking, api_staff_booking_json);
    json_t *link = json_obj(a);
    if (!fault)
        json_put(a, link, "payment", api_payment_json(r, p));
    json_put_str(a, link, "code", fault ? err_code(e) : NULL);
    json_put_str(a, link, "outcome", !fault ? NULL : fault->unknown ? "unknown" : "failed");
    json_put(a, body, "payment_link", link);
    return body;
}

/* The answer is stored with the link that it tells of. */
static void api_link_on_commit(void *arg, struct db_batch *b, const struct payment *p)
{
    const struct link_answer *answer = arg;
    api_reply(answer->r, answer->status, api_link_json(answer, p, ERR_OK, NULL));
    if (answer->booking->has_customer)
        api_idem_customer(answer->r,
                          arena_strdup(answer->r->svc.arena, answer->booking->customer_id.s));
    api_idem_add(answer->r, b);
}

/* Both callers, with the answer that is stored on success. *fault says what went wrong
 * otherwise. */
static enum err api_link_send(struct link_answer *answer, const char *return_url,
                              struct payment_fault *fault)
{
    struct api_request *r = answer->r;
    const struct payment_link_order order = {.who = &r->who,
                                             .booking = answer->booking,
                                             .return_url = return_url,
                                             .on_commit = api_link_on_commit,
                                             .arg = answer};
    struct payment_opened opened;
    enum err e = payment_send_link(&r->svc, &order, &opened);
    *fault = opened.fault;
    return e;
}

/* The booking is made and held whatever became of its link, so the answer stays 201: staff can send
 * the link again, and a problem would say that there is no booking. */
void api_link_send_first(struct api_request *r, const struct booking *bk, const char *return_url)
{
    struct link_answer answer = {.r = r, .status = 201, .booking = bk};
    struct payment_fault fault;
    enum err e = api_link_send(&answer, return_url, &fault);
    if (e != ERR_OK)
        api_reply(r, 201, api_link_json(&answer, NULL, e, &fault));
}

/* Where the browser goes after the payment: an origin of payments.return_origins. */
struct link_input {
    const char *return_url;
};
static const struct schema_row api_link_rows[] = {
    {SCHEMA_STRING(struct link_input, return_url, 1, 2000)},
    SCHEMA_END,
};

/* Sending again: a link that is still open is sent once more, and no second payment is made. */
static enum err api_link_post(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int found = booking_add_find_staff(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;
    const struct link_input *in = r->input;
    const char *return_url = in ? in->return_url : NULL;
    if (return_url && !api_payment_return_url_fit(r, return_url))
        return ERR_RETURN_URL;
    struct booking bk;
    struct payment_fault fault;
    booking_read(db_result(b, found), 0, &bk);
    struct link_answer answer = {.r = r, .status = 200, .booking = &bk};
    api_etag(r, bk.version);
    e = api_link_send(&answer, return_url, &fault);
    return api_payment_fault(r, e, &fault);
}

const struct api_route api_route_link_post = {
    .http = {HTTP_POST, "/v1/staff/bookings/{booking_id}/payment-link", 200, NULL},
    .handler = api_link_post,
    .auth = AUTH_AGENT,
    .body = BODY_OPTIONAL,
    .members = api_link_rows,
    .input_size = sizeof(struct link_input),
    .idempotent = true,
};
