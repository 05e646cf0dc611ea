/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A record in shared memory with one writer and many readers, and no lock: a seqlock with two
 * copies (the Linux kernel's seqcount_latch). The writer fills the copy that nobody reads, then
 * moves the version on; a reader tries again when the version moved under it. So readers always
 * get a whole record, also when the writer was killed in the middle of a store.
 */
#ifndef BOOKINGD_SYS_SEQLOCK_H
#define BOOKINGD_SYS_SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"

#define SEQLOCK_WORDS(type) ((sizeof(type) + sizeof(uint64_t) - 1) / sizeof(uint64_t))
/* SEQLOCK(struct x) member; zeroed memory is one that nothing was stored in. */
#define SEQLOCK(type)                                   \
    struct {                                            \
        _Atomic uint64_t version;                       \
        _Atomic uint64_t words[2][SEQLOCK_WORDS(type)]; \
    }
#define SEQLOCK_STORE(lock, value) \
    seqlock_store(&(lock)->version, (lock)->words[0], (value), sizeof(*(value)))
#define SEQLOCK_LOAD(lock, value) \
    seqlock_load(&(lock)->version, (lock)->words[0], (value), sizeof(*(value)))

/* The one writer. `words` holds both copies, one after the other. */
void seqlock_store(_Atomic uint64_t *version, _Atomic uint64_t *words, const void *value,
                   size_t size);
/* Copies the newest whole record; false when nothing was stored yet (value is untouched). */
bool seqlock_load(const _Atomic uint64_t *version, const _Atomic uint64_t *words, void *value,
                  size_t size) MUST_CHECK;

#endif
