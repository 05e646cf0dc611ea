/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A configuration file while it is read, and what is wrong with it. Faults are collected, never
 * logged here, so that one run tells all of them.
 */
#ifndef BOOKINGD_SYS_CONFIG_FAULT_H
#define BOOKINGD_SYS_CONFIG_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cdefs.h"
#include "sys/config_node.h"

/* Where a fault is and what it is; line 0 when it has no place in the file. */
struct config_fault {
    int line, column;
    const char *key; /* "server.workers"; "" when none */
    const char *what;
};
struct config_report {
    const struct config_fault *faults;
    size_t n;
};

/* A secret of the file, in memory that is to be wiped. */
struct config_secret {
    char *p;
    size_t n;
    struct config_secret *next;
};

/* First member of the struct that is loaded: what holds its texts, and what must be wiped. */
struct config_memory {
    struct arena *arena;
    struct config_secret *secrets;
    const char *exposed; /* a secret's file that everybody on the machine may read; NULL: none */
};

struct config_loader;
struct config_scope;
struct config_key;
/* Called for each key before it is read. map: what it is a member of, NULL for defaults alone; n:
 * its value, NULL when the file has none. */
typedef void (*config_on_key)(struct config_loader *l, const struct config_scope *scope,
                              const struct config_key *k, const struct config_node *map,
                              const struct config_node *n);

/* A file being read. */
struct config_loader {
    struct config_memory *target; /* the struct that is filled; its arena is for what is kept */
    struct arena *arena;          /* the same */
    struct arena *scratch;        /* tree and faults */
    const char *path;             /* the file; NULL: none */
    const char *dir;              /* of the file: secrets' relative paths start there */
    bool offline;                 /* secrets that cannot be read are no faults */
    bool others;                  /* nor one that is for another account: then `denied` is set */
    bool denied;
    config_on_key on_key; /* NULL: nobody wants to know */
    struct config_fault *faults;
    size_t faults_n, faults_max;
};

/* ---- each reports a fault; its texts go to the scratch arena ---- */

/* At a place of the file. */
void config_fault_at(struct config_loader *l, struct config_mark at, const char *key,
                     const char *fmt, ...) PRINTF_LIKE(4, 5);
/* At the value. */
void config_fault(struct config_loader *l, const struct config_node *n, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* At the member's key. */
void config_fault_key(struct config_loader *l, const struct config_node *n, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
