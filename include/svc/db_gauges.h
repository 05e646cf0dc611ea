/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What is wrong now, as figures: what the notification ledger owes (FAILED and PENDING), counted by
 * one statement, so that the figures agree among themselves and with the staff list (contract 4,
 * 9), and payments by their status. What was sent is counted apart: that reads the whole ledger,
 * the rest only its partial indexes. The monitor is the only caller.
 */
#ifndef BOOKINGD_SVC_DB_GAUGES_H
#define BOOKINGD_SVC_DB_GAUGES_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/metrics.h"
#include "svc/svc.h"

enum db_gauges_status {
    DB_GAUGES_PENDING,
    DB_GAUGES_SENT,
    DB_GAUGES_FAILED,
    DB_GAUGES_STATUS_COUNT
};
/* "pending", "sent", "failed": label values */
extern const char *const db_gauges_status_names[DB_GAUGES_STATUS_COUNT];

/* Statuses of a payment as the schema has them: label values */
enum { DB_GAUGES_PAYMENT_STATUS_COUNT = 8 };
extern const char *const db_gauges_payment_names[DB_GAUGES_PAYMENT_STATUS_COUNT];

struct db_gauges {
    int64_t rows[DB_GAUGES_STATUS_COUNT][NOTICE_COUNT];
    int64_t failed[NOTICE_COUNT]
                  [NOTIFICATION_OUTCOME_COUNT]; /* FAILED and not acknowledged, by error code;
                                 [..][NOTIFICATION_OUTCOME_SENT] stays 0 */
    double oldest_failed_s;                     /* age of the oldest of those; 0: none */
    double oldest_pending_s;
    bool has_payments; /* the schema knows payments */
    int64_t payments[DB_GAUGES_PAYMENT_STATUS_COUNT];
    int64_t unknown; /* rows whose status, template or error code this binary does not know */
    bool has_sent;   /* rows[DB_GAUGES_SENT] was counted */
    int64_t unknown_sent;
};

/* One round trip each on s->db within s->deadline. On failure *out is as before. */
/* All but rows[DB_GAUGES_SENT]. */
enum err db_gauges_read_debt(struct svc *s, struct db_gauges *out) MUST_CHECK;
/* rows[DB_GAUGES_SENT], has_sent, unknown_sent. */
enum err db_gauges_read_sent(struct svc *s, struct db_gauges *out) MUST_CHECK;

#endif
