/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Opens what a configuration is read from: its file, and the files of secrets. */
#ifndef BOOKINGD_SYS_CONFIG_OPEN_H
#define BOOKINGD_SYS_CONFIG_OPEN_H

#include "base/cdefs.h"

/*
 * A descriptor to read the whole file from, or -1 and *reason. Only files, and pipes without a name
 * (/dev/stdin, what a shell's <(...) makes): a directory has no text, a device no end, and a FIFO
 * would hold up a reload until somebody writes.
 */
int config_open(const char *path, const char **reason) MUST_CHECK;

#endif
