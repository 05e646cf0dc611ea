/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * /healthz and /readyz, for load balancers and supervisors. They have no authentication and change
 * nothing.
 */
#include "api/api_handler.h"
#include "db/db_fit.h"

/* The dispatcher answers this one; a worker that is asked all the same says the same. */
static enum err api_health_get_alive(struct api_request *r)
{
    r->resp.content_type = "application/json";
    r->resp.body = str_of(r->route->http.fixed);
    return ERR_OK;
}

/* A prober waits no longer for the database than this. */
#define READY_MS 1000

static enum err api_health_get_ready(struct api_request *r)
{
    struct deadline d = deadline_cap(r->svc.deadline, READY_MS);
    bool read_only;
    enum err e = db_check_fit(r->svc.db, r->svc.arena, d, &read_only);
    /* The detail names the command that helps: this page is read by operators. */
    if (e == ERR_DB_SCHEMA) {
        const struct db_unfit *u = db_unfit(r->svc.db);
        r->problem.detail =
            arena_printf(r->svc.arena, "Problem: %s. Remedy: %s", u->sentence, u->command);
    }
    if (e != ERR_OK)
        return e == ERR_DEADLINE ? ERR_DB_UNAVAILABLE : e;
    if (read_only) {
        r->problem.detail = "The database is read-only.";
        return ERR_DB_UNAVAILABLE;
    }
    json_t *body = json_obj(r->svc.arena);
    json_put_str(r->svc.arena, body, "status", "ready");
    api_reply(r, 200, body);
    return ERR_OK;
}

const struct api_route api_route_health_get_alive = {
    .http = {HTTP_GET, "/healthz", 200, "{\"status\":\"ok\"}"},
    .handler = api_health_get_alive,
    .query_open = true,
};
const struct api_route api_route_health_get_ready = {
    .http = {HTTP_GET, "/readyz", 200, NULL},
    .handler = api_health_get_ready,
    .query_open = true,
};
