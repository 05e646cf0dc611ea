/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The files of /etc by which the C library looks up names. The resolver may read these and no
 * others (confine/confine_files.c), each as it was when the process started: a file that is renamed
 * over one of them is another file, which it may not read.
 */
#ifndef BOOKINGD_SYS_LOOKUP_FILES_H
#define BOOKINGD_SYS_LOOKUP_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cdefs.h"

#define LOOKUP_FILES 5

/* Absolute paths. */
extern const char *const lookup_files[LOOKUP_FILES];

/* Which files there are; all zero: none has been looked at. */
struct lookup_files_seen {
    struct {
        dev_t device;
        ino_t inode; /* 0: there is none */
    } file[LOOKUP_FILES];
};

/* Remembers the files that are there now. */
void lookup_files_see(struct lookup_files_seen *seen);
/* The path of one that is another file than the one remembered, or has come or gone; NULL: all are
 * as they were. The path lives for ever. A change inside a file is none: it can still be read. */
const char *lookup_files_replaced(const struct lookup_files_seen *seen) MUST_CHECK;

#endif
