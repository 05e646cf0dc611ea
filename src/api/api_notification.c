/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Notifications, for staff: list, send again, acknowledge (BEHAVIOUR §4). A key of one venue sees
 * and changes that venue's alone.
 */
#include "api/api_booking.h"
#include "api/api_page.h"

/* The services below take the venue from here, so no handler can forget the limit. */
static struct notification_actor api_notification_actor(const struct api_request *r)
{
    return (struct notification_actor){.name = r->who.actor,
                                       .venue_id = r->who.one_venue ? r->who.venue_id.s : NULL};
}

/* ---- list ---- */

struct list_query {
    struct api_page page;
    int status;
    struct uuid booking_id;
    struct wall since;
    bool has_status, has_booking, has_since;
};
static const struct schema_row api_notification_list_rows[] = {
    {SCHEMA_ENUM(struct list_query, status, notification_status_names),
     SCHEMA_HAS(struct list_query, has_status)},
    {SCHEMA_UUID(struct list_query, booking_id), SCHEMA_HAS(struct list_query, has_booking)},
    {SCHEMA_TIME(struct list_query, since), SCHEMA_HAS(struct list_query, has_since)},
    API_PAGE_PARAMS(struct list_query, page),
    SCHEMA_END,
};

static json_t *api_notification_item(struct api_request *r, struct db_rows rows, int i,
                                     const char **next)
{
    struct notification_item n;
    notification_read(r->svc.arena, rows, i, &n);
    if (next)
        *next = api_time_cursor_make(r, n.created_at, &n.id);
    return api_notification_json(r->svc.arena, &n);
}

/* Newest first. The same filter as of the command line, in the same function (notification_list.c),
 * so that the figures agree. */
static enum err api_notification_get_list(struct api_request *r)
{
    const struct list_query *q = r->query_input;
    const char *after[2];
    bool good = api_time_cursor(r, q->page.after, after);
    int64_t limit = api_page_limit(&q->page);
    struct notification_page page = {
        .filter = {.status = q->has_status ? notification_status_names[q->status] : NULL,
                   .booking_id = q->has_booking ? q->booking_id.s : NULL,
                   .has_since = q->has_since,
                   .since = q->since},
        .after_created = after[0],
        .after_id = after[1],
        .limit = limit + 1,
    };
    struct db_batch *b = api_first_batch(r);
    int listed = notification_add_list(b, r->auth_hash, &page);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, listed), limit, api_notification_item);
    return ERR_OK;
}

/* ---- sending again ---- */

/* The message is sent inside this request: who asked for it sees at once whether it worked. */
static enum err api_notification_post_resend(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    struct notification_actor who = api_notification_actor(r);
    struct notification_item n;
    e = notification_resend(&r->svc, &who, r->ids[0].s, &n);
    if (e == ERR_OK)
        api_reply(r, 200, api_notification_json(r->svc.arena, &n));
    return e;
}

/* As on the command line: a mistaken filter costs a hundred messages at most. */
#define RESEND_LIMIT_DEFAULT 100
struct resend_input {
    const char *error_code, *template;
    struct wall since, until;
    int64_t limit;
    bool has_since, has_until, has_limit, dry_run;
};
static const struct schema_row api_notification_resend_rows[] = {
    /* An error code and a template are words of ours; 64 bytes hold the longest. */
    {SCHEMA_STRING(struct resend_input, error_code, 0, 64)},
    {SCHEMA_STRING(struct resend_input, template, 0, 64)},
    {SCHEMA_TIME(struct resend_input, since), SCHEMA_HAS(struct resend_input, has_since)},
    {SCHEMA_TIME(struct resend_input, until), SCHEMA_HAS(struct resend_input, has_until)},
    {SCHEMA_INT(struct resend_input, limit, 1, 1000), SCHEMA_HAS(struct resend_input, has_limit)},
    {SCHEMA_BOOL(struct resend_input, dry_run)},
    SCHEMA_END,
};

/* `remaining` says whether to ask again: what does not fit in the request's time is left as it was.
 * dry_run only counts. */
