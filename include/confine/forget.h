/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * After a fork: what a role does not need to know is gone from its memory, also where libraries
 * have left copies of it (the YAML parser's and libpq's freed buffers, the environment).
 */
#ifndef BOOKINGD_CONFINE_FORGET_H
#define BOOKINGD_CONFINE_FORGET_H

#include "domain/config.h"

/* keep: CONFIG_KEEP_*. Before confine_role(), since it reads the process's own memory map. */
void forget_secrets(struct config *cfg, unsigned keep);

#endif
