/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The process title that ps shows, written over the original arguments and environment. */
#ifndef BOOKINGD_IPC_PROCTITLE_H
#define BOOKINGD_IPC_PROCTITLE_H

#include "base/cdefs.h"

/*
 * First thing in main(), before anything keeps a pointer into argv or the environment: copies both
 * elsewhere, so that argv[i] and environ stay usable, and keeps the original place for titles.
 */
void proctitle_init(int argc, char **argv);
/* "bookingd: " and the text. Never ids, queries or anything secret. Does nothing before
 * proctitle_init(). */
void proctitle_set(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
