/* GET /v1/staff/audit: who did what, newest first. */
#include "api/api.h"
#include "svc/audit.h"

struct audit_query {
    struct api_page page;
};
static const struct api_query_param audit_params[] = {
    API_PAGE_PARAMS(struct audit_query, page),
    API_QUERY_END,
};

static json_t *entry_json(struct arena *a, const struct audit_entry *e)
{
    json_t *j = json_obj(a);
    json_put_time(a, j, "at", e->at);
    json_put_str(a, j, "actor", e->actor);
    json_put_str(a, j, "action", e->action);
    json_put_str(a, j, "subject", e->subject);
    if (e->detail)
        json_put(a, j, "detail", json_parse(a, str_of(e->detail)));
    else
        json_put_null(a, j, "detail");
    json_put_str(a, j, "request_id", e->request_id);
    return j;
}

static const char *cursor_of(struct api_request *r, const struct audit_entry *e)
{
    const char *const fields[] = {e->cursor_us, e->id};
    return api_cursor_make(r->svc.arena, fields, ARRAY_LEN(fields));
}

static enum err audit_get(struct api_request *r)
{
    const struct audit_query *q = r->query_input;
    const char *after[2] = {NULL, NULL};
    size_t found;
    if (!api_cursor_read(r, q->page.after, after, ARRAY_LEN(after), &found))
        q = NULL;
    struct db_batch *b = api_first_batch(r);
    int64_t limit = q ? api_page_limit(&q->page) : 1;
    int at = q ? audit_list_add(b, r->auth_hash, after[0], after[1], limit + 1) : -1;
    enum err e = api_first(r, b);
    if (e != OK)
        return e;
    if (!q)
        return ERR_VALIDATION;

    struct db_rows rows = db_result(b, at);
    struct audit_entry entry;
    json_t *items = json_arr(r->svc.arena);
    const char *next = NULL;
    for (int i = 0; i < db_count(rows); i++) {
        if (i == limit) {
            next = cursor_of(r, &entry);
            break;
        }
        audit_read(rows, i, &entry);
        json_push(r->svc.arena, items, entry_json(r->svc.arena, &entry));
    }
    api_reply_list(r, items, next);
    return OK;
}

const struct api_route api_route_audit_list = {.method = HTTP_GET,
                                               .pattern = "/v1/staff/audit",
                                               .handler = audit_get,
                                               .auth = AUTH_ADMIN,
                                               .query = audit_params,
                                               .query_size = sizeof(struct audit_query),
                                               .success_status = 200};
