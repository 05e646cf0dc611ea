/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Booking for a customer or a guest, and moving a booking, for staff. They may pass over rules of
 * the venue by name, never over the capacity. Handlers of POST /v1/staff/venues/{id}/bookings and
 * /v1/staff/bookings/{id}/reschedule. */
#include "api/api_booking_json.h"
#include "api/api_payment_json.h"
#include "api_customer.h"
#include "api_staff_link.h"
#include "base/names.h"
#include "domain/slots.h"
#include "svc/booking_reads.h"
#include "svc/phone.h"

/* `force` is true (all rules) or a list of names. Names make the history readable: it says which
 * rule was passed over, and a rule that was not named still protects from a slip. */
static bool api_place_read_force(struct api_request *r, const json_t *j, unsigned *force)
{
    /* false is as if it were not there: all rules hold. */
    *force = 0;
    if (!j || json_is_boolean(j)) {
        *force = json_is_true(j) ? (1U << SLOT_FORCE_COUNT) - 1 : 0;
        return true;
    }
    bool good = json_is_array(j);
    for (size_t i = 0; good && i < json_array_size(j); i++) {
        const char *name = json_string_value(json_array_get(j, i));
        const int bit = name ? name_find(slot_force_names, SLOT_FORCE_COUNT, str_of(name)) : -1;
        good = bit >= 0;
        *force |= good ? 1U << bit : 0;
    }
    if (!good)
        api_fault(r, "/force", "must be true, or a list of hours, notice, horizon, grid, closure");
    return good;
}

/* ---- booking ---- */

/* In the order of enum booking_pay_mode from PAY_LINK on. */
static const char *const api_place_payments[] = {"link", "on_site", "none", NULL};

/* phone and name say who comes: a customer, a guest with a phone, or a name alone. `guest_name` is
 * the name as the answer calls it. */
struct place_input {
    const char *phone, *name, *guest_name, *note, *staff_note, *return_url;
    struct uuid service_id, resource_id;
    struct wall starts_at;
    int64_t party_size;
    int locale, payment;
    json_t *force;
    bool has_resource, has_party, has_locale, has_payment;
};
static const struct schema_row api_place_rows[] = {
    /* Any text up to 64 bytes: phone_normalise() says what is wrong with it, with the right problem
     * code. */
    {SCHEMA_STRING(struct place_input, phone, 0, 64), .nullable = true},
    {SCHEMA_NAME(struct place_input, name, 120), .nullable = true},
    {SCHEMA_NAME(struct place_input, guest_name, 120), .nullable = true},
    {SCHEMA_LOCALE(struct place_input, locale), SCHEMA_HAS(struct place_input, has_locale)},
    {SCHEMA_UUID(struct place_input, service_id), .required = true},
    {SCHEMA_UUID(struct place_input, resource_id), .nullable = true,
     SCHEMA_HAS(struct place_input, has_resource)},
    {SCHEMA_TIME(struct place_input, starts_at), .required = true},
    {SCHEMA_INT(struct place_input, party_size, 1, INT32_MAX),
     SCHEMA_HAS(struct place_input, has_party)},
    {SCHEMA_NOTE(struct place_input, note, 500), .nullable = true},
    {SCHEMA_NOTE(struct place_input, staff_note, 500), .nullable = true},
    {SCHEMA_ENUM(struct place_input, payment, api_place_payments),
     SCHEMA_HAS(struct place_input, has_payment)},
    {SCHEMA_STRING(struct place_input, return_url, 1, 2000)},
    {SCHEMA_ANY(struct place_input, force)},
    SCHEMA_END,
};

/* A phone of any region, or a name alone. otp.regions limits sign-in codes, which strangers ask
 * for; a clerk sees who stands at the desk (BEHAVIOUR §5). */
