/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Rows of the dimension "provider": they belong to names, while indices belong to a configuration.
 */
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "metrics_priv.h"
#include "sys/config.h"

#define NAME_SIZE 40 /* configured names have at most 32 */

static struct row {
    char name[NAME_SIZE]; /* "": free */
    uint32_t ops;
    bool used; /* by the names in use */
} rows[METRIC_PROVIDER_ROWS];
static unsigned row_of[PROVIDERS_MAX];
static size_t in_use_n;

unsigned metric_provider_row(unsigned provider)
{
    ENSURE(provider < in_use_n);
    return row_of[provider];
}

const char *metric_provider_name(unsigned row)
{
    return rows[row].name;
}

uint32_t metric_provider_ops(unsigned row)
{
    return rows[row].ops;
}

void metric_providers_forget(void)
{
    memset(rows, 0, sizeof(rows));
    in_use_n = 0;
}

static int find(const char *name)
{
    for (int i = 0; i < METRIC_PROVIDER_ROWS; i++)
        if (rows[i].name[0] && strncmp(rows[i].name, name, NAME_SIZE - 1) == 0)
            return i;
    return -1;
}

static bool among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(names[i], name, NAME_SIZE - 1) == 0)
            return true;
    return false;
}

/* A row without a name, else one that is not in use and not among the names to come. */
static unsigned take(const char *const *names, size_t n)
{
    unsigned i = 0;
    while (i < METRIC_PROVIDER_ROWS && rows[i].name[0])
        i++;
    if (i < METRIC_PROVIDER_ROWS)
        return i;
    for (i = 0; i < METRIC_PROVIDER_ROWS && (rows[i].used || among(rows[i].name, names, n));)
        i++;
    ENSURE(i < METRIC_PROVIDER_ROWS);
    metric_provider_clear(i);
    return i;
}

void metrics_use_providers(const char *const *names, const uint32_t *ops, size_t n)
{
    ENSURE(n <= PROVIDERS_MAX);
    for (size_t i = 0; i < n; i++) {
        int known = find(names[i]);
        unsigned row = known >= 0 ? (unsigned)known : take(names, n);
        if (known < 0)
            (void)snprintf(rows[row].name, sizeof(rows[row].name), "%s", names[i]);
        rows[row].ops = ops ? ops[i] : UINT32_MAX;
        row_of[i] = row;
    }
    in_use_n = n;
    for (unsigned row = 0; row < METRIC_PROVIDER_ROWS; row++)
        rows[row].used = among(rows[row].name, names, n);
}
