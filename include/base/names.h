/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Finds a text among the names of an enum. Each vocabulary has one array of names, in the order of
 * its enum; this is the only loop over them.
 */
#ifndef BOOKINGD_BASE_NAMES_H
#define BOOKINGD_BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* As n of name_find(): the array ends with NULL. */
#define NAMES_UNTIL_NULL SIZE_MAX

/* Index of the name that equals `name` byte by byte; -1 when there is none, and for an absent
 * `name`. The array has n entries, fewer when a NULL comes before. */
int name_find(const char *const *names, size_t n, struct str name);
/* The same for the language of a tag as devices write it: "ar-SA", "AR" and "ar_EG" are "ar". */
int name_find_language(const char *const *names, size_t n, struct str tag);

#endif
