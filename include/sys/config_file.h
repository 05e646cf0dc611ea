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

#include "base/cdefs.h"
#include "sys/config_fault.h"

struct config_file_job {
    const char *path;     /* NULL: built-in defaults */
    bool offline;         /* for the loader */
    config_on_key on_key; /* for the loader */
    size_t size;          /* of the struct, zeroed before `read` */
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

#endif
