/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the master asks about a child that a forbidden system call ended. */
#ifndef BOOKINGD_CONFINE_CONFINE_CALLS_H
#define BOOKINGD_CONFINE_CONFINE_CALLS_H

#include <stddef.h>

/* The master, of a child that SIGSYS ended: the call's name out of its last words, into buf;
 * "unknown". */
const char *confine_calls_violation(const char *last_words, char *buf, size_t size);

#endif
