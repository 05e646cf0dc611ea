/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * How bookings and notifications look in answers, and the cursors of lists by time. Called by the
 * handlers of customers and of staff, so that both see the same members (openapi.yaml). Names of
 * venue, service and resource come in the language of the request, times in UTC; a client shows
 * them in the venue's time zone.
 */
#include "api/api_booking_json.h"
#include "api/api_language.h"
#include "api/api_page.h"
#include "svc/booking_reads.h"

/* All members are always there, null where there is no value: a client need not tell missing from
 * null. */
json_t *api_booking_json(const struct api_request *r, const struct booking *bk)
{
    struct arena *a = r->svc.arena;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", bk->id.s);
    json_put_int(a, j, "version", bk->version);
    json_put_str(a, j, "venue_id", bk->venue_id.s);
    json_put_str(a, j, "service_id", bk->service_id.s);
    json_put_str(a, j, "resource_id", bk->resource_id.s);
    json_put_str(a, j, "status", booking_state_names[bk->state]);
    json_put_time(a, j, "starts_at", bk->starts_at);
    json_put_time(a, j, "ends_at", bk->ends_at);
    json_put_int(a, j, "party_size", bk->party_size);
    json_put_int(a, j, "amount", bk->amount);
    json_put_int_if(a, j, "deposit", bk->deposit >= 0, bk->deposit);
    json_put_int(a, j, "due_on_site", booking_due_on_site(bk));
    json_put_str(a, j, "currency", bk->currency);
    json_put_str(a, j, "payment", bk->payment);
    json_put_str(a, j, "note", bk->note);
    json_put_str(a, j, "guest_name", bk->guest_name);
    json_put_bool(a, j, "resource_chosen", bk->resource_chosen);
    /* Names as they are now: a service that was renamed is shown by its new name in old bookings
     * too. */
    json_put_str(a, j, "service_name",
                 api_text_for(r, bk->service.in, bk->venue_locale, bk->service.plain));
    json_put_str(a, j, "resource_name",
                 api_text_for(r, bk->resource.in, bk->venue_locale, bk->resource.plain));
    json_put_str(a, j, "venue_name",
                 api_text_for(r, bk->venue.in, bk->venue_locale, bk->venue.plain));
    json_put_str(a, j, "reason", bk->reason);
    json_put_time(a, j, "free_cancellation_until", bk->free_cancel_until);
    json_put_time_if(a, j, "hold_expires_at", bk->has_hold, bk->hold_expires_at);
    json_put_time_if(a, j, "cancelled_at", bk->has_cancelled, bk->cancelled_at);
    json_put_time(a, j, "created_at", bk->created_at);
    return j;
}

/* What only staff may see is added here and nowhere else. */
json_t *api_staff_booking_json(const struct api_request *r, const struct booking *bk)
{
    struct arena *a = r->svc.arena;
    json_t *j = api_booking_json(r, bk);
    /* A guest without a phone has no account: null, and guest_name says who comes. */
    if (bk->has_customer) {
        json_t *customer = json_obj(a);
        json_put_str(a, customer, "id", bk->customer_id.s);
        json_put_str(a, customer, "phone", bk->phone);
        json_put_str(a, customer, "name", bk->name);
        json_put(a, j, "customer", customer);
    } else {
        json_put_null(a, j, "customer");
    }
    json_put_str(a, j, "staff_note", bk->staff_note);
    json_put_str(a, j, "made_by", bk->made_by);
    json_put_str(a, j, "forced", bk->forced);
    return j;
}

