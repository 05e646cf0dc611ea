/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "fault_inject_heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_memalign(size_t align, size_t n);
extern void __libc_free(void *p);

const char *heap_fault;

#define LIVE_SLOTS ((size_t)1 << 20)
#define REST_SLOTS ((size_t)1 << 15)
#define REST_BYTES ((size_t)16 << 20)
#define FENCE 8
#define FENCE_BYTE 0xfd
#define DEAD_BYTE 0xdd
static struct block {
    void *p;
    size_t n;
} live[LIVE_SLOTS];
static size_t live_n;
static struct block resting[REST_SLOTS]; /* a ring: the oldest is at rest_first */
static size_t rest_first, rest_n, rest_bytes;

__attribute__((noreturn)) static void heap_broken(const char *how)
{
    heap_fault = how;
    abort();
}

static size_t slot_of(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 44);
}

static void *born(void *p, size_t n)
{
    if (!p)
        return p;
    if (live_n >= LIVE_SLOTS / 2)
        heap_broken("more blocks than the watcher has room for");
    size_t i = slot_of(p);
    while (live[i].p)
        i = (i + 1) % LIVE_SLOTS;
    live[i] = (struct block){p, n};
    live_n++;
    memset((char *)p + n, FENCE_BYTE, FENCE);
    return p;
}

static size_t find(const void *p)
{
    size_t i = slot_of(p);
    while (live[i].p && live[i].p != p)
        i = (i + 1) % LIVE_SLOTS;
    if (!live[i].p)
        heap_broken("freed twice, or never allocated");
    return i;
}

/* Its size. */
static size_t died(void *p)
{
    const size_t i = find(p);
    const size_t n = live[i].n;
    for (size_t at = n; at < n + FENCE; at++) {
        if (((unsigned char *)p)[at] != FENCE_BYTE)
            heap_broken("written beyond its end");
    }
    live_n--;
    size_t hole = i;
    for (size_t at = (hole + 1) % LIVE_SLOTS; live[at].p; at = (at + 1) % LIVE_SLOTS) {
        if ((at - slot_of(live[at].p)) % LIVE_SLOTS < (at - hole) % LIVE_SLOTS)
            continue; /* its home is behind the hole */
        live[hole] = live[at];
        hole = at;
    }
    live[hole].p = NULL;
    return n;
}

static void give_back_oldest(void)
{
    struct block *b = &resting[rest_first];
    for (size_t at = 0; at < b->n; at++) {
        if (((unsigned char *)b->p)[at] != DEAD_BYTE)
            heap_broken("written after it was freed");
    }
    rest_first = (rest_first + 1) % REST_SLOTS;
    rest_n--;
    rest_bytes -= b->n;
    __libc_free(b->p);
}

static void lay_to_rest(void *p, size_t n)
{
    memset(p, DEAD_BYTE, n);
    while (rest_n == REST_SLOTS || (rest_n > 0 && rest_bytes + n > REST_BYTES))
        give_back_oldest();
    resting[(rest_first + rest_n++) % REST_SLOTS] = (struct block){p, n};
    rest_bytes += n;
}

static bool too_big(size_t n)
{
    return n > SIZE_MAX / 4;
}

void *heap_new(size_t n)
{
    return too_big(n) ? NULL : born(__libc_malloc(n + FENCE), n);
}

void *heap_new_aligned(size_t align, size_t n)
{
    return too_big(n) ? NULL : born(__libc_memalign(align, n + FENCE), n);
}

size_t heap_size(const void *p)
{
    return live[find(p)].n;
}

void heap_free(void *p)
{
    lay_to_rest(p, died(p));
}
