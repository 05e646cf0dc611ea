/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The configuration in force as YAML, secrets masked: for `check-config --print`. */
#ifndef BOOKINGD_DOMAIN_CONFIG_SHOW_H
#define BOOKINGD_DOMAIN_CONFIG_SHOW_H

#include "domain/config.h"

/* As config_load(), or config_load_offline(), noting on the way what config_show() prints; faults
 * are also settings that could run and are never right. The caller frees the result with
 * config_free(), and *report as there. */
struct config *config_load_to_show(const char *path, bool offline,
                                   struct config_report **report) MUST_CHECK;
void config_show(const struct config *c, FILE *to);

#endif