static enum err api_notification_post_resend_all(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct resend_input *in = r->input;
    struct notification_filter f = {
        .template = in->template,
        .error_code = in->error_code,
        .has_since = in->has_since,
        .since = in->since,
        .has_until = in->has_until,
        .until = in->until,
    };
    struct notification_actor who = api_notification_actor(r);
    struct notification_counts counts;
    int64_t limit = in->has_limit ? in->limit : RESEND_LIMIT_DEFAULT;
    e = notification_resend_all(&r->svc, &who, &f, limit, in->dry_run, &counts);
    if (e != ERR_OK)
        return e;
    struct arena *a = r->svc.arena;
    json_t *body = json_obj(a);
    json_put_int(a, body, "matched", counts.matched);
    json_put_int(a, body, "sent", counts.sent);
    json_put_int(a, body, "failed", counts.failed);
    json_put_int(a, body, "remaining", counts.remaining);
    api_reply(r, 200, body);
    return ERR_OK;
}

/* ---- acknowledging ---- */

/* As many identifiers as fit into the body's default limit of 64 KiB, with room to spare. */
#define IDS_MAX 1000
struct acknowledge_input {
    json_t *ids;
    const char *error_code;
    struct wall until;
    bool has_until;
};
static const struct schema_row api_notification_acknowledge_rows[] = {
    {SCHEMA_ARRAY(struct acknowledge_input, ids, 0, IDS_MAX)},
    {SCHEMA_STRING(struct acknowledge_input, error_code, 0, 64)},
    {SCHEMA_TIME(struct acknowledge_input, until), SCHEMA_HAS(struct acknowledge_input, has_until)},
    SCHEMA_END,
};

/* Canonical texts of the array's identifiers; NULL, with faults, when one is none. */
static const char *const *api_notification_read_ids(struct api_request *r, const json_t *ids,
                                                    size_t n)
{
    struct arena *a = r->svc.arena;
    const char **out = arena_array(a, n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(ids, i);
        struct uuid id;
        if (json_is_string(item) &&
            uuid_parse((struct str){json_string_value(item), json_string_length(item)}, &id))
            out[i] = arena_strdup(a, id.s);
        else
            api_fault(r, arena_printf(a, "/ids/%zu", i), "must be a UUID");
    }
    return r->faults.n > 0 ? NULL : out;
}

/* By identifiers, by error code and time, or both. The rows stay FAILED; they only leave the figure
 * that alerts (BEHAVIOUR §4). */
static enum err api_notification_post_acknowledge(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct acknowledge_input *in = r->input;
    size_t n = in->ids ? json_array_size(in->ids) : 0;
    const char *const *ids = in->ids ? api_notification_read_ids(r, in->ids, n) : NULL;
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    struct notification_filter f = {
        .error_code = in->error_code, .has_until = in->has_until, .until = in->until};
    struct notification_actor who = api_notification_actor(r);
    int64_t acknowledged = 0;
    e = notification_acknowledge(&r->svc, &who, &f, ids, n, &acknowledged);
    if (e != ERR_OK)
        return e;
    json_t *body = json_obj(r->svc.arena);
    json_put_int(r->svc.arena, body, "acknowledged", acknowledged);
    api_reply(r, 200, body);
    return ERR_OK;
}

const struct api_route api_route_notification_get_list = {
    .http = {HTTP_GET, "/v1/staff/notifications", 200, NULL},
    .handler = api_notification_get_list,
    .auth = AUTH_VIEWER,
    .query = api_notification_list_rows,
    .query_size = sizeof(struct list_query),
};
const struct api_route api_route_notification_post_resend_all = {
    .http = {HTTP_POST, "/v1/staff/notifications/resend", 200, NULL},
    .handler = api_notification_post_resend_all,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_notification_resend_rows,
    .input_size = sizeof(struct resend_input),
};
const struct api_route api_route_notification_post_acknowledge = {
    .http = {HTTP_POST, "/v1/staff/notifications/acknowledge", 200, NULL},
    .handler = api_notification_post_acknowledge,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_notification_acknowledge_rows,
    .input_size = sizeof(struct acknowledge_input),
};
const struct api_route api_route_notification_post_resend = {
    .http = {HTTP_POST, "/v1/staff/notifications/{notification_id}/resend", 200, NULL},
    .handler = api_notification_post_resend,
    .auth = AUTH_AGENT,
    .body = BODY_NONE,
};
