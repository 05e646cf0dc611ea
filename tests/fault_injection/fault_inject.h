/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The page that fault_injection.py and a process with faults share; fault_injection.py reads and
 * writes it by these offsets. */
#ifndef BOOKINGD_TEST_FAULT_INJECT_H
#define BOOKINGD_TEST_FAULT_INJECT_H

#include <stdatomic.h>
#include <stdint.h>

/* Which calls are counted. */
enum inject_class {
    INJECT_NONE,
    INJECT_ALLOC,
    INJECT_READ,
    INJECT_WRITE,
    INJECT_SENDTO,
    INJECT_RECVFROM,
    INJECT_CONNECT,
    INJECT_OPEN,
    INJECT_SOCKET,
    INJECT_POLL
};
/* What happens to the Nth: it fails; it and all that follow fail; it is cut short to one byte. */
enum inject_mode { INJECT_ONCE, INJECT_FROM, INJECT_SHORT };

struct inject_page {
    _Atomic int32_t pid; /* the process that is meant; 0: nobody */
    int32_t class, mode, error;
    int64_t at; /* counted from 1; 0: only count */
    _Atomic int64_t seen;
    _Atomic int32_t injected;
    _Atomic int32_t crash;           /* the signal that ended it */
    _Atomic int64_t clock_step_ns;   /* added to the wall clock, of every process */
    char where[2000], crashed[2000]; /* "object+0xoffset\n" innermost first */
};

#endif
