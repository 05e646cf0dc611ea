/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The nodes that work on one database: which are alive, and whether they have in common what they
 * must. The monitor tells and reads who is alive; workers compare the secret when they start.
 * Database errors pass through.
 */
#ifndef BOOKINGD_SVC_NODES_H
#define BOOKINGD_SVC_NODES_H

#include "base/clock.h"
#include "svc/svc.h"

/* The status page names no more; more than that are still counted by Prometheus. */
#define NODES_MAX 64
#define NODE_HOST_MAX 64 /* HOST_NAME_MAX */
#define NODE_VERSION_MAX 64

struct node {
    char host[NODE_HOST_MAX + 1], version[NODE_VERSION_MAX + 1];
    int64_t pid;
    bool differs; /* it has other providers than this node */
    struct wall started_at, seen_at;
};

struct nodes { /* all but this one */
    struct node at[NODES_MAX];
    size_t n, differing;
};

/* This node, as it tells others: its master, when that was started, and for how long the row
 * counts. */
struct node_self {
    int64_t pid;
    struct wall started_at;
    const char *version;
    int64_t gone_after_ms;
};

/* Writes this node's row, drops those of nodes that are gone, reads the others: one round trip. On
 * failure *out is as before. */
enum err nodes_tell(struct svc *s, const struct node_self *self, struct nodes *out) MUST_CHECK;

/* Whether otp.secret is that of the nodes before this one, or there was none: one round trip.
 * *same is true where no secret is configured. */
enum err nodes_compare_secret(struct svc *s, bool *same) MUST_CHECK;

#endif
