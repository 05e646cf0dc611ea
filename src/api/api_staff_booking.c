/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One booking as staff see it: read whole, changed in place, and moved on (confirm, cancel,
 * complete, no-show, reopen). Handlers of /v1/staff/bookings/{booking_id}. Which step may follow
 * which is decided in svc/booking_change.c. */
#include "api/api_booking_json.h"
#include "api/api_payment_json.h"
#include "svc/booking_reads.h"
#include "svc/refund.h"
#include "svc/site_payment.h"

/* ---- one booking, whole ---- */

/* request_id leads from the history to the access record and the audit log. */
static json_t *api_staff_event_json(struct arena *a, const struct booking_event *h)
{
    json_t *j = json_obj(a);
    json_put_time(a, j, "at", h->at);
    json_put_str(a, j, "from", h->from);
    json_put_str(a, j, "to", h->to);
    json_put_str(a, j, "actor", h->actor);
    json_put_str(a, j, "reason", h->reason);
    json_put_str(a, j, "request_id", h->request_id);
    return j;
}

/* Everything that a clerk at the desk needs, in one round trip: five statements in the first batch.
 * Each has the key's hash as a predicate, so a foreign key finds nothing in any of them. */
static enum err api_staff_get_booking(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int found = booking_add_find_staff(b, r->auth_hash, r->ids[0].s);
    int told = notification_add_of_booking(b, r->auth_hash, r->ids[0].s);
    int paid = payment_add_list_staff(b, r->auth_hash, r->ids[0].s);
    int odd = payment_add_list_odd(b, r->auth_hash, r->ids[0].s);
    int refunds = refund_add_list(b, r->auth_hash, r->ids[0].s);
    int on_site = site_payment_add_list(b, r->auth_hash, r->ids[0].s);
    int past = booking_add_history(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;

    struct arena *a = r->svc.arena;
    struct booking bk;
    booking_read(db_result(b, found), 0, &bk);
    json_t *notifications = json_arr(a), *history = json_arr(a);
    for (int i = 0; i < db_count(db_result(b, told)); i++) {
        struct notification_item n;
        notification_read(a, db_result(b, told), i, &n);
        json_push(a, notifications, api_notification_json(a, &n));
    }
    for (int i = 0; i < db_count(db_result(b, past)); i++) {
        struct booking_event h;
        booking_read_event(db_result(b, past), i, &h);
        json_push(a, history, api_staff_event_json(a, &h));
    }
    json_t *body = api_booking_view(r, &bk, api_staff_booking_json);
    json_put(a, body, "payments", api_payments_json(r, db_result(b, paid), db_result(b, odd)));
    json_put(a, body, "refunds", api_refunds_json(a, db_result(b, refunds)));
    json_put(a, body, "site_payments", api_site_payments_json(a, db_result(b, on_site)));
    json_put(a, body, "notifications", notifications);
    json_put(a, body, "history", history);
    api_reply(r, 200, body);
    api_etag(r, bk.version);
    return ERR_OK;
}

/* ---- transitions ---- */

/* The reason goes into the booking's history. */
struct transition_input {
    const char *reason;
};
static const struct schema_row api_staff_transition_rows[] = {
    {SCHEMA_NOTE(struct transition_input, reason, 500)},
    SCHEMA_END,
};

/* The last segment of the path. `reopen` leads to the same state as `confirm` but from other states
 * and under other rules, hence the mark. */
static bool api_staff_find_transition(struct str name, struct booking_transition *t)
{
    static const struct {
        const char *name;
        enum booking_state to;
        bool reopen;
    } known[] = {
        {"confirm", BOOKING_CONFIRMED, false},
        {"complete", BOOKING_COMPLETED, false},
        {"no-show", BOOKING_NO_SHOW, false},
        {"reopen", BOOKING_CONFIRMED, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(str_of(known[i].name), name)) {
            t->to = known[i].to;
            t->reopen = known[i].reopen;
            return true;
        }
    }
    return false;
}

/* An unknown name of a step is 404 like any unknown path, and only after authentication. */
static enum err api_staff_post_transition(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct transition_input *in = r->input;
    struct booking_transition t = {.id = r->ids[0].s, .reason = in ? in->reason : NULL};
    if (!api_staff_find_transition(r->params[1], &t))
        return ERR_NOT_FOUND;
    /* Two clerks may have the same booking open: with If-Match the second one gets 412 instead of
     * undoing what the first one did. */
    struct api_booking_change change;
    e = api_booking_begin_change(r, api_staff_booking_json, &t.match, &change);
    return e != ERR_OK ? e : booking_move_on(&r->svc, &change.caller, &t, &change.after);
}

/* ---- changes in place ---- */

/* Text members are NULL for null and for missing; the JSON itself tells the two apart below. */
struct edit_input {
    const char *note, *staff_note, *guest_name;
    int64_t party_size;
    bool has_party;
};
static const struct schema_row api_staff_edit_rows[] = {
    {SCHEMA_NOTE(struct edit_input, note, 500), .nullable = true},
    {SCHEMA_NOTE(struct edit_input, staff_note, 500), .nullable = true},
    {SCHEMA_NAME(struct edit_input, guest_name, 120), .nullable = true},
    {SCHEMA_INT(struct edit_input, party_size, 1, INT32_MAX),
     SCHEMA_HAS(struct edit_input, has_party)},
    SCHEMA_END,
};

/* Changes that move nothing in time. If-Match is read before the service is called, so that a
 * malformed one changes nothing. */
static enum err api_staff_patch_booking(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct edit_input *in = r->input;
    struct booking_edit edit = {
        .id = r->ids[0].s,
        .has_note = json_object_get(r->json, "note") != NULL, /* null: none from now on */
        .has_staff_note = json_object_get(r->json, "staff_note") != NULL,
        .has_guest_name = json_object_get(r->json, "guest_name") != NULL,
        .has_party_size = in->has_party,
        .note = in->note,
        .staff_note = in->staff_note,
        .guest_name = in->guest_name,
        .party_size = in->party_size,
    };
    struct api_booking_change change;
    e = api_booking_begin_change(r, api_staff_booking_json, &edit.match, &change);
    if (e == ERR_OK)
        e = booking_edit(&r->svc, &change.caller, &edit, &change.after);
    if (e == ERR_VALIDATION && r->faults.n == 0) {
        const bool nameless = booking_edit_is_nameless(&edit, &change.after);
        api_fault(r, nameless ? "/guest_name" : "/party_size", "%s",
                  nameless ? "a guest without a phone needs a name" : "the price is too high");
    }
    return e;
}

const struct api_route api_route_staff_get_booking = {
    .http = {HTTP_GET, "/v1/staff/bookings/{booking_id}", 200, NULL},
    .handler = api_staff_get_booking,
    .auth = AUTH_VIEWER,
};
/* No Idempotency-Key: a step leads out of its state, so a repeat finds no such step and changes
 * nothing. */
const struct api_route api_route_staff_post_transition = {
    .http = {HTTP_POST, "/v1/staff/bookings/{booking_id}/{transition}", 200, NULL},
    .handler = api_staff_post_transition,
    .auth = AUTH_AGENT,
    .body = BODY_OPTIONAL,
    .members = api_staff_transition_rows,
    .input_size = sizeof(struct transition_input),
};
const struct api_route api_route_staff_patch_booking = {
    .http = {HTTP_PATCH, "/v1/staff/bookings/{booking_id}", 200, NULL},
    .handler = api_staff_patch_booking,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_staff_edit_rows,
    .input_size = sizeof(struct edit_input),
    /* A member that is missing stays as it is; `required` of the schema is not looked at. */
    .partial = true,
};
