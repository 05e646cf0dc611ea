/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* alerts: where the keeper says what is wrong. A part of struct config. */
#ifndef BOOKINGD_DOMAIN_CONFIG_ALERTS_H
#define BOOKINGD_DOMAIN_CONFIG_ALERTS_H

#include <stddef.h>
#include <stdint.h>

#include "sys/config_values.h"

/* What is posted to alerts.webhook. */
enum alert_form { ALERT_STANDARD, ALERT_TEXT, ALERT_FORM_COUNT };
extern const char *const alert_forms[ALERT_FORM_COUNT + 1];
/* The row of providers that stands for alerts.webhook. */
#define CONFIG_ALERTS "alerts"

struct config_alerts {
    int64_t after_ms, repeat_ms;
    struct rate_limit limit; /* messages over each way */
    const char *webhook;     /* whole URL; NULL: none */
    const char *webhook_secret;
    int form;     /* enum alert_form */
    int provider; /* the webhook's row of providers; -1: none */
    const char *const *sms_to;
    size_t sms_to_n;
    int sms_provider; /* -1: none */
    int sms_severity; /* enum severity: the least */
};

#endif
