/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A record in shared memory with one writer and many readers, no lock. Two copies: the writer fills
 * the one that nobody reads and then turns the version, so readers get a whole record always, also
 * when the writer was killed in the middle of a store.
 */
#ifndef BOOKINGD_SYS_TWIN_H
#define BOOKINGD_SYS_TWIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"

#define TWIN_WORDS(type) ((sizeof(type) + sizeof(uint64_t) - 1) / sizeof(uint64_t))
/* TWIN(struct x) member; zeroed memory is an empty twin. */
#define TWIN(type)                                   \
    struct {                                         \
        _Atomic uint64_t version;                    \
        _Atomic uint64_t words[2][TWIN_WORDS(type)]; \
    }
#define TWIN_STORE(twin, value) \
    twin_store(&(twin)->version, (twin)->words[0], (value), sizeof(*(value)))
#define TWIN_LOAD(twin, value) \
    twin_load(&(twin)->version, (twin)->words[0], (value), sizeof(*(value)))

/* The one writer. `words` holds both copies, one after the other. */
void twin_store(_Atomic uint64_t *version, _Atomic uint64_t *words, const void *value, size_t size);
/* Copies the newest whole record; false when nothing was stored yet (value is untouched). */
bool twin_load(const _Atomic uint64_t *version, const _Atomic uint64_t *words, void *value,
               size_t size) MUST_CHECK;

#endif
