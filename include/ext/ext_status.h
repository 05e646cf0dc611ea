/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the HTTP status of a provider's answer means, for every driver alike. A driver judges only
 * what is left: 2xx, and the 4xx that are its provider's refusals.
 */
#ifndef BOOKINGD_EXT_EXT_STATUS_H
#define BOOKINGD_EXT_EXT_STATUS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cdefs.h"
#include "ext/ext_result.h"

/* True when the status alone decides: *r is filled, its detail on the arena or fixed. */
bool ext_status_decides(struct arena *a, const struct ext_reply *reply,
                        struct ext_result *r) MUST_CHECK;
/* A 2xx whose body is not what the provider promises: a write may have been done. */
struct ext_result ext_unreadable(void);
/* What the metrics call it. */
enum provider_outcome ext_metric_outcome(const struct ext_result *r);

#endif
