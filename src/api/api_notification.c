/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Notifications, for staff: list, count by reason, send again, acknowledge. Handlers of
 * /v1/staff/notifications (BEHAVIOUR §4). A key of one venue sees and changes the notifications of
 * that venue alone. Lists need the role viewer, changes the role agent. Filters mean the same in
 * all five operations: each handler only moves its members into a struct notification_filter.
 */
#include "api/api_booking_json.h"
#include "api/api_page.h"

/* The services below take the venue from here, so no handler can forget the limit. */
static struct notification_actor api_notification_actor(const struct api_request *r)
{
    return (struct notification_actor){.name = r->who.actor,
                                       .venue_id = r->who.one_venue ? r->who.venue_id.s : NULL};
}

/* Three values, since a filter may also be absent: NULL matches both. Text, because the statement
 * takes it as a parameter that may be NULL. */
static const char *api_notification_acknowledged(bool has, bool value)
{
    return !has ? NULL : value ? "true" : "false";
}

/* ---- list ---- */

struct list_query {
    struct api_page page;
    int status;
    struct uuid booking_id, venue_id;
    const char *template, *error_code;
    struct wall since, until;
    bool acknowledged;
    bool has_status, has_booking, has_venue, has_since, has_until, has_acknowledged;
};
/* A template and an error code are taken as text: a word that no row has finds nothing, and is no
 * fault. */
static const struct schema_row api_notification_list_rows[] = {
    {SCHEMA_ENUM(struct list_query, status, notification_status_names),
     SCHEMA_HAS(struct list_query, has_status)},
    {SCHEMA_UUID(struct list_query, booking_id), SCHEMA_HAS(struct list_query, has_booking)},
    {SCHEMA_UUID(struct list_query, venue_id), SCHEMA_HAS(struct list_query, has_venue)},
    {SCHEMA_STRING(struct list_query, template, 0, 64)},
    {SCHEMA_STRING(struct list_query, error_code, 0, 64)},
    {SCHEMA_TIME(struct list_query, since), SCHEMA_HAS(struct list_query, has_since)},
    {SCHEMA_TIME(struct list_query, until), SCHEMA_HAS(struct list_query, has_until)},
    {SCHEMA_BOOL(struct list_query, acknowledged), SCHEMA_HAS(struct list_query, has_acknowledged)},
    API_PAGE_PARAMS(struct list_query, page),
    SCHEMA_END,
};

/* The cursor holds time and identifier: rows of one moment are told apart by the second. */
static json_t *api_notification_item(struct api_request *r, struct db_rows rows, int i,
                                     const char **next)
{
    struct notification_item n;
    notification_read(r->svc.arena, rows, i, &n);
    if (next)
        *next = api_time_cursor_make(r, n.created_at, &n.id);
    return api_notification_json(r->svc.arena, &n);
}

/* Newest first. The command line's list uses the same filter in the same function
 * (notification_list.c), so the two show the same rows. A bad cursor still runs the first batch:
 * who is asking comes before what is wrong. */
