/*
 * What is wrong now, as figures: the notification ledger counted by one statement, so that the figures
 * agree among themselves and with the staff list (contract 4, 9). The monitor is the only caller.
 */
#ifndef BOOKINGD_SVC_WATCH_H
#define BOOKINGD_SVC_WATCH_H

#include <stdint.h>

#include "svc/svc.h"
#include "sys/metrics.h"

enum watch_status { WATCH_PENDING, WATCH_SENT, WATCH_FAILED, WATCH_STATUS_COUNT };
/* "pending", "sent", "failed": label values */
extern const char *const watch_status_names[WATCH_STATUS_COUNT];

struct watch_ledger {
    int64_t rows[WATCH_STATUS_COUNT][NOTICE_COUNT];
    int64_t failed[NOTICE_COUNT][NO_COUNT]; /* FAILED and not acknowledged, by error code; [..][NO_SENT] stays 0 */
    double oldest_failed_s;                 /* age of the oldest of those; 0: none */
    double oldest_pending_s;
    int64_t unknown; /* rows whose template or error code this binary does not know */
};

/* Counts the ledger: one round trip on s->db within s->deadline. */
enum err watch_ledger_read(struct svc *s, struct watch_ledger *out) MUST_CHECK;

#endif
