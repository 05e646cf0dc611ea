/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * GET /openapi.json and /openapi-3.0.json: doc/openapi.yaml, made JSON when this was built, as it
 * is (3.1) and in the words of 3.0.3. Clients generate code from them.
 */
#include "api_priv.h"

static enum err api_openapi_reply(struct api_request *r, const unsigned char *doc, size_t len)
{
    r->resp.status = 200;
    r->resp.content_type = "application/json";
    r->resp.body = (struct str){(const char *)doc, len};
    /* Five minutes: it changes with an upgrade only. */
    http_resp_header(&r->resp, "Cache-Control", "public, max-age=300");
    return ERR_OK;
}

static enum err api_openapi_get(struct api_request *r)
{
    return api_openapi_reply(r, api_openapi_doc, api_openapi_doc_len);
}

static enum err api_openapi_get_30(struct api_request *r)
{
    return api_openapi_reply(r, api_openapi_30_doc, api_openapi_30_doc_len);
}

const struct api_route api_route_openapi_get = {
    .http = {HTTP_GET, "/openapi.json", 200, NULL},
    .handler = api_openapi_get,
    .query_open = true,
};
const struct api_route api_route_openapi_get_30 = {
    .http = {HTTP_GET, "/openapi-3.0.json", 200, NULL},
    .handler = api_openapi_get_30,
    .query_open = true,
};