static enum err api_notification_get_list(struct api_request *r)
{
    const struct list_query *q = r->query_input;
    const char *after[2];
    bool good = api_time_cursor(r, q->page.after, after);
    int64_t limit = api_page_limit(&q->page);
    struct notification_page page = {
        .filter = {.status = q->has_status ? notification_status_names[q->status] : NULL,
                   .booking_id = q->has_booking ? q->booking_id.s : NULL,
                   .template = q->template,
                   .error_code = q->error_code,
                   .in_venue = q->has_venue ? q->venue_id.s : NULL,
                   .acknowledged =
                       api_notification_acknowledged(q->has_acknowledged, q->acknowledged),
                   .has_since = q->has_since,
                   .since = q->since,
                   .has_until = q->has_until,
                   .until = q->until},
        .after_created = after[0],
        .after_id = after[1],
        /* The row too many tells of a next page. */
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

/* As many identifiers as fit into the body's default limit of 64 KiB, with room to spare. */
#define IDS_MAX 1000

/* Canonical texts of the array's identifiers. NULL, with one fault for each, when an element is not
 * an identifier; the fault's pointer says which. */
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

/* As on the command line: a mistaken filter costs a hundred messages at most. */
#define RESEND_LIMIT_DEFAULT 100
struct resend_input {
    json_t *ids;
    const char *error_code, *template, *after;
    struct uuid venue_id;
    struct wall since, until;
    int64_t limit;
    bool acknowledged;
    bool has_venue, has_since, has_until, has_limit, has_acknowledged, dry_run;
};
static const struct schema_row api_notification_resend_rows[] = {
    {SCHEMA_ARRAY(struct resend_input, ids, 0, IDS_MAX)},
    /* An error code and a template are words of ours; 64 bytes hold the longest. */
    {SCHEMA_STRING(struct resend_input, error_code, 0, 64)},
    {SCHEMA_STRING(struct resend_input, template, 0, 64)},
    {SCHEMA_UUID(struct resend_input, venue_id), SCHEMA_HAS(struct resend_input, has_venue)},
    {SCHEMA_TIME(struct resend_input, since), SCHEMA_HAS(struct resend_input, has_since)},
    {SCHEMA_TIME(struct resend_input, until), SCHEMA_HAS(struct resend_input, has_until)},
    {SCHEMA_INT(struct resend_input, limit, 1, 1000), SCHEMA_HAS(struct resend_input, has_limit)},
    {SCHEMA_STRING(struct resend_input, after, 1, API_CURSOR_MAX)},
    {SCHEMA_BOOL(struct resend_input, acknowledged),
     SCHEMA_HAS(struct resend_input, has_acknowledged)},
    {SCHEMA_BOOL(struct resend_input, dry_run)},
    SCHEMA_END,
};

/* Whoever acknowledged a row has seen to its customer: a filter passes it over unless it is asked
 * for. Rows named by their ids are meant. */
static struct notification_filter api_notification_resend_filter(const struct resend_input *in)
{
    const bool narrows = in->has_acknowledged || !in->ids;
    return (struct notification_filter){
        .template = in->template,
        .error_code = in->error_code,
        .in_venue = in->has_venue ? in->venue_id.s : NULL,
        .acknowledged = api_notification_acknowledged(narrows, in->acknowledged),
        .has_since = in->has_since,
        .since = in->since,
        .has_until = in->has_until,
        .until = in->until,
    };
}

/* `next` is given only where there is something left and at least one row was tried. A dry run
 * tries none, and says instead how many parts a provider would bill. */
static void api_notification_reply_counts(struct api_request *r,
                                          const struct notification_counts *c, bool dry_run)
{
    struct arena *a = r->svc.arena;
    json_t *body = json_obj(a);
    json_put_int(a, body, "matched", c->matched);
    json_put_int(a, body, "sent", c->sent);
    json_put_int(a, body, "failed", c->failed);
    json_put_int(a, body, "remaining", c->remaining);
    if (dry_run)
        json_put_int(a, body, "sms_parts", c->parts);
    else if (c->remaining > 0 && c->last_id)
        json_put_str(a, body, "next",
                     api_cursor_make(r, (const char *const[]){c->last_created, c->last_id}, 2));
    api_reply(r, 200, body);
}

/* Sends again what a filter or a list of identifiers names. What does not fit in the request's time
 * is left as it was, and `remaining` says how much. With `next` as `after` in the following
 * request, what failed again is not tried twice. dry_run only counts. */
static enum err api_notification_post_resend_all(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct resend_input *in = r->input;
    const size_t n = in->ids ? json_array_size(in->ids) : 0;
    const char *after[2] = {NULL, NULL};
    size_t found;
    struct notification_order order = {
        .filter = api_notification_resend_filter(in),
        .ids = in->ids ? api_notification_read_ids(r, in->ids, n) : NULL,
        .ids_n = n,
        .limit = in->has_limit ? in->limit : RESEND_LIMIT_DEFAULT,
        .dry_run = in->dry_run,
    };
    if (!api_cursor_read(r, in->after, after, 2, &found) || r->faults.n > 0)
        return ERR_VALIDATION;
    order.after_created = after[0];
    order.after_id = after[1];
    struct notification_actor who = api_notification_actor(r);
    struct notification_counts counts;
    e = notification_resend_all(&r->svc, &who, &order, &counts);
    if (e == ERR_OK)
        api_notification_reply_counts(r, &counts, in->dry_run);
    return e;
}

/* ---- groups ---- */

/* No status: only what FAILED is grouped, for whoever decides what is sent again. */
struct groups_query {
    struct api_page page;
    const char *template, *error_code;
    struct uuid venue_id;
    struct wall since, until;
    bool acknowledged;
    bool has_venue, has_since, has_until, has_acknowledged;
};
static const struct schema_row api_notification_groups_rows[] = {
    {SCHEMA_STRING(struct groups_query, template, 0, 64)},
    {SCHEMA_STRING(struct groups_query, error_code, 0, 64)},
    {SCHEMA_UUID(struct groups_query, venue_id), SCHEMA_HAS(struct groups_query, has_venue)},
    {SCHEMA_TIME(struct groups_query, since), SCHEMA_HAS(struct groups_query, has_since)},
    {SCHEMA_TIME(struct groups_query, until), SCHEMA_HAS(struct groups_query, has_until)},
    {SCHEMA_BOOL(struct groups_query, acknowledged),
     SCHEMA_HAS(struct groups_query, has_acknowledged)},
    API_PAGE_PARAMS(struct groups_query, page),
    SCHEMA_END,
};

/* `sendable` is smaller than `count` when some are too old, have lost their text, or remind of
 * what was moved or cancelled. */
static json_t *api_notification_group_json(struct arena *a, const struct notification_group *g)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "template", g->template);
    json_put_str(a, j, "error_code", g->error_code);
    json_put_int(a, j, "count", g->count);
    json_put_int(a, j, "sendable", g->sendable);
    json_put_time(a, j, "oldest_at", g->oldest_at);
    json_put_time(a, j, "newest_at", g->newest_at);
    return j;
}

