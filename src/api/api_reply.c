/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What handlers answer with: a JSON body, nothing, or a page of a list. Called by every handler;
 * none of these writes to the client. api.c turns the result into bytes. */
#include <string.h>

#include "api_priv.h"

void api_reply_text(struct api_request *r, int status, struct str json)
{
    r->resp.status = status;
    r->resp.content_type = "application/json";
    r->resp.body = json;
}

void api_reply(struct api_request *r, int status, json_t *body)
{
    api_reply_text(r, status, json_text(r->svc.arena, body));
}

void api_reply_empty(struct api_request *r, int status)
{
    r->resp.status = status;
    r->resp.content_type = NULL;
    r->resp.body = (struct str){NULL, 0};
}

void api_reply_list(struct api_request *r, json_t *items, const char *next)
{
    json_t *list = json_obj(r->svc.arena);
    json_put(r->svc.arena, list, "items", items);
    json_put_str(r->svc.arena, list, "next", next);
    api_reply(r, 200, list);
}

struct page_query {
    struct api_page page;
};
const struct schema_row api_page_params[] = {API_PAGE_PARAMS(struct page_query, page), SCHEMA_END};

/* The handler asked for one row more than a page has. That row is never shown; it only says that
 * there is a next page, whose cursor is made of the last row shown. */
void api_reply_page(struct api_request *r, struct db_rows rows, int64_t limit, api_item_fn *item)
{
    int n = db_count(rows);
    int shown = n <= limit ? n : (int)limit;
    const char *next = NULL;
    json_t *items = json_arr(r->svc.arena);
    for (int i = 0; i < shown; i++)
        json_push(r->svc.arena, items,
                  item(r, rows, i, i == shown - 1 && shown < n ? &next : NULL));
    api_reply_list(r, items, next);
}

int64_t api_page_limit(const struct api_page *p)
{
    return p->has_limit ? p->limit : API_PAGE_LIMIT_DEFAULT;
}

/* For lists that are read whole because they are short (providers, payments of one booking). */
bool api_page_of(struct api_request *r, const struct api_page *p, const char *const *keys, size_t n,
                 struct api_span *out)
{
    const char *after = NULL;
    size_t found, limit = (size_t)api_page_limit(p);
    *out = (struct api_span){.first = 0};
    if (!api_cursor_read(r, p->after, &after, 1, &found))
        return false;
    /* First the item that the cursor names, then the one behind it. An item that is gone ends the
     * list: starting over would show items twice. */
    while (after && out->first < n && strcmp(keys[out->first], after) != 0)
        out->first++;
    if (after && out->first < n)
        out->first++;
    out->end = n - out->first > limit ? out->first + limit : n;
    out->next = out->end < n ? api_cursor_make(r, &keys[out->end - 1], 1) : NULL;
    return true;
}

/* Clients must learn whether a repeat can do harm, so every provider fault says what is known of it
 * (BEHAVIOUR §3). */
enum err api_provider_failed(struct api_request *r, enum err e, bool unknown, long retry_after_s)
{
    r->problem.outcome = unknown ? OUTCOME_UNKNOWN : OUTCOME_FAILED;
    r->problem.retry_after_s = retry_after_s;
    return e;
}
