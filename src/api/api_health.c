/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For load balancers and supervisors. */
#include "api/api_handler.h"

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
    static const struct db_stmt newest = {"health_schema",
                                          "SELECT max(version) AS version FROM schema_migrations"};
    struct deadline d = deadline_cap(r->svc.deadline, READY_MS);
    enum err e = db_connect(r->svc.db, d);
    if (e == ERR_DB_SCHEMA)
        r->problem.detail = "The database schema has another version. Run: bookingd migrate";
    if (e != ERR_OK)
        return e;
    struct db_batch *b = db_batch(r->svc.db, r->svc.arena, DB_READ);
    int at = db_add(b, &newest, NULL, 0);
    e = db_run(b, d);
    if (e != ERR_OK)
        return e == ERR_DEADLINE ? ERR_DB_UNAVAILABLE : e;
    struct db_rows rows = db_result(b, at);
    if (db_is_null(rows, 0, "version") || db_get_int(rows, 0, "version") != db_schema_version()) {
        r->problem.detail = "The database schema has another version. Run: bookingd migrate";
        return ERR_DB_SCHEMA;
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
    .http = {HTTP_GET, "/readyz", 200},
    .handler = api_health_get_ready,
    .query_open = true,
};
