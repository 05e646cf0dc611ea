/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The desk: GET /desk and its two files, when desk.enabled is on; and what the page asks first: who
 * the key is, and a session for a link of `bookingd desk-link`. The page itself uses the staff API
 * that everybody uses.
 */
#include "api/api_desk.h"
#include "api/api_handler.h"
#include "svc/staff.h"

/* No inline script or style, nothing from or to anywhere else, in no frame. */
static const char desk_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Off is 404, as a path that does not exist. No cache: an upgrade must not run an old script
 * against a new API. */
static enum err api_desk_reply(struct api_request *r, const char *type, const unsigned char *p,
                               size_t n)
{
    if (!r->svc.cfg->desk_enabled)
        return ERR_NOT_FOUND;
    r->resp.status = 200;
    r->resp.content_type = type;
    r->resp.body = (struct str){(const char *)p, n};
    http_resp_header(&r->resp, "Content-Security-Policy", desk_policy);
    http_resp_header(&r->resp, "Referrer-Policy", "no-referrer");
    http_resp_header(&r->resp, "Cross-Origin-Opener-Policy", "same-origin");
    return ERR_OK;
}

/* The files are in the program (src/api/local.mk), so that page and API are always of one
 * version. */
static enum err api_desk_get_page(struct api_request *r)
{
    return api_desk_reply(r, "text/html; charset=utf-8", desk_html, desk_html_len);
}

static enum err api_desk_get_style(struct api_request *r)
{
    return api_desk_reply(r, "text/css; charset=utf-8", desk_css, desk_css_len);
}

static enum err api_desk_get_script(struct api_request *r)
{
    return api_desk_reply(r, "text/javascript; charset=utf-8", desk_js, desk_js_len);
}

/* ---- who ---- */

static json_t *api_desk_who(struct arena *a, const char *name, const char *role,
                            const char *venue_id)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "name", name);
    json_put_str(a, j, "role", role);
    json_put_str(a, j, "venue_id", venue_id);
    return j;
}

/* A page must know what not to offer; the API refuses it all the same. */
static enum err api_desk_get_me(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    api_reply(r, 200,
              api_desk_who(r->svc.arena, r->who.staff_name, staff_role_names[r->who.role],
                           r->who.one_venue ? r->who.venue_id.s : NULL));
    return ERR_OK;
}

/* ---- sessions by link ---- */

/* 128: a link's code has 47 bytes, and a later version may want a longer one. */
struct session_input {
    const char *link;
};
static const struct schema_row api_desk_session_rows[] = {
    {SCHEMA_STRING(struct session_input, link, 1, 128), .required = true},
    SCHEMA_END,
};

/* A used, old or made-up link is 401 like a wrong key: it says nothing about which. */
static enum err api_desk_post_session(struct api_request *r)
{
    const struct session_input *in = r->input;
    struct staff_key_made made;
    if (!r->svc.cfg->desk_enabled)
        return ERR_NOT_FOUND;
    enum err e = staff_link_use(&r->svc, in->link, &made);
    if (e == ERR_NOT_FOUND)
        return ERR_UNAUTHORIZED;
    if (e != ERR_OK)
        return e;
    struct arena *a = r->svc.arena;
    json_t *j = api_desk_who(a, made.key.name, made.key.role, made.key.venue_id);
    json_put_str(a, j, "key", made.text);
    json_put_time(a, j, "expires_at", made.expires_at);
    api_reply(r, 201, j);
    return ERR_OK;
}

/* No authentication: the page holds no data. It asks the API, with the key that its user gives
 * it. */
const struct api_route api_route_desk_get_page = {
    .http = {HTTP_GET, "/desk", 200, NULL},
    .handler = api_desk_get_page,
    .query_open = true,
};
const struct api_route api_route_desk_get_style = {
    .http = {HTTP_GET, "/desk/desk.css", 200, NULL},
    .handler = api_desk_get_style,
    .query_open = true,
};
const struct api_route api_route_desk_get_script = {
    .http = {HTTP_GET, "/desk/desk.js", 200, NULL},
    .handler = api_desk_get_script,
    .query_open = true,
};
const struct api_route api_route_desk_get_me = {
    .http = {HTTP_GET, "/v1/staff/me", 200, NULL},
    .handler = api_desk_get_me,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_desk_post_session = {
    .http = {HTTP_POST, "/v1/staff/sessions", 201, NULL},
    .handler = api_desk_post_session,
    .body = BODY_REQUIRED,
    .members = api_desk_session_rows,
    .input_size = sizeof(struct session_input),
};