/* Lists of notifications and the view of one booking show them alike. */
json_t *api_notification_json(struct arena *a, const struct notification_item *n)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", n->id.s);
    json_put_str(a, j, "booking_id", n->booking_id.s);
    json_put_str(a, j, "template", n->template);
    json_put_str(a, j, "channel", n->channel);
    json_put_str(a, j, "locale", n->locale);
    json_put_str(a, j, "recipient", n->recipient);
    json_put_str(a, j, "status", n->status);
    json_put_int(a, j, "attempts", n->attempts);
    json_put_time_if(a, j, "acknowledged_at", n->has_acknowledged, n->acknowledged_at);
    json_put_str(a, j, "error_code", n->error_code);
    json_put_str(a, j, "error_detail", n->error_detail);
    json_put_str(a, j, "provider", n->provider);
    json_put_str(a, j, "provider_message_id", n->provider_message_id);
    json_put_time(a, j, "created_at", n->created_at);
    json_put_time(a, j, "updated_at", n->updated_at);
    return j;
}

/* The name that a customer gave to other venues is not shown to this one. */
json_t *api_booking_view(const struct api_request *r, const struct booking *bk,
                         api_booking_view_fn *view)
{
    struct booking shown = *bk;
    if (r->who.kind == WHO_STAFF && r->who.one_venue && !bk->booked_here)
        shown.name = NULL;
    return view(r, &shown);
}

/* Called by the service with the batch that will commit the change. */
static void api_booking_answer_change(void *arg, struct db_batch *b, const struct booking *bk)
{
    const struct api_booking_answer *answer = arg;
    struct api_request *r = answer->r;
    api_reply(r, answer->status, api_booking_view(r, bk, answer->view));
    api_etag(r, bk->version);
    if (bk->has_customer)
        api_idem_customer(r, arena_strdup(r->svc.arena, bk->customer_id.s));
    if (answer->location)
        http_resp_headerf(&r->resp, "Location", "%s%s", answer->location, bk->id.s);
    api_idem_add(r, b);
}

struct booking_caller api_booking_caller(struct api_booking_answer *answer)
{
    return (struct booking_caller){
        .who = &answer->r->who, .on_commit = api_booking_answer_change, .arg = answer};
}

enum err api_booking_begin_change(struct api_request *r, api_booking_view_fn *view,
                                  struct versions *match, struct api_booking_change *out)
{
    out->answer = (struct api_booking_answer){.r = r, .status = 200, .view = view};
    out->caller = api_booking_caller(&out->answer);
    return api_if_match(r, match);
}

/* BEHAVIOUR §5: a missing resource_id keeps the chosen one, null means any. */
enum booking_resource_choice api_booking_choice(const struct api_request *r, bool has_resource)
{
    if (has_resource)
        return RESOURCE_THIS;
    return json_is_null(json_object_get(r->json, "resource_id")) ? RESOURCE_ANY : RESOURCE_KEEP;
}

/* The hash proves that we made the cursor; the fields are checked all the same, as they go into
 * SQL. */
bool api_time_cursor(struct api_request *r, const char *after, const char *fields[2])
{
    size_t found = 0;
    struct wall at;
    struct uuid id;
    fields[0] = fields[1] = NULL;
    if (!api_cursor_read(r, after, fields, 2, &found))
        return false;
    if (found == 0 ||
        (found == 2 && wall_parse(str_of(fields[0]), &at) && uuid_parse(str_of(fields[1]), &id)))
        return true;
    api_fault(r, "query:after", "is not a cursor of this list");
    fields[0] = fields[1] = NULL;
    return false;
}

/* For lists by start: start and id are the cursor, since two bookings may start together. */
json_t *api_booking_item(struct api_request *r, struct db_rows rows, int i, const char **next,
                         api_booking_view_fn *view)
{
    struct booking bk;
    booking_read(rows, i, &bk);
    if (next)
        *next = api_time_cursor_make(r, bk.starts_at, &bk.id);
    return api_booking_view(r, &bk, view);
}

const char *api_time_cursor_make(const struct api_request *r, struct wall at, const struct uuid *id)
{
    char text[WALL_RFC3339_MAX];
    return api_cursor_make(r, (const char *const[]){wall_format(at, text), id->s}, 2);
}
