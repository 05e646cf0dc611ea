/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Notifications as staff work with them, over HTTP and from the command line: list, send again,
 * acknowledge (BEHAVIOUR §4). Every resend claims its row first, so that two of them cannot both
 * send. Database errors pass through.
 */
#ifndef BOOKINGD_SVC_NOTIFICATION_LIST_H
#define BOOKINGD_SVC_NOTIFICATION_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/actors.h"
#include "domain/states.h"
#include "svc/svc.h"

/* Who acts and how far it sees. */
struct notification_actor {
    const char *name;     /* "staff:NAME", or ACTOR_COMMAND_LINE */
    const char *venue_id; /* bound to this venue; NULL: every venue */
};

struct notification_filter { /* members left NULL or false do not narrow */
    const char *status, *template, *error_code, *booking_id;
    const char *in_venue;     /* of those that the actor sees */
    const char *acknowledged; /* "true" or "false" */
    bool has_since, has_until;
    struct wall since, until; /* of created_at, both included */
};

struct notification_item {
    struct uuid id, venue_id, booking_id;
    const char *template, *channel, *locale;
    const char *recipient; /* masked: "+9665****4567"; "" once erased */
    const char *status;
    int64_t attempts;
    bool has_acknowledged;
    struct wall acknowledged_at, created_at, updated_at;
    const char *error_code, *error_detail, *provider, *provider_message_id; /* each may be NULL */
};

/* ---- reads for a request's first batch: rows for notification_read() ---- */
struct notification_page {
    struct notification_filter filter;
    const char *after_created, *after_id; /* cursor: RFC 3339 and id; NULL: from the newest */
    int64_t limit;                        /* rows asked for */
};
/* Newest first, as far as the staff key sees. Returns the statement's index. */
int notification_add_list(struct db_batch *b, const char *key_hash,
                          const struct notification_page *q);
/* Those of one booking, oldest first, as far as the staff key sees. */
int notification_add_of_booking(struct db_batch *b, const char *key_hash, const char *booking_id);
void notification_read(struct arena *a, struct db_rows rows, int row,
                       struct notification_item *out);

/* ---- use cases ---- */

/* Newest first; for callers without a key's hash (command line). *items on the arena. One round
 * trip. */
enum err notification_list(struct svc *s, const struct notification_actor *who,
                           const struct notification_page *q,
                           const struct notification_item **items, size_t *n) MUST_CHECK;

/* Sends one FAILED row again, now. ERR_OK: *out says how it went (SENT or FAILED again).
 * ERR_NOT_FOUND, ERR_NOTIFICATION_NOT_FAILED, ERR_NOTIFICATION_EXPIRED. */
enum err notification_resend(struct svc *s, const struct notification_actor *who, const char *id,
                             struct notification_item *out) MUST_CHECK;

/* What to send again: what matches, or of that only these. */
struct notification_order {
    struct notification_filter filter;
    const char *const *ids; /* NULL: any */
    size_t ids_n;
    const char *after_created, *after_id; /* behind the last one of the run before; NULL: all */
    int64_t limit;
    bool dry_run; /* only count */
};
struct notification_counts {
    int64_t matched;      /* FAILED, matching, still worth sending */
    int64_t sent, failed; /* of those tried now */
    int64_t remaining;    /* matched and not tried: limit reached, out of time, or dry run */
    int64_t parts;        /* of a dry run: SMS that all that matched come to */
    /* The last one tried, on the arena; NULL when none was. Behind it the next run begins. */
    const char *last_created, *last_id;
};
/* Sends FAILED rows that match again, oldest first, each at most once, until the limit, or the
 * deadline is near. */
enum err notification_resend_all(struct svc *s, const struct notification_actor *who,
                                 const struct notification_order *o,
                                 struct notification_counts *out) MUST_CHECK;

/* FAILED rows by template and error code, as far as the staff key sees. Statement's index; rows
 * for notification_group_read(). */
int notification_add_groups(struct db_batch *b, const char *key_hash,
                            const struct notification_filter *f);
struct notification_group {
    const char *template, *error_code;
    int64_t count, sendable; /* sendable: not too old, and not erased */
    struct wall oldest_at, newest_at;
};
void notification_group_read(struct db_rows rows, int row, struct notification_group *out);

/* Takes matching FAILED rows out of the alerting gauge; *matched: how many were not acknowledged
 * yet. Of the order the filter, ids and dry_run count. */
enum err notification_acknowledge(struct svc *s, const struct notification_actor *who,
                                  const struct notification_order *o, int64_t *matched) MUST_CHECK;

#endif
