/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The tree that a configuration file becomes: what the readers of keys look at. */
#ifndef BOOKINGD_SYS_CONFIG_NODE_H
#define BOOKINGD_SYS_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum config_node_kind {
    CONFIG_SCALAR,
    CONFIG_LIST,
    CONFIG_MAP,
    CONFIG_REFUSED /* an alias, a wrong key ...: its fault is reported already */
};

/* A place of the file; both count from 1. 0, 0 is for a fault without a place. */
struct config_mark {
    int line, column;
};
/* For faults of the file as a whole. */
#define CONFIG_FILE_START ((struct config_mark){1, 1})

struct config_node {
    enum config_node_kind kind;
    struct config_mark at; /* of the value */
    char *text;            /* scalar: NUL-terminated, UTF-8, no NUL inside */
    bool quoted;
    struct config_node *parent;
    const char *key; /* as a mapping's member */
    struct config_mark key_at;
    size_t index; /* as a list's item */
    struct config_node *first, *last, *next;
    size_t n; /* children */
};

/* Member of a mapping by name; NULL when there is none, or map is NULL or no mapping. Borrowed. */
const struct config_node *config_node_member(const struct config_node *map, struct str name);
/* The node at a dotted path below map, as config_node_member(). */
const struct config_node *config_node_at(const struct config_node *map, const char *path);
/* Is it nothing: empty, ~ or null without quotes? */
bool config_node_null(const struct config_node *n);
/* "providers.sms.timeout", "otp.regions[1]"; "" for the root. On the arena. */
const char *config_node_path(struct arena *a, const struct config_node *n);

#endif