static enum err api_place_read_guest(struct api_request *r, const char **phone)
{
    const struct place_input *in = r->input;
    *phone = NULL;
    if (in->phone) {
        enum err e =
            phone_normalise(r->svc.cfg, r->svc.arena, str_of(in->phone), PHONE_ANY_REGION, phone);
        if (e != ERR_OK)
            api_phone_fault(r, e);
        return e;
    }
    if (in->has_payment && PAY_LINK + in->payment == PAY_LINK) {
        api_fault(r, "/payment", "a link needs a phone");
        return ERR_VALIDATION;
    }
    if (in->name || in->guest_name)
        return ERR_OK;
    api_fault(r, "/phone", "a phone or a name is required");
    return ERR_VALIDATION;
}

/* The venue of the path is checked in the first batch; all other identifiers are the service's to
 * check, under its locks. */
static enum err api_place_post(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int seen = booking_add_venue_seen(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, seen)) == 0)
        return ERR_NOT_FOUND;
    const struct place_input *in = r->input;
    struct booking_order order = {
        .venue_id = r->ids[0].s,
        .service_id = in->service_id.s,
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
        .starts_at = in->starts_at,
        .party_size = in->has_party ? in->party_size : 1,
        .note = in->note,
        .guest_name = in->name ? in->name : in->guest_name,
        .locale = in->has_locale ? locale_names[in->locale] : NULL,
        .staff_note = in->staff_note,
        .pay = in->has_payment ? (enum booking_pay_mode)(PAY_LINK + in->payment) : PAY_AS_SERVICE,
    };
    if (!api_place_read_force(r, in->force, &order.force))
        return ERR_VALIDATION;
    e = api_place_read_guest(r, &order.phone);
    if (e != ERR_OK)
        return e;
    if (in->return_url && !api_payment_return_url_fit(r, in->return_url))
        return ERR_RETURN_URL;
    struct api_booking_answer answer = {
        .r = r, .status = 201, .view = api_staff_booking_json, .location = "/v1/staff/bookings/"};
    struct booking_caller caller = api_booking_caller(&answer);
    struct booking made;
    e = booking_create(&r->svc, &caller, &order, &made);
    /* After the commit: the gateway is never called inside a transaction. When the link fails the
     * booking stays, and staff send it again. */
    if (e == ERR_OK && made.state == BOOKING_PENDING_PAYMENT)
        api_link_send_first(r, &made, in->return_url);
    return e;
}

/* ---- moving ---- */

/* A resource_id of null lets the service choose one; without the member the booking keeps the one
 * that was chosen. */
struct staff_move_input {
    struct wall starts_at;
    struct uuid resource_id;
    json_t *force;
    bool has_resource;
};
static const struct schema_row api_place_move_rows[] = {
    {SCHEMA_TIME(struct staff_move_input, starts_at), .required = true},
    {SCHEMA_UUID(struct staff_move_input, resource_id), .nullable = true,
     SCHEMA_HAS(struct staff_move_input, has_resource)},
    {SCHEMA_ANY(struct staff_move_input, force)},
    SCHEMA_END,
};

/* As a customer's move (api_booking.c), with `force` and without a deadline. */
static enum err api_place_post_reschedule(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct staff_move_input *in = r->input;
    struct booking_move m = {
        .id = r->ids[0].s,
        .starts_at = in->starts_at,
        .choice = api_booking_choice(r, in->has_resource),
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
    };
    if (!api_place_read_force(r, in->force, &m.force))
        return ERR_VALIDATION;
    struct api_booking_change change;
    e = api_booking_begin_change(r, api_staff_booking_json, &m.match, &change);
    return e != ERR_OK ? e : booking_reschedule(&r->svc, &change.caller, &m, &change.after);
}

/* Idempotent: a desk that repeats after a lost answer must not book two places. */
const struct api_route api_route_place_post = {
    .http = {HTTP_POST, "/v1/staff/venues/{venue_id}/bookings", 201, NULL},
    .handler = api_place_post,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_place_rows,
    .input_size = sizeof(struct place_input),
    .idempotent = true,
};
const struct api_route api_route_place_post_reschedule = {
    .http = {HTTP_POST, "/v1/staff/bookings/{booking_id}/reschedule", 200, NULL},
    .handler = api_place_post_reschedule,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_place_move_rows,
    .input_size = sizeof(struct staff_move_input),
    .idempotent = true,
};
