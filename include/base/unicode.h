/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Digits and separators as people type them, in any script. Source: the Unicode character database,
 * general categories Nd, Z, Cf and Pd of version 14.
 */
#ifndef BOOKINGD_BASE_UNICODE_H
#define BOOKINGD_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next code point of valid UTF-8; *p moves behind it. */
uint32_t unicode_next(const char **p);
/* The value of a decimal digit of any script; -1 for any other character. */
int unicode_digit(uint32_t c);
/* Whether a character between two digits says nothing: white space, a dash, or invisible. */
bool unicode_is_filler(uint32_t c);

#endif
