/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Whether an address can be reached at all, for `bookingd doctor`: nothing is asked of it. */
#ifndef BOOKINGD_EXT_EXT_PROBE_H
#define BOOKINGD_EXT_EXT_PROBE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cdefs.h"
#include "base/clock.h"

struct ext_probe {
    const char *address;                  /* that the name led to; "" before that */
    double lookup_ms, connect_ms, tls_ms; /* each from the one before; 0: not reached */
    bool tls;                             /* it is https */
    int certificate_days;                 /* until the certificate ends; -1: not known */
    const char *fault;                    /* libcurl's words; NULL: it was reached */
};
/* Looks the host up, connects, and with https speaks TLS; all within d. Texts are on the arena.
 * False: out of memory. */
bool ext_probe(struct arena *a, const char *url, struct deadline d,
               struct ext_probe *out) MUST_CHECK;

#endif
