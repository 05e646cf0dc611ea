/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One anonymous shared mapping made by the master before the first fork; parts are handed out once,
 * never freed. */
#ifndef BOOKINGD_SYS_SHM_H
#define BOOKINGD_SYS_SHM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"

/* Reserves `size` bytes for all shm_alloc() calls to come; false when the kernel refuses. */
bool shm_init(size_t size) MUST_CHECK;
/* n zeroed bytes, 64-byte aligned; running out is a bug (the parts' sizes are known before). */
void *shm_alloc(size_t n);
/* Tests: gives the mapping back. */
void shm_fini(void);

#endif
