/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For cli_init*.c alone: the files of a new installation. */
#ifndef BOOKINGD_CLI_CLI_INIT_FILES_H
#define BOOKINGD_CLI_CLI_INIT_FILES_H

#include "cli_priv.h"

enum init_file { INIT_FILE_FAILED, INIT_FILE_THERE, INIT_FILE_MADE };
/* Who reads a file beside root. The group: that of the service's account. */
enum init_reader { INIT_FOR_ROOT, INIT_FOR_SERVICE, INIT_FOR_GROUP };

/* Leaves a file that is there as it is. FAILED after a message. */
enum init_file init_file_make(const char *path, enum init_reader reader,
                              const char *text) MUST_CHECK;
/* 256 random bits in hex, on the arena. */
const char *init_secret(struct arena *a);
/* False with errno. */
bool init_directory(const char *dir) MUST_CHECK;
const char *init_configuration_text(void);

#endif
