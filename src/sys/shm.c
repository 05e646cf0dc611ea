/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The shared memory of all processes, in parts with writers of their own. Laid out by the master
 * (master_setup.c); each child gives up the rest right after the fork (master_child.c).
 *
 * That a child cannot take the right to write back rests on the kernel: the memory is a memfd with
 * F_SEAL_FUTURE_WRITE, and a mapping of such a file that is made without PROT_WRITE can never get
 * it (memfd_create(2), Linux 5.1). An older kernel has read-only mappings that mprotect(2) could
 * change.
 */
#include "sys/shm.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"

#define PARTS_MAX 24 /* there are about a dozen */

static unsigned char *base;
static size_t total, used;
static int shm_file = -1;
/* Each part begins at a page of its own: rights can be taken away by whole pages only. */
static struct part {
    size_t at, size;
    size_t stride;    /* of a part with a piece per slot; 0: a part of roles */
    unsigned writers; /* bits of roles */
} parts[PARTS_MAX];
static unsigned parts_n;

static size_t shm_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE); /* it cannot fail */
}

size_t shm_round(size_t n)
{
    const size_t page = shm_page();
    return (n + page - 1) / page * page;
}

/* The size is final and no new mapping can write: what exists at the time of the seal still can. */
static void shm_seal(int fd)
{
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
#ifdef F_SEAL_FUTURE_WRITE
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
#endif
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL);
}

bool shm_init(size_t size)
{
    ENSURE(base == NULL);
    /* A page per part for rounding up: callers add up sizes, and know nothing of pages. */
    size = shm_round(size) + PARTS_MAX * shm_page();
    /* It has no name in any file system, and goes with the last process that has it. */
    const int fd = memfd_create("bookingd-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return false;
    void *p = MAP_FAILED;
    /* Zeros from the start, which every part takes for "nothing happened yet". */
    if (ftruncate(fd, (off_t)size) == 0)
        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        close(fd);
        return false; // cppcheck-suppress memleak ; nothing was mapped
    }
    shm_seal(fd);
    base = p;
    shm_file = fd;
    total = size;
    used = parts_n = 0;
    return true;
}

/* Parts are never freed: the master lays all out before the first child, and a fault here is one of
 * the program. */
static void *shm_add_part(struct part part)
{
    const size_t rounded = shm_round(part.size);
    ENSURE(base != NULL && parts_n < PARTS_MAX && rounded >= part.size && rounded <= total - used);
    part.at = used;
    part.size = rounded;
    parts[parts_n++] = part;
    used += rounded;
    return base + part.at;
}

void *shm_alloc(size_t n, unsigned writers)
{
    return shm_add_part((struct part){.size = n, .writers = writers});
}

void *shm_alloc_slots(size_t n, unsigned slots)
{
    const size_t stride = shm_round(n);
    return shm_add_part((struct part){.size = stride * slots, .stride = stride});
}

static bool shm_forbid(size_t at, size_t end)
{
    if (at >= end)
        return true;
    /* A new mapping over the old one, and not mprotect(): only a mapping made after the seal can
     * never become writable again. */
    void *p = mmap(base + at, end - at, PROT_READ, MAP_SHARED | MAP_FIXED, shm_file, (off_t)at);
    return p != MAP_FAILED; // cppcheck-suppress memleak ; it replaces what was there
}

/* What lies between the pieces that stay writable becomes read-only. */
bool shm_confine(unsigned role_bit, unsigned slot)
{
    size_t from = 0;
    bool good = base != NULL;
    for (unsigned i = 0; i < parts_n && good; i++) {
        const struct part *p = &parts[i];
        const bool whole = p->stride == 0 && (p->writers & role_bit) != 0;
        const bool piece = p->stride > 0 && slot < p->size / p->stride;
        if (!whole && !piece)
            continue;
        const size_t at = p->at + (whole ? 0 : slot * p->stride);
        good = shm_forbid(from, at);
        from = at + (whole ? p->size : p->stride);
    }
    good = good && shm_forbid(from, total);
    close(shm_file);
    shm_file = -1;
    return good;
}

void shm_fini(void)
{
    if (base)
        munmap(base, total);
    if (shm_file >= 0)
        close(shm_file);
    base = NULL;
    shm_file = -1;
    total = used = 0;
    parts_n = 0;
}
