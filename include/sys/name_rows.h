/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One row per name, in a table of fixed size that survives reloads of the configuration. What
 * belongs to a name (counters, breaker state, addresses) lives in the row of that number, so a name
 * that is configured again finds it as it was. When all rows are taken, the name that has been
 * unwanted for the longest gives its row up. With room for two configurations, the names of the
 * one before always keep theirs, for processes that still run with it.
 *
 * One process (the master) changes the table; others read the copy that fork gave them, or the
 * same memory when the rows are in shared memory.
 */
#ifndef BOOKINGD_SYS_NAME_ROWS_H
#define BOOKINGD_SYS_NAME_ROWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"

/* A host name has at most 253 characters (RFC 1035 2.3.4); all other names are shorter. */
#define NAME_ROW_SIZE 256

struct name_row {
    char name[NAME_ROW_SIZE]; /* "": free */
    uint32_t wanted;          /* the last generation that wanted it */
};

/* Zeroed but for the members that the owner sets: rows, max, ignore_case, clear. */
struct name_rows {
    struct name_row *rows; /* max of them, zeroed; borrowed */
    unsigned max;
    bool ignore_case; /* host names */
    /* Empties what belongs to a row, before another name gets it; NULL: nothing to do. */
    void (*clear)(unsigned row);
    atomic_uint n; /* rows that were ever taken */
    uint32_t generation;
};

/* A new generation: names[0..n) are wanted, the others until they are taken again are not. */
void name_rows_next(struct name_rows *r, const char *const *names, size_t n);
/* The row of a name, which is wanted from now on. -1: too long, or no row can be given up. */
int name_rows_take(struct name_rows *r, const char *name) MUST_CHECK;
/* The row of a name; -1: it has none. */
int name_rows_find(const struct name_rows *r, const char *name);
/* Rows 0 to n-1 have, or had, a name. */
unsigned name_rows_count(const struct name_rows *r);

#endif
