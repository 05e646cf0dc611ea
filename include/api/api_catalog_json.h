/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of the catalog's objects, as openapi.yaml's schemas Venue, Service, Resource, OpeningHours,
 * Closure. */
#ifndef BOOKINGD_API_API_CATALOG_JSON_H
#define BOOKINGD_API_API_CATALOG_JSON_H

#include "api/api_page.h"
#include "svc/catalog_write.h"

/* All JSON here is made in the request's arena. The caller's language decides which name is
 * shown. */
json_t *api_venue_json(const struct api_request *r, const struct venue *v);
json_t *api_service_json(const struct api_request *r, const struct service *v);
json_t *api_resource_json(const struct api_request *r, const struct resource *v);
/* What front ends need to name and show a resource; in the request's arena. */
json_t *api_public_resource_json(const struct api_request *r, const struct resource *v);
/* Adds `conflicts`, as staff see bookings, and `conflicts_total`. */
void api_conflicts_put(struct api_request *r, json_t *body, const struct catalog_conflicts *c);
json_t *api_closure_json(struct arena *a, const struct closure *v);

/* A list's page: `limit` + 1 rows are asked for, so that the row too many tells of others. */
bool api_catalog_page(struct api_request *r, const struct api_page *page,
                      struct catalog_page *out) MUST_CHECK;
const char *api_catalog_cursor(const struct api_request *r, int64_t position, const char *name,
                               const struct uuid *id);
/* Answers a staff list of the path's venue: `list` takes the key's hash, the venue and the page.
 * ERR_NOT_FOUND, ERR_VALIDATION (a foreign cursor), and what api_first() returns. */
enum err api_catalog_reply_seen(struct api_request *r, const struct db_stmt *list,
                                api_item_fn *item) MUST_CHECK;
/* Answers a staff read of the path's only identifier; errors as api_first_seen(). */
enum err api_catalog_reply_one_seen(struct api_request *r, const struct db_stmt *one,
                                    api_item_fn *item) MUST_CHECK;

#endif
