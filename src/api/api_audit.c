/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * GET /v1/staff/audit: who did what, newest first. For administrators: entries name customers and
 * keys.
 */
#include "api/api_page.h"
#include "svc/audit.h"

static json_t *api_audit_entry_json(struct arena *a, const struct audit_entry *e)
{
    json_t *j = json_obj(a);
    json_put_time(a, j, "at", e->at);
    json_put_str(a, j, "actor", e->actor);
    json_put_str(a, j, "action", e->action);
    json_put_str(a, j, "subject", e->subject);
    if (e->detail)
        /* Stored as JSON text; NULL where the action needs no more words. */
        json_put(a, j, "detail", json_parse(a, str_of(e->detail)));
    else
        json_put_null(a, j, "detail");
    /* Both identifiers: the caller's own, and the one that this server made for the access
     * record. */
    json_put_str(a, j, "request_id", e->request_id);
    json_put_str(a, j, "own_request_id", e->own_request_id);
    return j;
}

/* The cursor holds time and identifier: entries of one transaction have the same time. */
static json_t *api_audit_item(struct api_request *r, struct db_rows rows, int i, const char **next)
{
    struct audit_entry e;
    audit_read(rows, i, &e);
    if (next)
        *next = api_cursor_make(r, (const char *const[]){e.cursor_us, e.id}, 2);
    return api_audit_entry_json(r->svc.arena, &e);
}

static enum err api_audit_get_list(struct api_request *r)
{
    const struct api_page *page = r->query_input;
    const char *after[2] = {NULL, NULL};
    size_t found;
    bool good = api_cursor_read(r, page->after, after, ARRAY_LEN(after),
                                &found); /* told after authentication */
    int64_t limit = api_page_limit(page);
    struct db_batch *b = api_first_batch(r);
    /* One row more than the page: whether there is a next page is then known without a count. */
    int listed = audit_list_add(b, r->auth_hash, after[0], after[1], limit + 1);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, listed), limit, api_audit_item);
    return ERR_OK;
}

const struct api_route api_route_audit_get_list = {
    .http = {HTTP_GET, "/v1/staff/audit", 200, NULL},
    .handler = api_audit_get_list,
    .auth = AUTH_ADMIN,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
