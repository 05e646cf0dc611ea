/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Random tokens, one-time codes and jitter. The kernel's generator alone: no state of ours, which a
 * fork would copy, so that two workers would draw the same tokens. Identifiers, which no secret
 * depends on, are the one exception: they come out of a stock that the kernel empties at a fork.
 */
#include "base/rng.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/ensure.h"

/* Without flags getrandom() waits until the pool is ready, at boot only. It can fail for no other
 * reason than a signal, so a failure is a bug, and no caller has to handle it. */
void rng_bytes(void *buf, size_t n)
{
    unsigned char *p = buf;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        ENSURE(got > 0);
        p += got;
        n -= (size_t)got;
    }
}

/* Of 16 bytes each: a booking takes five, a read two. */
#define STOCK_BYTES 1024

static struct rng_stock {
    size_t left; /* unused, at the end; 0 after a fork, like all of it */
    unsigned char bytes[STOCK_BYTES];
} * stock;

/* False: no such memory, so each identifier asks the kernel. */
static bool rng_open_stock(void)
{
    static bool tried;

    if (tried)
        return stock != NULL;
    tried = true;
    void *p = mmap(NULL, sizeof(*stock), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0); // cppcheck-suppress invalidFunctionArg
    if (p == MAP_FAILED)
        return false;
    if (madvise(p, sizeof(*stock), MADV_WIPEONFORK) == 0)
        stock = p;
    else
        (void)munmap(p, sizeof(*stock));
    return stock != NULL;
}

void rng_id_bytes(void *buf, size_t n)
{
    ENSURE(n <= STOCK_BYTES);
    if (!rng_open_stock()) {
        rng_bytes(buf, n);
        return;
    }
    if (stock->left < n) {
        rng_bytes(stock->bytes, sizeof(stock->bytes));
        stock->left = sizeof(stock->bytes);
    }
    stock->left -= n;
    memcpy(buf, stock->bytes + stock->left, n);
}

/* Uniform in [0, bound): draws below 2^64 mod bound are thrown away, so that what is left divides
 * evenly. */
static uint64_t rng_draw_below(uint64_t bound)
{
    uint64_t skip, v;

    ENSURE(bound > 0);
    skip = -bound % bound;
    do
        rng_bytes(&v, sizeof(v));
    while (v < skip);
    return v % bound;
}

uint32_t rng_below(uint32_t bound)
{
    return (uint32_t)rng_draw_below(bound);
}

/* Each digit is drawn alone: a modulus of a larger number would favour some codes. */
void rng_digits(char *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = (char)('0' + rng_draw_below(10));
    buf[n] = '\0';
}

/* Uniform in [ms - share, ms + share]. Processes that failed at the same time then retry at
 * different times. */
int64_t rng_jitter_ms(int64_t ms, double share)
{
    int64_t reach;

    ENSURE(ms >= 0 && share >= 0 && share <= 1);
    reach = (int64_t)((double)ms * share);
    return ms - reach + (int64_t)rng_draw_below(2 * (uint64_t)reach + 1);
}
