/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Changes of the catalogue by staff (BEHAVIOUR §5). Each leaves an audit row in its transaction,
 * and those that bookings depend on tell which bookings no longer fit. Database errors pass
 * through, and nothing is changed then.
 */
#ifndef BOOKINGD_SVC_CATALOG_WRITE_H
#define BOOKINGD_SVC_CATALOG_WRITE_H

#include "svc/booking_reads.h"
#include "svc/catalog.h"

/* Other hours on each date from first_day to last_day; no items: closed. */
struct special_hours {
    struct uuid id;
    const char *first_day, *last_day; /* "2026-03-01" */
    const char *note;                 /* or NULL */
    struct opening *items;            /* without weekday */
    size_t n;
};
struct special_list {
    struct special_hours *items;
    size_t n;
};

/* Bookings that no longer fit after a change: rows for booking_read(), at most 100 of `total`. */
struct catalog_conflicts {
    struct db_rows rows;
    int64_t total;
};

/* ---- staff: writes. `actor` is the audit row's; is_new inserts, else the row that catalog_hold()
 * locked is replaced. ---- */
enum catalog_kind { CATALOG_VENUE, CATALOG_SERVICE, CATALOG_RESOURCE };
/*
 * For a PATCH: opens a transaction with the row locked and reads it, so that two changes of
 * different members both count. The save ends it. ERR_NOT_FOUND: the key sees no such thing.
 */
enum err catalog_hold(struct svc *s, enum catalog_kind kind, const char *key_hash, const char *id,
                      struct db_rows *row) MUST_CHECK;
/* What stands against another time zone (bookings) or currency (both). */
struct venue_use {
    int64_t bookings, services; /* future active ones; those with a price */
};
/* old: as catalog_hold() read it; NULL for a new one. ERR_VALIDATION: PostgreSQL does not know the
 * time zone. ERR_VENUE_IN_USE, with *use. */
enum err catalog_save_venue(struct svc *s, const char *actor, const struct venue *v,
                            const struct venue *old, struct venue_use *use) MUST_CHECK;
/* `resource_ids` that are not of the venue: ERR_VALIDATION, their number in *bad. set_resources
 * false leaves them. Fills v->currency. */
struct service_change {
    const struct service *after;
    bool is_new, set_resources;
};
enum err catalog_save_service(struct svc *s, const char *actor, const struct service_change *c,
                              size_t *bad, struct catalog_conflicts *out) MUST_CHECK;
struct resource_change {
    const struct resource *after;
    bool is_new, set_capacity, set_active;
};
enum err catalog_save_resource(struct svc *s, const char *actor, const struct resource_change *c,
                               struct catalog_conflicts *out) MUST_CHECK;
struct opening_list {
    const struct opening *items;
    size_t n;
};
enum err catalog_save_hours(struct svc *s, const char *actor, const struct resource *r,
                            const struct opening_list *list,
                            struct catalog_conflicts *out) MUST_CHECK;
/* ERR_VALIDATION: two ranges share a date. */
enum err catalog_special_add(struct svc *s, const char *actor, const struct resource *r,
                             const struct special_hours *h,
                             struct catalog_conflicts *out) MUST_CHECK;
enum err catalog_special_replace(struct svc *s, const char *actor, const struct resource *r,
                                 const struct special_list *list,
                                 struct catalog_conflicts *out) MUST_CHECK;
enum err catalog_special_delete(struct svc *s, const char *actor, const struct resource *r,
                                const char *id, struct catalog_conflicts *out) MUST_CHECK;
/* ERR_VALIDATION: the resource is not of the venue. */
enum err catalog_add_closure(struct svc *s, const char *actor, const struct closure *c,
                             struct catalog_conflicts *out) MUST_CHECK;

/* ---- for the writes above: catalog_conflicts.c ---- */
struct conflict_question {
    const char *resources;         /* identifiers, separated by commas; their locks are held */
    bool hours, capacity, retired; /* what of them was set */
    const char *service_id;        /* whose resources were set; NULL: none */
};
/* Adds the question to a batch inside the transaction, behind the change. */
int catalog_conflicts_add(struct db_batch *b, const struct conflict_question *q);
/* After that batch has run: commits, and reads the bookings of its result i. */
enum err catalog_conflicts_commit(struct svc *s, struct db_batch *changed, int i,
                                  struct catalog_conflicts *out) MUST_CHECK;
enum err catalog_delete_closure(struct svc *s, const char *actor,
                                const struct closure *c) MUST_CHECK;

#endif
