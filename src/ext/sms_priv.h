/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the sms_*.c files share: verdicts on an answer, so that each file only knows its provider's
 * codes. */
#ifndef BOOKINGD_EXT_SMS_PRIV_H
#define BOOKINGD_EXT_SMS_PRIV_H

#include <jansson.h>

#include "base/cdefs.h"
#include "ext/ext_jsonpath.h"
#include "ext/ext_status.h"
#include "ext/sms.h"

/* Each driver's row: sms_NAME, in sms_NAME.c. */
#define SMS_EXTERN_SMS(name) extern const struct sms_provider sms_##name;
#define SMS_EXTERN_PAYMENT(name)
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) SMS_EXTERN_##kind(name)
#include "domain/providers.def"

/* "+9665..." -> "9665...": the form that the Saudi providers want. */
const char *sms_digits(const char *e164);

/* An answer of whose outcome the HTTP status alone does not decide. */
struct sms_answer {
    const struct provider_config *p;
    const struct ext_reply *reply;
    const json_t *json; /* its object or array; NULL when it is none */
};
/* Taken. `id` may be NULL: a missing id does not turn a success into a failure. */
struct ext_result sms_accept(struct arena *a, const json_t *id, const char **message_id);
/*
 * What a provider's codes are about: words separated by blanks, codes or HTTP statuses. Each
 * driver's file says where they come from; what stands in neither list is about the message. "ER-"
 * before a code does not matter. 401, 402 and 403 are about the account with every provider.
 */
struct sms_codes {
    const char *account; /* no credit, wrong key, sender or address not allowed; NULL: none */
    const char *number;  /* the number is wrong */
};
/* A definite refusal, with the provider's code when it is a short word; else with the status. */
struct ext_result sms_refuse(struct arena *a, const struct ext_reply *reply, const char *code,
                             const struct sms_codes *codes);

#endif
