/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Rows that belong to names and survive reloads. Used for the metrics' providers, the breakers of
 * providers (ext) and the addresses of hosts.
 */
#include "sys/name_rows.h"

#include <string.h>
#include <strings.h>

/* Rows are only added, so a reader may use any row below the count without a lock. */
unsigned name_rows_count(const struct name_rows *r)
{
    const unsigned n = atomic_load_explicit(&r->n, memory_order_acquire);
    return n < r->max ? n : r->max; /* it may be in shared memory */
}

int name_rows_find(const struct name_rows *r, const char *name)
{
    const unsigned n = name_rows_count(r);
    for (unsigned i = 0; i < n; i++) {
        const char *have = r->rows[i].name;
        if (have[0] && (r->ignore_case ? strcasecmp(have, name) : strcmp(have, name)) == 0)
            return (int)i;
    }
    return -1;
}

/* The generation counts reloads. Marking first, taking later: a row that the new configuration
 * needs is never given away meanwhile. */
void name_rows_next(struct name_rows *r, const char *const *names, size_t n)
{
    r->generation++;
    for (size_t i = 0; i < n; i++) {
        int row = name_rows_find(r, names[i]);
        if (row >= 0)
            r->rows[row].wanted = r->generation;
    }
}

/* A row that never had a name, else the one that has been unwanted for the longest; -1. */
static int name_rows_free_row(const struct name_rows *r)
{
    const unsigned n = name_rows_count(r);
    int oldest = -1;
    if (n < r->max)
        return (int)n;
    for (unsigned i = 0; i < n; i++)
        if (r->rows[i].wanted != r->generation &&
            (oldest < 0 || r->rows[i].wanted < r->rows[oldest].wanted))
            oldest = (int)i;
    return oldest;
}

/* Only the master calls this, between forks; readers in other processes run on. */
int name_rows_take(struct name_rows *r, const char *name)
{
    const size_t length = strlen(name);
    int row = name_rows_find(r, name);
    if (row < 0) {
        row = length < NAME_ROW_SIZE ? name_rows_free_row(r) : -1;
        if (row < 0)
            return -1;
        /* The old name goes first: no reader may find the new one with what was the old one's. */
        memset(r->rows[row].name, 0, NAME_ROW_SIZE);
        if (r->clear)
            r->clear((unsigned)row);
        memcpy(r->rows[row].name, name, length);
        if ((unsigned)row == name_rows_count(r))
            atomic_store_explicit(&r->n, (unsigned)row + 1, memory_order_release);
    }
    r->rows[row].wanted = r->generation;
    return row;
}
