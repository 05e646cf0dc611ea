/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Loads a YAML file into a struct of its caller's, and lists what is wrong with it. What the keys
 * are is the caller's business (config_read.h); this is the file, the memory and the faults, which
 * are collected and never logged here: "file:line:column: key: what is wrong".
 */
#ifndef BOOKINGD_SYS_CONFIG_FILE_H
#define BOOKINGD_SYS_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/cdefs.h"
#include "base/str.h"
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
};

/* A file being read. */
struct config_loader {
    struct config_memory *target; /* the struct that is filled; its arena is for what is kept */
    struct arena *arena;          /* the same */
    struct arena *scratch;        /* tree and faults */
    const char *path;             /* the file; NULL: none */
    const char *dir;              /* of the file: secrets' relative paths start there */
    bool offline;                 /* secrets that cannot be read are no faults */
    struct config_fault *faults;
    size_t faults_n, faults_max;
};

struct config_file_job {
    const char *path; /* NULL: built-in defaults */
    bool offline;     /* for the loader */
    size_t size;      /* of the struct, zeroed before `read` */
    /* Fills l->target from the tree (NULL: no file, or an empty one). Faults are reported by
     * config_fault*(). */
    void (*read)(struct config_loader *l, const struct config_node *root);
};
/*
 * On success *report is NULL and the struct lives until config_memory_free(). On any fault, out of
 * memory included, NULL, and *report, given back by config_report_free(), lists all faults in the
 * file's order.
 */
void *config_file_load(const struct config_file_job *job, struct config_report **report) MUST_CHECK;
/* Wipes the secrets and frees the struct that m is the first member of. NULL does nothing. */
void config_memory_free(struct config_memory *m);

/* Prints "path:line:column: key: what is wrong", one line per fault. path NULL: "(defaults)". */
void config_report_print(const struct config_report *report, const char *path, FILE *to);
void config_report_free(struct config_report *report);

/* ---- for readers: reports a fault; the texts go to the scratch arena ---- */

void config_fault_at(struct config_loader *l, int line, int column, const char *key,
                     const char *fmt, ...) PRINTF_LIKE(5, 6);
/* At the value. */
void config_fault(struct config_loader *l, const struct config_node *n, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* At the member's key. */
void config_fault_key(struct config_loader *l, const struct config_node *n, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The tree of a text; NULL after a fault that leaves none. An empty text is an empty mapping. */
struct config_node *config_yaml(struct config_loader *l, struct str text) MUST_CHECK;

#endif
