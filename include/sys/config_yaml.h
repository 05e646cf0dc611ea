/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* YAML to a tree with positions; which subset, and why, says config_yaml.c. */
#ifndef BOOKINGD_SYS_CONFIG_YAML_H
#define BOOKINGD_SYS_CONFIG_YAML_H

#include "sys/config_fault.h"

/* The tree of a text, in the loader's scratch arena; NULL after a fault that leaves none. An empty
 * text is an empty mapping. */
struct config_node *config_yaml(struct config_loader *l, struct str text) MUST_CHECK;

#endif
