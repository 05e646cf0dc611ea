/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The heap of a process with faults, watched. All that is allocated is in a table: what is freed
 * twice, or was written beyond its end, is caught where it is freed, and not where the heap breaks
 * later. What is freed is filled, so that a use of it does not go unnoticed, and rests before the C
 * library has it back, through the requests that follow too: its address is nobody else's
 * meanwhile, whose block a second free would be taken for, and what is written there shows. For
 * processes of one thread.
 */
#ifndef BOOKINGD_TEST_FAULT_INJECT_HEAP_H
#define BOOKINGD_TEST_FAULT_INJECT_HEAP_H

#include <stddef.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* What was wrong when it ended the process, by abort(); NULL: nothing so far. */
extern HIDDEN const char *heap_fault;

/* NULL: no memory. Not zeroed. */
HIDDEN void *heap_new(size_t n);
HIDDEN void *heap_new_aligned(size_t align, size_t n);
/* Of the block at p, never NULL: as was asked for. */
HIDDEN size_t heap_size(const void *p);
HIDDEN void heap_free(void *p);

#endif
