/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The conditions of conditions.def: judged by the monitor from facts, published in shared memory,
 * shown by /status, the status page and `bookingd status`, exported as bookingd_condition, and
 * sent as alerts by the keeper.
 */
#ifndef BOOKINGD_DOMAIN_CONDITIONS_H
#define BOOKINGD_DOMAIN_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "domain/facts.h"
#include "domain/templates.h"

enum severity { SEVERITY_TICKET, SEVERITY_PAGE, SEVERITY_COUNT };
extern const char *const severity_names[SEVERITY_COUNT + 1]; /* "ticket", "page" */

enum condition {
#define CONDITION(id, ...) CONDITION_##id,
#include "domain/conditions.def"
#undef CONDITION
    CONDITION_COUNT
};
struct condition_row {
    const char *name;
    enum severity severity;
    unsigned for_s; /* how long it must be so before it holds: seconds */
    double above;
    const char *summary[LOCALE_COUNT], *action[LOCALE_COUNT];
};
extern const struct condition_row condition_rows[CONDITION_COUNT];

/* How each condition stands. */
struct conditions {
    struct {
        /* 1 or 0. seen: above its threshold, perhaps not yet for long enough. */
        unsigned char holds, seen;
        struct mono seen_since;
        struct wall since; /* when it began to hold; kept when it has ended */
        double value;
    } at[CONDITION_COUNT];
};
/* Value of a condition's expression. Pure. */
double condition_value(enum condition id, const struct facts_seen *s);
/* Brings `c` up to date with what is seen at this moment. Pure. */
void conditions_judge(struct conditions *c, const struct facts_seen *s, struct mono now,
                      struct wall at);
/* The summary with its value filled in, on the arena. */
const char *condition_summary(struct arena *a, enum condition id, double value, enum locale l);

/* ---- in shared memory: the monitor publishes, everybody reads ---- */

/* Bytes of shared memory that conditions_init() takes. */
size_t conditions_size(void);
void conditions_init(void); /* master, before fork */
void conditions_publish(const struct conditions *c);
/* As last published; all clear before the first time. */
void conditions_read(struct conditions *out);
/* The keeper: whether the last alert could not be sent. */
void conditions_set_unsent(bool unsent);
bool conditions_unsent(void);
/* Room that is the keeper's alone, for what it told; zeroed by the master. NULL before
 * conditions_init(). */
#define CONDITIONS_KEEPER_BYTES 4096
void *conditions_keeper_area(void);

#endif
