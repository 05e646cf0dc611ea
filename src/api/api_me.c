/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The signed-in customer: who it is, changes, the end of a session, erasure. Handlers of /v1/me and
 * /v1/session.
 */
#include "api/api_handler.h"
#include "api_customer.h"
#include "svc/session.h"

/* Also used by sign-in, whose answer contains the customer. */
json_t *api_customer_json(struct arena *a, const struct customer *c)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", c->id);
    json_put_str(a, j, "phone", c->phone);
    json_put_str(a, j, "name", c->name);
    json_put_str(a, j, "locale", locale_names[c->locale]);
    json_put_time(a, j, "created_at", c->created_at);
    return j;
}

/* These routes read nothing else in their first batch. */
static enum err api_me_authenticate(struct api_request *r)
{
    return api_first(r, api_first_batch(r));
}

/* ---- GET /v1/me ---- */

static enum err api_me_get(struct api_request *r)
{
    enum err e = api_me_authenticate(r);
    if (e != ERR_OK)
        return e;
    /* From the authentication's own row: no second statement. */
    const struct customer c = {r->who.id.s, r->who.phone, r->who.customer_name, r->who.locale,
                               r->who.customer_since};
    api_reply(r, 200, api_customer_json(r->svc.arena, &c));
    return ERR_OK;
}

const struct api_route api_route_me_get = {
    .http = {HTTP_GET, "/v1/me", 200, NULL},
    .handler = api_me_get,
    .auth = AUTH_CUSTOMER,
};

/* ---- PATCH /v1/me ---- */

struct me_input {
    const char *name;
    int locale;
    bool has_locale;
};
static const struct schema_row api_me_rows[] = {
    /* 120 characters as for all names. It cannot be taken away, only changed: staff must be able to
     * call a customer by name. */
    {SCHEMA_NAME(struct me_input, name, 120)},
    {SCHEMA_LOCALE(struct me_input, locale), SCHEMA_HAS(struct me_input, has_locale)},
    SCHEMA_END,
};

static enum err api_me_patch(struct api_request *r)
{
    const struct me_input *in = r->input;
    enum err e = api_me_authenticate(r);
    if (e != ERR_OK)
        return e;
    /* A value of the enum for sure: the schema's number is an int. */
    enum locale locale = in->locale == LOCALE_EN ? LOCALE_EN : LOCALE_AR;
    struct customer c;
    e = customer_update(&r->svc, r->who.id.s, in->name, in->has_locale ? &locale : NULL, &c);
    if (e != ERR_OK)
        return e;
    api_reply(r, 200, api_customer_json(r->svc.arena, &c));
    return ERR_OK;
}

const struct api_route api_route_me_patch = {
    .http = {HTTP_PATCH, "/v1/me", 200, NULL},
    .handler = api_me_patch,
    .auth = AUTH_CUSTOMER,
    .body = BODY_REQUIRED,
    .members = api_me_rows,
    .input_size = sizeof(struct me_input),
    .partial = true,
};

/* ---- DELETE /v1/me ---- */

/* Erasure: what names the person goes, the rows that figures are made of stay. All sessions end
 * with it, this one included. */
static enum err api_me_delete(struct api_request *r)
{
    enum err e = api_me_authenticate(r);
    if (e == ERR_OK)
        e = customer_erase(&r->svc, r->who.id.s);
    if (e == ERR_OK)
        api_reply_empty(r, 204);
    return e;
}

const struct api_route api_route_me_delete = {
    .http = {HTTP_DELETE, "/v1/me", 204, NULL},
    .handler = api_me_delete,
    .auth = AUTH_CUSTOMER,
};

/* ---- DELETE /v1/session ---- */

struct sign_out_query {
    bool all;
};
static const struct schema_row api_me_sign_out_rows[] = {
    {SCHEMA_BOOL(struct sign_out_query, all)},
    SCHEMA_END,
};

/* ?all=true: on every device, for a lost phone. */
static enum err api_me_delete_session(struct api_request *r)
{
    const struct sign_out_query *q = r->query_input;
    enum err e = api_me_authenticate(r);
    if (e != ERR_OK)
        return e;
    e = q->all ? session_end_all(&r->svc, r->who.id.s) : session_end(&r->svc, r->auth_hash);
    if (e == ERR_OK)
        api_reply_empty(r, 204);
    return e;
}

const struct api_route api_route_me_delete_session = {
    .http = {HTTP_DELETE, "/v1/session", 204, NULL},
    .handler = api_me_delete_session,
    .auth = AUTH_CUSTOMER,
    .query = api_me_sign_out_rows,
    .query_size = sizeof(struct sign_out_query),
};
