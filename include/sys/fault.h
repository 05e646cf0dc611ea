/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What is wrong with input, place by place: the entries of a problem document's `errors`. */
#ifndef BOOKINGD_SYS_FAULT_H
#define BOOKINGD_SYS_FAULT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/cdefs.h"

struct fault {
    const char *pointer; /* "/starts_at" (RFC 6901), "query:limit", "header:Idempotency-Key" */
    const char *detail;  /* "must be a UUID" */
    struct fault *next;
};
struct faults {
    struct arena *arena;
    struct fault *first, **tail;
    unsigned n; /* at most FAULTS_MAX are kept */
};
/* More than anyone corrects at once; bounds what one hostile body makes of an answer. */
#define FAULTS_MAX 32

/* No faults yet; those that are added live in the arena. */
void faults_init(struct faults *f, struct arena *a);
/* Copies both texts to the arena. */
void fault_add(struct faults *f, const char *pointer, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* "/a~1b" below base, on the arena; what the name has beyond 64 bytes is cut off. */
const char *fault_pointer(struct arena *a, const char *base, const char *name);
/* "/items/7" below base, on the arena. */
const char *fault_pointer_index(struct arena *a, const char *base, size_t index);

#endif
