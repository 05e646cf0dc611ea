/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the database could not be told while it was away: a queue in this process, oldest first.
 * Its owner gives the memory, so that adding never fails; when the process dies, so do the items,
 * and their rows end by a time limit of their own.
 */
#ifndef BOOKINGD_SVC_PENDING_H
#define BOOKINGD_SVC_PENDING_H

#include "svc/svc.h"

struct pending {
    void *items; /* room for `most` of `size` bytes; the owner's */
    size_t size;
    unsigned most;
    unsigned n;
    /* One try to store an item, which it may change; true when no other try is needed. */
    bool (*store)(struct svc *s, void *item);
    void (*drop)(void *item); /* gives back what hangs on an item; NULL: nothing does */
    int64_t try_ms;           /* for one try */
};

/* Copies the item behind the others. In a full queue the oldest is given up for it. */
void pending_add(struct pending *p, const void *item);
/* Stores in order until a try fails: the database is away for all of them then. Returns how many
 * are left. */
unsigned pending_flush(struct pending *p, struct svc *s);
/* Gives all of them up. */
void pending_forget(struct pending *p);

#endif
