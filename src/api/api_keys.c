/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Keys of staff, for administrators. Handlers of /v1/staff/keys. An administrator who is bound to a
 * venue makes, sees and ends keys of that venue alone. The table holds a hash of each key, so a
 * lost key cannot be shown again, only replaced. */
#include "api/api_page.h"
#include "svc/staff.h"

/* Without the key itself: that is added once, by the handler that makes it. */
static json_t *api_keys_json(struct arena *a, const struct staff_key *k)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", k->id);
    json_put_str(a, j, "name", k->name);
    json_put_str(a, j, "role", k->role);
    json_put_str(a, j, "venue_id", k->venue_id);
    json_put_time(a, j, "created_at", k->created_at);
    json_put_time_if(a, j, "revoked_at", k->revoked, k->revoked_at);
    return j;
}

/* Revoked keys too: the audit log names them, and a reader asks when one ended. */
static json_t *api_keys_item(struct api_request *r, struct db_rows rows, int i, const char **next)
{
    struct staff_key k;
    staff_read_key(rows, i, &k);
    if (next)
        *next = api_cursor_make(r, &k.name, 1);
    return api_keys_json(r->svc.arena, &k);
}

/* By name, which is unique and never reused: a name is cursor enough. */
static enum err api_keys_get_list(struct api_request *r)
{
    const struct api_page *page = r->query_input;
    const char *after = NULL;
    size_t found;
    bool good = api_cursor_read(r, page->after, &after, 1, &found);
    int64_t limit = api_page_limit(page);
    struct db_batch *b = api_first_batch(r);
    int listed = staff_add_list_seen(b, r->auth_hash, after, limit + 1);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, listed), limit, api_keys_item);
    return ERR_OK;
}

/* venue_id null, or left out: a key for all venues. */
struct key_input {
    const char *name;
    int role;
    struct uuid venue_id;
    bool has_venue;
};
static const struct schema_row api_keys_rows[] = {
    /* The name goes into the audit log as `staff:NAME`; 64 bytes keep its lines readable. */
    {SCHEMA_STRING(struct key_input, name, 1, 64), .required = true},
    {SCHEMA_ENUM(struct key_input, role, staff_role_names), .required = true},
    {SCHEMA_UUID(struct key_input, venue_id), SCHEMA_HAS(struct key_input, has_venue),
     .nullable = true},
    SCHEMA_END,
};

/* No Idempotency-Key: its stored answer would hold the key's text for a day. A name is never used
 * twice, so a repeat makes no second key. */
static enum err api_keys_post(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct key_input *in = r->input;
    struct staff_key_order order = {
        .actor = r->who.actor,
        .name = in->name,
        .role = (enum staff_role)in->role,
        .venue_id = in->has_venue ? in->venue_id.s : NULL,
    };
    /* Left out means "as far as I may": nobody can make a key that reaches further than their
     * own. */
    if (r->who.one_venue && !order.venue_id)
        order.venue_id = r->who.venue_id.s;
    /* 404's meaning, as a fault of the member: a venue that is not seen does not exist. */
    const bool foreign = r->who.one_venue && strcmp(order.venue_id, r->who.venue_id.s) != 0;
    struct staff_key_made made;
    e = foreign ? ERR_NOT_FOUND : staff_key_add(&r->svc, &order, &made);
    if (e == ERR_NOT_FOUND) {
        api_fault(r, "/venue_id", "is not a venue that this key may see");
        return ERR_VALIDATION;
    }
    if (e == ERR_VALIDATION)
        api_fault(r, "/name", "must be 1 to 64 visible characters");
    if (e != ERR_OK)
        return e;
    json_t *body = api_keys_json(r->svc.arena, &made.key);
    /* The only time that the key's text leaves the server. */
    json_put_str(r->svc.arena, body, "key", made.text);
    api_reply(r, 201, body);
    return ERR_OK;
}

/* Revoked, not deleted: the audit log goes on naming it. It stops working with the next request. */
static enum err api_keys_delete(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e == ERR_OK)
        e = staff_key_revoke_one(&r->svc, &r->who, r->ids[0].s);
    if (e == ERR_OK)
        api_reply_empty(r, 204);
    return e;
}

const struct api_route api_route_keys_get_list = {
    .http = {HTTP_GET, "/v1/staff/keys", 200, NULL},
    .handler = api_keys_get_list,
    .auth = AUTH_ADMIN,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_keys_post = {
    .http = {HTTP_POST, "/v1/staff/keys", 201, NULL},
    .handler = api_keys_post,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_keys_rows,
    .input_size = sizeof(struct key_input),
};
const struct api_route api_route_keys_delete = {
    .http = {HTTP_DELETE, "/v1/staff/keys/{key_id}", 204, NULL},
    .handler = api_keys_delete,
    .auth = AUTH_ADMIN,
};
