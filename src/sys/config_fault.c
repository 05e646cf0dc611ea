/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Collects the faults of a configuration, so that all are reported at once (BEHAVIOUR §7). Called
 * by every reader of a key and by the YAML reader; config_file.c sorts and prints them.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sys/config_fault.h"

#define FAULTS_KEPT 200 /* beyond that a file is not ours at all */

/* In the scratch arena: it becomes the report's when there are faults, and is freed otherwise. */
static PRINTF_LIKE(3, 0) void fault_v(struct config_loader *l, const struct config_fault *where,
                                      const char *fmt, va_list ap)
{
    if (l->faults_n >= FAULTS_KEPT)
        return;
    if (l->faults_n == l->faults_max) {
        size_t more = l->faults_max ? 2 * l->faults_max : 8;
        struct config_fault *grown = arena_array(l->scratch, more, sizeof *grown);
        if (l->faults_n)
            memcpy(grown, l->faults, l->faults_n * sizeof *grown);
        l->faults = grown;
        l->faults_max = more;
    }
    struct config_fault *f = &l->faults[l->faults_n++];
    *f = *where;
    f->what = arena_vprintf(l->scratch, fmt, ap);
}

void config_fault_at(struct config_loader *l, struct config_mark at, const char *key,
                     const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault_v(l, &(struct config_fault){at.line, at.column, key, NULL}, fmt, ap);
    va_end(ap);
}

/* At the value. */
void config_fault(struct config_loader *l, const struct config_node *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault_v(l,
            &(struct config_fault){n->at.line, n->at.column, config_node_path(l->scratch, n), NULL},
            fmt, ap);
    va_end(ap);
}

/* At the key: for a fault that no other value could mend. */
void config_fault_key(struct config_loader *l, const struct config_node *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault_v(l,
            &(struct config_fault){n->key_at.line, n->key_at.column,
                                   config_node_path(l->scratch, n), NULL},
            fmt, ap);
    va_end(ap);
}
