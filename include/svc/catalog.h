/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What can be booked: venues, services, resources, opening hours, closures. Reads are public or a
 * staff key's; writes are admin's and leave an audit row in the same transaction. Database errors
 * pass through.
 */
#ifndef BOOKINGD_SVC_CATALOG_H
#define BOOKINGD_SVC_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/templates.h"
#include "svc/svc.h"

/* What people are shown of a venue, service or resource. NULL: none. */
struct catalog_words {
    const char *names[LOCALE_COUNT], *descriptions[LOCALE_COUNT];
    const char *category, *photo_url;
    int64_t position;   /* in lists: low ones first */
    enum locale locale; /* the venue's: for who asks for no language */
};

struct venue {
    struct uuid id;
    const char *name, *time_zone, *currency;
    const char *address, *phone, *map_url; /* or NULL */
    const char *reminders; /* leads in seconds, "{86400,7200}", "{}"; NULL: as configured */
    struct catalog_words words;
    bool active;
};

struct service {
    struct uuid id, venue_id;
    const char *name, *currency;
    int64_t duration_minutes, slot_step_minutes, buffer_before_minutes, buffer_after_minutes;
    int64_t price; /* minor units */
    int payment;   /* enum service_payment */
    /* What of the price is paid online, one of the two: minor units per person, or a part of the
     * whole. Both 0: all. */
    int64_t deposit_amount, deposit_percent;
    int64_t min_notice_minutes, max_advance_days, free_cancellation_minutes;
    int64_t max_party_size; /* 0: no limit */
    struct catalog_words words;
    bool grid_follows; /* slot_step_minutes was never chosen: it is the duration */
    const struct uuid *resource_ids;
    size_t resources_n;
    bool active;
};

struct resource {
    struct uuid id, venue_id;
    const char *name;
    int64_t capacity;
    struct catalog_words words;
    bool active;
    bool listed; /* shown to the public */
};

struct opening {
    int64_t weekday;                     /* ISO: Monday 1 */
    int64_t opens_minute, closes_minute; /* of the wall clock; closes at or before opens: past
                                            midnight; 1440 is 24:00 */
};

struct closure {
    struct uuid id, venue_id;
    struct uuid resource_id; /* "" : the whole venue */
    struct wall starts_at, ends_at;
    const char *reason;
};

/* A list reads `limit` rows after a place; `more` says that others follow. */
struct catalog_page {
    int64_t limit;
    const char *after_name, *after_id; /* NULL: from the start */
};
/* The first field of a cursor behind such a thing: position in ten digits, and the name. */
const char *catalog_sort_key(struct arena *a, int64_t position, const char *name);

/* ---- public ---- */
/* *out and *n: a page of active venues, on s->arena, as all that is read here. */
enum err catalog_venues(struct svc *s, const struct catalog_page *page, struct venue **out,
                        size_t *n) MUST_CHECK;
/* token_hash: a customer who holds a booking sees what was retired; NULL: a stranger. */
enum err catalog_venue(struct svc *s, const char *id, const char *token_hash,
                       struct venue *out) MUST_CHECK;
/* ERR_NOT_FOUND when the venue is not active. */
enum err catalog_services(struct svc *s, const char *venue_id, const struct catalog_page *page,
                          struct service **out, size_t *n) MUST_CHECK;
enum err catalog_service(struct svc *s, const char *id, const char *token_hash,
                         struct service *out) MUST_CHECK;
/* Active and listed ones. ERR_NOT_FOUND when the venue is not active. */
enum err catalog_resources(struct svc *s, const char *venue_id, const struct catalog_page *page,
                           struct resource **out, size_t *n) MUST_CHECK;

/* ---- staff ---- */

/* From rows of the statements stmt_catalog_*_seen (src/svc/sql/catalog.sql), which the first batch
 * of a request runs. Texts belong to the rows and live as long as their batch. */
void catalog_read_venue(struct db_rows rows, int row, struct venue *out);
void catalog_read_service(struct arena *a, struct db_rows rows, int row, struct service *out);
void catalog_read_resource(struct db_rows rows, int row, struct resource *out);
void catalog_read_opening(struct db_rows rows, int row, struct opening *out);
void catalog_read_closure(struct db_rows rows, int row, struct closure *out);

#endif
