/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The page /metrics. */
#ifndef BOOKINGD_MONITOR_MONITOR_PAGE_H
#define BOOKINGD_MONITOR_MONITOR_PAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/clock.h"
#include "domain/config.h"
#include "domain/metrics_page.h"
#include "svc/db_gauges.h"
#include "svc/nodes.h"

/* What a page is made of, beside shared memory. */
struct monitor_view {
    const struct config *cfg;
    pid_t master;
    bool database_up;        /* connected, and the last read is good and not old */
    struct db_gauges gauges; /* meaningful when database_up */
    struct wall read_at;     /* us 0: never */
    struct nodes nodes;      /* the others, as last read */
    bool replication_known;  /* never without database.require_synchronous */
    /* As last read and logged: one of the constants of svc/replication.c; NULL: none. */
    const char *replication_fault;
};

/* The whole page in the format that the Accept field asks for. */
struct str monitor_metrics_page(const struct monitor_view *v, struct arena *a,
                                enum metrics_format format);

#endif
