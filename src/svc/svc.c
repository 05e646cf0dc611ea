/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
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
