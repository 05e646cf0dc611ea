/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The page that torture.py and a tortured process share; torture.py reads and writes it by these
 * offsets. */
#ifndef BOOKINGD_TEST_STRIKE_H
#define BOOKINGD_TEST_STRIKE_H

#include <stdatomic.h>
#include <stdint.h>

/* Which calls are counted. */
enum strike_class {
    STRIKE_NONE,
    STRIKE_ALLOC,
    STRIKE_READ,
    STRIKE_WRITE,
    STRIKE_SENDTO,
    STRIKE_RECVFROM,
    STRIKE_CONNECT,
    STRIKE_OPEN,
    STRIKE_SOCKET,
    STRIKE_POLL
};
/* What happens to the Nth: it fails; it and all that follow fail; it is cut short to one byte. */
enum strike_mode { STRIKE_ONCE, STRIKE_FROM, STRIKE_SHORT };

struct strike_page {
    _Atomic int32_t pid; /* the process that is meant; 0: nobody */
    int32_t class, mode, error;
    int64_t at; /* counted from 1; 0: only count */
    _Atomic int64_t seen;
    _Atomic int32_t struck;
    _Atomic int32_t crash;           /* the signal that ended it */
    _Atomic int64_t clock_step_ns;   /* added to the wall clock, of every process */
    char where[2000], crashed[2000]; /* "object+0xoffset\n" innermost first */
};

#endif
