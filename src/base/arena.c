/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Memory that is released as a whole: the arena of a request in a worker, of a page in the monitor,
 * of a configuration in the master.
 *
 * An arena is a stack of chunks; an allocation moves the mark of the newest one. Nothing is freed
 * alone. What libraries hand out is tied to the arena by arena_defer(). When memory runs out,
 * arena_oom() jumps to the boundary of the request, so that no caller has to test for NULL.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"

/* AddressSanitizer knows only what malloc() returns, which is a whole chunk. Poisoned gaps between
 * allocations make it see an overflow from one into the next. */
#if UNDER_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define RED_ZONE ((size_t)16) /* stays poisoned behind each allocation */
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE ((size_t)0)
#endif

#define ALIGN ((size_t)16) /* that of max_align_t on 64-bit machines: fit for any type */
/* Larger requests are refused before malloc() sees them. No caller needs that much, and sums of
 * sizes stay far from overflow. */
#define ALLOC_MAX ((size_t)1 << 32)
#define SHORT_TEXT 256 /* most formatted texts are below 100 bytes */

struct chunk {
    struct chunk *next; /* older */
    size_t size, used;  /* of data */
    _Alignas(16) unsigned char data[];
};

/* Called in reverse order of registration, as later resources may use earlier ones. */
struct cleanup {
    struct cleanup *next;
    void (*fn)(void *);
    void *ptr;
};

/* One process is single-threaded, so an arena has no lock. */
struct arena {
    struct chunk *top;   /* allocations come from here */
    struct chunk *first; /* kept by reset */
    struct cleanup *cleanups;
    jmp_buf *oom;
};

static size_t arena_round_up(size_t n)
{
    return (n + ALIGN - 1) & ~(ALIGN - 1);
}

/* The chunk's header is malloc()'s memory too: one allocation per chunk. */
static struct chunk *arena_new_chunk(size_t size)
{
    struct chunk *c = malloc(sizeof(*c) + size);

    if (!c)
        return NULL;
    *c = (struct chunk){.size = size};
    POISON(c->data, size);
    return c;
}

/* The memory may hold tokens and one-time codes, which must not outlive their request. */
static void arena_wipe_chunk(struct chunk *c)
{
    UNPOISON(c->data, c->size);
    explicit_bzero(c->data, c->used);
    c->used = 0;
}

static void arena_free_chunk(struct chunk *c)
{
    arena_wipe_chunk(c);
    free(c);
}

/* The first chunk is kept by arena_reset(): a usual request takes no memory from the system at all.
 * 256 bytes is the least that holds more than a cleanup or two. */
struct arena *arena_new(size_t chunk_size)
{
    struct arena *a = calloc(1, sizeof(*a));

    ENSURE(chunk_size <= ALLOC_MAX);
    if (!a)
        return NULL;
    a->first = a->top = arena_new_chunk(arena_round_up(chunk_size < 256 ? 256 : chunk_size));
    if (a->first)
        return a;
    free(a);
    return NULL;
}

/* A cleanup may register another one (it then runs too), so the list is read anew each time. */
static void arena_run_cleanups(struct arena *a)
{
    while (a->cleanups) {
        struct cleanup *c = a->cleanups;

        a->cleanups = c->next;
        c->fn(c->ptr);
    }
}

/* Cleanups come first: what they release may lie in chunks that are freed after them. */
void arena_reset(struct arena *a)
{
    arena_run_cleanups(a);
    while (a->top != a->first) {
        struct chunk *older = a->top->next;

        arena_free_chunk(a->top);
        a->top = older;
    }
    arena_wipe_chunk(a->first);
    POISON(a->first->data, a->first->size);
}

size_t arena_size(const struct arena *a)
{
    size_t n = 0;

    for (const struct chunk *c = a->top; c; c = c->next)
        n += c->size;
    return n;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    arena_free_chunk(a->first);
    free(a);
}

/* Set at the boundary of a request or page, before anything is allocated. longjmp() skips the
 * frames between, so they must hold nothing but arena memory and what is deferred. */
void arena_on_oom(struct arena *a, jmp_buf *where)
{
    a->oom = where;
}

void arena_oom(struct arena *a)
{
    ENSURE(a->oom != NULL); /* without a place to go on, the process cannot */
    longjmp(*a->oom, 1);
}

/* NULL when memory is out. */
static void *arena_try_alloc(struct arena *a, size_t n)
{
    struct chunk *c = a->top;
    size_t need = arena_round_up(n) + RED_ZONE;
    void *p;

    if (n > ALLOC_MAX)
        return NULL;
    if (need > c->size - c->used) {
        /* What is left of the older chunk stays unused: requests are short. */
        size_t size = a->first->size;

        /* A large allocation gets a chunk of its own size; the next small one then starts a new
         * chunk, since this one is full. */
        c = arena_new_chunk(need > size ? need : size);
        if (!c)
            return NULL;
        c->next = a->top;
        a->top = c;
    }
    p = c->data + c->used;
    c->used += need;
    UNPOISON(p, n);
    /* Zeroed, so that a forgotten member is 0 or NULL and never a former request's data. */
    return memset(p, 0, n);
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p = arena_try_alloc(a, n);

    if (!p)
        arena_oom(a);
    return p;
}

/* Counts come from requests and from databases: a product that overflows is out of memory, not a
 * short array. */
void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        arena_oom(a);
    return arena_alloc(a, n);
}

/* One byte more than asked for: the result is always a C string. */
char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p;

    if (n > ALLOC_MAX)
        arena_oom(a);
    p = arena_alloc(a, n + 1);
    if (n > 0)
        memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    char text[SHORT_TEXT];
    va_list again;
    char *p;
    int n;

    /* What is longer is written a second time, straight into the arena. */
    va_copy(again, ap);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    ENSURE(n >= 0);
    p = arena_alloc(a, (size_t)n + 1);
    if ((size_t)n < sizeof(text))
        memcpy(p, text, (size_t)n);
    else
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    /* It may be a token; its copy in the arena is wiped with the arena. */
    explicit_bzero(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text));
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;

    va_start(ap, fmt);
    p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

/* When there is no memory for the record, the resource is released here, before the jump: the
 * caller has given it away either way. */
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr)
{
    struct cleanup *c = arena_try_alloc(a, sizeof(*c));

    if (!c) {
        fn(ptr);
        arena_oom(a);
    }
    *c = (struct cleanup){.next = a->cleanups, .fn = fn, .ptr = ptr};
    a->cleanups = c;
}
