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

struct notification_counts {
    int64_t matched;      /* FAILED, matching, still worth sending */
    int64_t sent, failed; /* of those tried now */
    int64_t remaining;    /* matched and not tried: limit reached, out of time, or dry run */
};
/* Sends FAILED rows that match again, oldest first, each at most once, until `limit`, or the
 * deadline is near. */
enum err notification_resend_all(struct svc *s, const struct notification_actor *who,
                                 const struct notification_filter *f, int64_t limit, bool dry_run,
                                 struct notification_counts *out) MUST_CHECK;

/* Takes matching FAILED rows out of the alerting gauge. ids NULL: any; else only these. */
enum err notification_acknowledge(struct svc *s, const struct notification_actor *who,
                                  const struct notification_filter *f, const char *const *ids,
                                  size_t ids_n, int64_t *acknowledged) MUST_CHECK;

#endif
