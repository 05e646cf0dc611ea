/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of the catalog's objects, as openapi.yaml's schemas Venue, Service, Resource, OpeningHours,
 * Closure. */
#ifndef BOOKINGD_API_API_CATALOG_H
#define BOOKINGD_API_API_CATALOG_H

#include "api/api_page.h"
#include "svc/catalog.h"

json_t *api_venue_json(struct arena *a, const struct venue *v);
json_t *api_service_json(struct arena *a, const struct service *v);
json_t *api_resource_json(struct arena *a, const struct resource *v);
json_t *api_closure_json(struct arena *a, const struct closure *v);

/* A list's page: `limit` + 1 rows are asked for, so that the row too many tells of others. */
bool api_catalog_page(struct api_request *r, const struct api_page *page,
                      struct catalog_page *out) MUST_CHECK;

#endif
