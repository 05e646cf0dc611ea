/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What is wrong now, as figures: what notifications are owed (FAILED and PENDING), counted by one
 * statement, so that the figures agree among themselves and with the staff list (BEHAVIOUR §4, §9),
 * and payments by their status. What was sent is counted apart: that reads the whole table, the
 * rest only its partial indexes. The monitor is the only caller. Database errors pass through.
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
    bool has_sent;   /* rows[NOTIFICATION_SENT] was counted */
    int64_t unknown_sent;
};

/* One round trip each on s->db within s->deadline. On failure *out is as before. */
/* All but rows[NOTIFICATION_SENT]. */
enum err db_gauges_read_debt(struct svc *s, struct db_gauges *out) MUST_CHECK;
/* rows[NOTIFICATION_SENT], has_sent, unknown_sent. */
enum err db_gauges_read_sent(struct svc *s, struct db_gauges *out) MUST_CHECK;

#endif
