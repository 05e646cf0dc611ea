/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For catalog*.c alone: the columns that their readers expect. */
#ifndef BOOKINGD_SVC_CATALOG_PRIV_H
#define BOOKINGD_SVC_CATALOG_PRIV_H

#define CATALOG_VENUE_COLUMNS "v.id, v.name, v.time_zone, v.currency, v.active"
#define CATALOG_SERVICE_COLUMNS                                                              \
    "s.id, s.venue_id, s.name, v.currency, s.duration_minutes,"                              \
    " coalesce(s.slot_step_minutes, s.duration_minutes) AS slot_step_minutes, "              \
    "s.buffer_before_minutes,"                                                               \
    " s.buffer_after_minutes, s.price, s.payment, s.min_notice_minutes, s.max_advance_days," \
    " s.free_cancellation_minutes, s.active, s.slot_step_minutes IS NULL AS grid_follows,"   \
    " coalesce((SELECT string_agg(sr.resource_id::text, ',' ORDER BY sr.resource_id) FROM "  \
    "service_resources sr"                                                                   \
    "            WHERE sr.venue_id = s.venue_id AND sr.service_id = s.id), '') AS resource_ids"
#define CATALOG_RESOURCE_COLUMNS "r.id, r.venue_id, r.name, r.capacity, r.active"
#define CATALOG_CLOSURE_COLUMNS                                                                 \
    "c.id, c.venue_id, c.resource_id, c.reason, " DB_US("c.starts_at") " AS starts_us, " DB_US( \
        "c.ends_at") " AS ends_us"

#endif
