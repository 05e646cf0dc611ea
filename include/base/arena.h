/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Bump arena: memory of one request, released as a whole by arena_reset().
 * Foreign resources (PGresult, json_t, file descriptors) hang on it as cleanups and are
 * released in reverse order of registration. Allocation never returns NULL: when memory
 * runs out the arena jumps to the place named by arena_on_oom() (the request's boundary,
 * which answers 503), or aborts when there is none. Under AddressSanitizer freed parts are
 * poisoned, so an overrun still shows.
 */
#ifndef BOOKINGD_BASE_ARENA_H
#define BOOKINGD_BASE_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/cdefs.h"

struct arena;

/* A new arena whose first chunk holds chunk_size bytes; NULL when memory is out. Caller:
 * arena_free(). */
struct arena *arena_new(size_t chunk_size) MUST_CHECK;
/* Runs the cleanups and releases everything. NULL is allowed. */
void arena_free(struct arena *a);
/* Runs the cleanups and makes all memory free again; keeps the first chunk. */
void arena_reset(struct arena *a);
/* Bytes that it has of the system at the moment. */
size_t arena_size(const struct arena *a);
/* Where to jump when memory runs out; NULL: abort. longjmp gets the value 1. */
void arena_on_oom(struct arena *a, jmp_buf *where);
/* For callers that meet a NULL from a library: take the arena's out-of-memory way. */
NORETURN void arena_oom(struct arena *a);

/* n zeroed bytes, aligned for any type. Never NULL; n may be 0. */
void *arena_alloc(struct arena *a, size_t n);
/* count * size zeroed bytes; an overflow takes the out-of-memory way. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *s);
/* A NUL-terminated copy of n bytes. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Calls fn(ptr) at reset or free, last registered first. If memory for it runs out, fn(ptr) is
 * called before the jump.
 */
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
