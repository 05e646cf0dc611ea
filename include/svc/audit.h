/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Who did what: a row in the transaction of the deed. */
#ifndef BOOKINGD_SVC_AUDIT_H
#define BOOKINGD_SVC_AUDIT_H

#include "svc/svc.h"

struct audit {
    const char *actor;    /* "staff:NAME", "customer:ID", "keeper", "gateway" */
    const char *action;   /* "booking.cancel", "service.update" */
    const char *subject;  /* identifier of what was acted on */
    const char *venue_id; /* NULL: not of one venue */
    const char *detail;   /* JSON object text without personal data, or NULL */
};
/* Adds the insert to a batch that writes. */
void audit_add(struct svc *s, struct db_batch *b, const struct audit *entry);

/* A row as staff read it. */
struct audit_entry {
    const char *id, *cursor_us; /* cursor: microseconds of `at` as text */
    struct wall at;
    const char *actor, *action, *subject;
    const char *detail, *request_id, *own_request_id; /* may be NULL */
};
/*
 * Adds the look-up of what an admin's key may see, newest first: all, or its venue's. after_us and
 * after_id are the cursor of the last row of the page before, or NULL. Returns the statement's
 * index.
 */
int audit_list_add(struct db_batch *b, const char *key_hash, const char *after_us,
                   const char *after_id, int64_t rows);
void audit_read(struct db_rows rows, int row, struct audit_entry *out);

#endif
