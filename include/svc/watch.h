/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What is wrong now, as figures: what the notification ledger owes (FAILED and PENDING), counted by
 * one statement, so that the figures agree among themselves and with the staff list (contract 4,
 * 9), and payments by their status. What was sent is counted apart: that reads the whole ledger,
 * the rest only its partial indexes. The monitor is the only caller.
 */
#ifndef BOOKINGD_SVC_WATCH_H
#define BOOKINGD_SVC_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "svc/svc.h"
#include "sys/metrics.h"

enum watch_status { WATCH_PENDING, WATCH_SENT, WATCH_FAILED, WATCH_STATUS_COUNT };
/* "pending", "sent", "failed": label values */
extern const char *const watch_status_names[WATCH_STATUS_COUNT];

/* Statuses of a payment as the schema has them: label values */
enum { WATCH_PAYMENT_STATUS_COUNT = 8 };
extern const char *const watch_payment_names[WATCH_PAYMENT_STATUS_COUNT];

struct watch_ledger {
    int64_t rows[WATCH_STATUS_COUNT][NOTICE_COUNT];
    int64_t failed[NOTICE_COUNT][NO_COUNT]; /* FAILED and not acknowledged, by error code;
                                               [..][NO_SENT] stays 0 */
    double oldest_failed_s;                 /* age of the oldest of those; 0: none */
    double oldest_pending_s;
    bool has_payments; /* the schema knows payments */
    int64_t payments[WATCH_PAYMENT_STATUS_COUNT];
    int64_t unknown; /* rows whose status, template or error code this binary does not know */
    bool has_sent;   /* rows[WATCH_SENT] was counted */
    int64_t unknown_sent;
};

/* One round trip each on s->db within s->deadline. On failure *out is as before. */
/* All but rows[WATCH_SENT]. */
enum err watch_debt_read(struct svc *s, struct watch_ledger *out) MUST_CHECK;
/* rows[WATCH_SENT], has_sent, unknown_sent. */
enum err watch_sent_read(struct svc *s, struct watch_ledger *out) MUST_CHECK;

#endif
