/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sending one SMS through a configured provider: a table row and a file each (sms_NAME.c). */
#ifndef BOOKINGD_EXT_SMS_H
#define BOOKINGD_EXT_SMS_H

#include "ext/ext_client.h"

struct sms {
    int provider;     /* index in the configuration */
    const char *to;   /* E.164 with + */
    const char *text; /* UTF-8 */
    const char *code; /* the one-time password in it; NULL: it has none */
    const char *id;   /* our reference (uuid) */
    const char *request_id;
    const char *traceparent; /* may be NULL */
    enum provider_op op;     /* PROVIDER_OP_SMS_OTP, PROVIDER_OP_SMS_NOTIFICATION */
};

struct sms_answer; /* src/ext/sms_priv.h */

/* What a provider file implements: build the request, judge a whole answer. Registered in
 * sms_providers[]. */
struct sms_provider {
    enum provider_type type;
    /* Whether its configuration speaks of this HTTP status; NULL: it never does. */
    bool (*lists_status)(const struct provider_config *p, int status);
    void (*build)(struct arena *a, const struct provider_config *p, const struct sms *m,
                  struct ext_request *q);
    /* With ERR_OK *message_id is the provider's id, or stays NULL when it gave none. */
    struct ext_result (*judge)(struct arena *a, const struct sms_answer *in,
                               const char **message_id);
};
extern const struct sms_provider *const sms_providers[]; /* NULL-terminated */
/* The row of a type; NULL when it sends no SMS. */
const struct sms_provider *sms_provider_find(enum provider_type type);

/* What an answer means: by its HTTP status where that decides, else as the row judges. */
struct ext_result sms_judge(struct arena *a, const struct sms_provider *row,
                            const struct provider_config *p, const struct ext_reply *reply,
                            const char **message_id);
/* Sends. *message_id: the provider's, on the arena; NULL when it gave none, or after an error. */
struct ext_result sms_send(struct ext *x, struct arena *a, const struct sms *m, struct deadline d,
                           const char **message_id) MUST_CHECK;

#endif
