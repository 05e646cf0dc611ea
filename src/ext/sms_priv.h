/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the sms_*.c files share: verdicts on an answer, so that each file only knows its provider's
 * codes. */
#ifndef BOOKINGD_EXT_SMS_PRIV_H
#define BOOKINGD_EXT_SMS_PRIV_H

#include <jansson.h>

#include "base/cdefs.h"
#include "ext/sms.h"

extern const struct sms_provider sms_taqnyat, sms_unifonic, sms_msegat, sms_twilio, sms_http;

/* "+9665..." -> "9665...": the form that the Saudi providers want. */
const char *sms_digits(const char *e164);

/*
 * Settles what the status alone decides: 429, redirects, 408, 5xx. true: r is filled, nothing is
 * left to judge. What remains is 2xx and the 4xx that mean a refusal.
 */
bool sms_judge_status(struct arena *a, const struct ext_reply *reply,
                      struct sms_result *r) MUST_CHECK;
/* The answer as a JSON object or array; NULL when it is none. */
json_t *sms_answer(struct arena *a, const struct ext_reply *reply) MUST_CHECK;
/* Taken. `id` may be NULL: a missing id does not turn a success into a failure. */
void sms_accept(struct arena *a, struct sms_result *r, const json_t *id);
/* A definite refusal, with the provider's code when it is a short word; else the status speaks. */
void sms_refuse(struct arena *a, const struct ext_reply *reply, struct sms_result *r,
                const json_t *code);
/* 2xx, but not what the provider promises: it may have been sent. */
void sms_unreadable(struct sms_result *r);

#endif
