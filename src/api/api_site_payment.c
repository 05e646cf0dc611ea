/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Money that staff were given on site: POST /v1/staff/bookings/{booking_id}/payments writes it
 * down. The detail of a booking lists it (api_staff_booking.c).
 */
#include "api/api_payment_json.h"

/* The currency is the booking's, so that nobody can mix two. */
struct site_payment_input {
    int64_t amount;
    int method;
};
static const struct schema_row api_site_payment_rows[] = {
    {SCHEMA_ENUM(struct site_payment_input, method, site_method_names), .required = true},
    {SCHEMA_INT(struct site_payment_input, amount, 1, INT64_MAX), .required = true},
    SCHEMA_END,
};

/* Called before COMMIT: the answer is stored with the payment that it shows. */
static void api_site_payment_answer(void *arg, struct db_batch *b, const struct site_payment *p)
{
    struct api_request *r = arg;
    api_reply(r, 201, api_site_payment_json(r->svc.arena, p));
    api_idem_add(r, b);
}

static enum err api_site_payment_post(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct site_payment_input *in = r->input;
    const struct site_payment_order order = {.who = &r->who,
                                             .booking_id = r->ids[0].s,
                                             .method = (enum site_method)in->method,
                                             .amount = in->amount,
                                             .on_commit = api_site_payment_answer,
                                             .arg = r};
    return site_payment_record(&r->svc, &order);
}

/* Idempotent: a repeat after a lost answer would count the same money twice. */
const struct api_route api_route_site_payment_post = {
    .http = {HTTP_POST, "/v1/staff/bookings/{booking_id}/payments", 201, NULL},
    .handler = api_site_payment_post,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_site_payment_rows,
    .input_size = sizeof(struct site_payment_input),
    .idempotent = true,
};
