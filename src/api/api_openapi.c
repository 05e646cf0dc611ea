/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * GET /openapi.json: doc/openapi.yaml, made JSON when this was built. Clients generate code from
 * it.
 */
#include "api_priv.h"

static enum err api_openapi_get(struct api_request *r)
{
    r->resp.status = 200;
    r->resp.content_type = "application/json";
    r->resp.body = (struct str){(const char *)api_openapi_doc, api_openapi_doc_len};
    /* Five minutes: it changes with an upgrade only. */
    http_resp_header(&r->resp, "Cache-Control", "public, max-age=300");
    return ERR_OK;
}

const struct api_route api_route_openapi_get = {
    .http = {HTTP_GET, "/openapi.json", 200, NULL},
    .handler = api_openapi_get,
    .query_open = true,
};
