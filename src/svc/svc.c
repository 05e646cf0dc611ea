/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What all service functions share: versions of If-Match, and running a transaction again. */
#include "svc/svc.h"

enum err versions_check(const struct versions *wanted, int64_t version)
{
    if (!wanted->limited)
        return ERR_OK;
    for (unsigned i = 0; i < wanted->n; i++) {
        if (wanted->v[i] == version)
            return ERR_OK;
    }
    return ERR_VERSION_MISMATCH;
}

/* One order of locks keeps our own transactions from deadlocks; other writers may bring one. The
 * second attempt then meets nobody in nearly all cases, the third is a reserve. */
#define RETRY_ATTEMPTS_MAX 3

bool svc_may_retry(const struct svc *s, enum err e, int *attempts)
{
    return e == ERR_DB_RETRY && ++*attempts < RETRY_ATTEMPTS_MAX && !deadline_passed(s->deadline);
}
