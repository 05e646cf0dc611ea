/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One shared mapping for all processes, made by the master before it forks. Modules take their
 * parts from it once (scoreboard, metrics, breakers, addresses) and never give them back. Nothing
 * is ever added later, so every process sees the same addresses. */
#include "sys/shm.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/ensure.h"

#define ALIGN 64u /* a cache line: two writers never share one */

static unsigned char *base;
static size_t total, used;

bool shm_init(size_t size)
{
    ENSURE(base == NULL);
    /* Parts round their sizes up to ALIGN; 64 of them fit in the reserve. */
    size += (size_t)ALIGN * 64;
    // cppcheck-suppress invalidFunctionArg ; mmap(2) asks for -1 with MAP_ANONYMOUS
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    base = p;
    total = size;
    used = 0;
    return true;
}

/* Running out is a bug: the sizes were added up by the callers' own *_size() functions. */
void *shm_alloc(size_t n)
{
    size_t rounded = (n + ALIGN - 1) / ALIGN * ALIGN;
    ENSURE(base != NULL && rounded >= n && rounded <= total - used);
    void *p = base + used;
    used += rounded;
    return p;
}

/* For commands and tests; the daemon's mapping ends with its processes. */
void shm_fini(void)
{
    if (base)
        munmap(base, total);
    base = NULL;
    total = used = 0;
}
