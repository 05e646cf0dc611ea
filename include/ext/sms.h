/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sending one SMS through a configured provider: a table row and a file each (sms_NAME.c). */
#ifndef BOOKINGD_EXT_SMS_H
#define BOOKINGD_EXT_SMS_H

#include "ext/ext_client.h"

struct sms {
    const char *to;   /* E.164 with + */
    const char *text; /* UTF-8 */
    const char *id;   /* our reference (uuid) */
    const char *request_id;
    const char *traceparent; /* may be NULL */
    enum provider_op op;     /* PROVIDER_OP_SMS_OTP, PROVIDER_OP_SMS_NOTICE */
};

struct sms_result {
    enum err err; /* ERR_OK; ERR_PROVIDER_REJECTED, _FAILED, _TIMEOUT, _UNAVAILABLE; ERR_DEADLINE */
    bool unknown; /* it may have been sent */
    const char *message_id; /* the provider's, NULL when it gave none */
    const char *detail;     /* provider code or fixed words; never the text or number */
    long retry_after_s;
};

/* What a provider file implements: build the request, judge a whole answer. Registered in
 * sms_providers[]. */
struct sms_provider {
    enum provider_type type;
    void (*build)(struct arena *a, const struct provider_config *p, const struct sms *m,
                  struct ext_request *q);
    /* Sets r->err (ERR_OK, REJECTED, FAILED, UNAVAILABLE for 429), unknown, message_id, detail. */
    void (*judge)(struct arena *a, const struct provider_config *p, const struct ext_reply *reply,
                  struct sms_result *r);
};
extern const struct sms_provider *const sms_providers[]; /* NULL-terminated */
/* The row of a type; NULL when it sends no SMS. */
const struct sms_provider *sms_provider_find(enum provider_type type);

/* Sends; always fills *r. */
void sms_send(struct ext *x, struct arena *a, int provider, const struct sms *m, struct deadline d,
              struct sms_result *r);

#endif
