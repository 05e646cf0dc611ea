/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Alerts (BEHAVIOUR §14): what conditions hold, told to a webhook and to phones. The keeper calls
 * it; nothing here needs the database, since its absence is what must be told first.
 */
#ifndef BOOKINGD_SVC_ALERT_H
#define BOOKINGD_SVC_ALERT_H

#include "domain/conditions.h"
#include "svc/svc.h"

enum alert_channel { ALERT_WEBHOOK, ALERT_SMS, ALERT_CHANNELS };
enum alert_event { ALERT_NONE, ALERT_BEGAN, ALERT_REPEATED, ALERT_ENDED };
extern const char *const alert_event_names[]; /* "condition.began", ... */

/* What was told of one condition over one channel. */
struct alert_told {
    bool told;         /* that it holds, and not yet that it has ended */
    struct wall since; /* the beginning that was told */
    struct wall last;
    int64_t times; /* of this beginning */
};
/* What is to be told now. Pure. */
enum alert_event alert_due(const struct config *cfg, const struct conditions *c, enum condition id,
                           const struct alert_told *told, struct wall now);

/* Keeper's task: tells what is due. Always ERR_OK: faults are logged and become a condition. */
enum err alert_task(struct svc *s);
/* Tells a test message over a channel. ERR_NOT_FOUND: the configuration has none; else as
 * hook_post() or sms_send(), with *detail in fixed words or the provider's code. */
enum err alert_test(struct svc *s, enum alert_channel channel, const char **detail) MUST_CHECK;

#endif
