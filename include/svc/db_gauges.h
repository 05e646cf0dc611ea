/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What is wrong now, as figures: what notifications are owed (FAILED and PENDING), open payments
 * and refunds, counted by one statement, so that the figures agree among themselves and with the
 * staff list (BEHAVIOUR §4, §9). What has ended (SENT, final payments) is counted apart and less
 * often: that reads whole tables, the rest only partial indexes.
 *
 * Of all nodes on one database the one that finds a part due counts it and stores it there; all
 * read what is stored. The monitor is the only caller. Database errors pass through.
 */
#ifndef BOOKINGD_SVC_DB_GAUGES_H
#define BOOKINGD_SVC_DB_GAUGES_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/metrics.h"
#include "svc/svc.h"

/* Label values of a notification's status: "pending", "sent", "failed". */
extern const char *const db_gauges_status_names[NOTIFICATION_STATUS_COUNT];

struct db_gauges {
    int64_t rows[NOTIFICATION_STATUS_COUNT][NOTIFICATION_TEMPLATE_COUNT];
    int64_t failed[NOTIFICATION_TEMPLATE_COUNT]
                  [NOTIFICATION_OUTCOME_COUNT]; /* FAILED and not acknowledged, by error code;
                                 [..][NOTIFICATION_OUTCOME_SENT] stays 0 */
    double oldest_failed_s;                     /* age of the oldest of those; 0: none */
    double oldest_pending_s;
    int64_t due;     /* couriers could send them now */
    int64_t waiting; /* and those that wait for a later time */
    double oldest_due_s;
    int64_t payments[PAYMENT_STATE_COUNT];
    bool writable;              /* the database is not read-only */
    int64_t payments_unsettled; /* open after the keeper's last look */
    int64_t refunds_open;       /* asked for 15 minutes ago or more, neither done nor refused */
    int64_t unknown; /* rows whose status, template or error code this binary does not know */
    bool has_sent;   /* what has ended was counted once at least */
    int64_t age_ms;  /* since the debt was counted; below 0: never */
};

/* What is counted at a time of its own. */
enum db_gauges_part { DB_GAUGES_DEBT, DB_GAUGES_ENDS, DB_GAUGES_PARTS };
/* "debt", "ends": as the table and the log have them. */
extern const char *const db_gauges_part_names[DB_GAUGES_PARTS];

/* One round trip on s->db within s->deadline: what was counted last, by whichever node. due[]: the
 * parts that somebody should count. On failure *out is as before. */
enum err db_gauges_look(struct svc *s, struct db_gauges *out, bool due[DB_GAUGES_PARTS]) MUST_CHECK;
/*
 * Counts a part and stores it, unless another node does or has: then *counted is false. The server
 * ends a count after limit_ms, with ERR_DB_UNAVAILABLE and a connection that stays; the next one,
 * of any node, is then five or twenty times as long away. least_ms: until the next count.
 */
enum err db_gauges_count(struct svc *s, enum db_gauges_part part, int64_t least_ms,
                         int64_t limit_ms, bool *counted) MUST_CHECK;

#endif