/* There are some sixty groups at most (kinds of message times error codes), so they are read whole
 * and cut into pages here. The cursor is the last group's key. */
static enum err api_notification_reply_groups(struct api_request *r, const struct api_page *page,
                                              struct db_rows rows)
{
    struct arena *a = r->svc.arena;
    const size_t n = (size_t)db_count(rows);
    struct notification_group *groups = arena_array(a, n, sizeof *groups);
    const char **keys = arena_array(a, n, sizeof *keys);
    struct api_span span;
    for (size_t i = 0; i < n; i++) {
        notification_group_read(rows, (int)i, &groups[i]);
        keys[i] = arena_printf(a, "%s:%s", groups[i].template, groups[i].error_code);
    }
    if (!api_page_of(r, page, keys, n, &span))
        return ERR_VALIDATION;
    json_t *items = json_arr(a);
    for (size_t i = span.first; i < span.end; i++)
        json_push(a, items, api_notification_group_json(a, &groups[i]));
    api_reply_list(r, items, span.next);
    return ERR_OK;
}

/* What waits for staff: without `acknowledged` only what nobody has seen to. */
static enum err api_notification_get_groups(struct api_request *r)
{
    const struct groups_query *q = r->query_input;
    const struct notification_filter f = {
        .template = q->template,
        .error_code = q->error_code,
        .in_venue = q->has_venue ? q->venue_id.s : NULL,
        .acknowledged = q->acknowledged ? "true" : "false",
        .has_since = q->has_since,
        .since = q->since,
        .has_until = q->has_until,
        .until = q->until,
    };
    struct db_batch *b = api_first_batch(r);
    int listed = notification_add_groups(b, r->auth_hash, &f);
    enum err e = api_first(r, b);
    return e == ERR_OK ? api_notification_reply_groups(r, &q->page, db_result(b, listed)) : e;
}

/* ---- acknowledging ---- */

/* As for resending, without `limit` and `after`: acknowledging is one statement, however many
 * rows. */
struct acknowledge_input {
    json_t *ids;
    const char *error_code, *template;
    struct uuid venue_id;
    struct wall since, until;
    bool has_venue, has_since, has_until, dry_run;
};
static const struct schema_row api_notification_acknowledge_rows[] = {
    {SCHEMA_ARRAY(struct acknowledge_input, ids, 0, IDS_MAX)},
    {SCHEMA_STRING(struct acknowledge_input, error_code, 0, 64)},
    {SCHEMA_STRING(struct acknowledge_input, template, 0, 64)},
    {SCHEMA_UUID(struct acknowledge_input, venue_id),
     SCHEMA_HAS(struct acknowledge_input, has_venue)},
    {SCHEMA_TIME(struct acknowledge_input, since), SCHEMA_HAS(struct acknowledge_input, has_since)},
    {SCHEMA_BOOL(struct acknowledge_input, dry_run)},
    {SCHEMA_TIME(struct acknowledge_input, until), SCHEMA_HAS(struct acknowledge_input, has_until)},
    SCHEMA_END,
};

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
    const struct notification_order order = {
        .filter = {.error_code = in->error_code,
                   .template = in->template,
                   .in_venue = in->has_venue ? in->venue_id.s : NULL,
                   .has_since = in->has_since,
                   .since = in->since,
                   .has_until = in->has_until,
                   .until = in->until},
        .ids = ids,
        .ids_n = n,
        .dry_run = in->dry_run,
    };
    struct notification_actor who = api_notification_actor(r);
    int64_t matched = 0;
    e = notification_acknowledge(&r->svc, &who, &order, &matched);
    if (e != ERR_OK)
        return e;
    json_t *body = json_obj(r->svc.arena);
    json_put_int(r->svc.arena, body, "acknowledged", in->dry_run ? 0 : matched);
    if (in->dry_run)
        json_put_int(r->svc.arena, body, "matched", matched);
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
const struct api_route api_route_notification_get_groups = {
    .http = {HTTP_GET, "/v1/staff/notifications/groups", 200, NULL},
    .handler = api_notification_get_groups,
    .auth = AUTH_VIEWER,
    .query = api_notification_groups_rows,
    .query_size = sizeof(struct groups_query),
};
/* No Idempotency-Key: a row that was sent is no longer FAILED, so a repeat passes it over. */
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
