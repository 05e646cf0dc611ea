/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Text to enum: called by whatever reads configuration, JSON, queries or database columns. */
#include "base/names.h"

int name_find(const char *const *names, size_t n, struct str name)
{
    for (size_t i = 0; name.p && i < n && names[i]; i++)
        if (str_eq(str_of(names[i]), name))
            return (int)i;
    return -1;
}
