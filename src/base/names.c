/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Text to enum: called by whatever reads configuration, JSON, queries or database columns. Linear:
 * the longest list has some forty words, and is read once per request at most.
 */
#include "base/names.h"

/* Stops at NULL as well as at n, since tables made for getopt-like readers end with NULL. */
int name_find(const char *const *names, size_t n, struct str name)
{
    for (size_t i = 0; name.p && i < n && names[i]; i++)
        if (str_eq(str_of(names[i]), name))
            return (int)i;
    return -1;
}

int name_find_language(const char *const *names, size_t n, struct str tag)
{
    size_t length = 0;
    while (length < tag.n && tag.p[length] != '-' && tag.p[length] != '_')
        length++;
    for (size_t i = 0; tag.p && i < n && names[i]; i++)
        if (str_eq_nocase(str_of(names[i]), (struct str){tag.p, length}))
            return (int)i;
    return -1;
}
