/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Messages to an address of the operator's, signed as Standard Webhooks 1.0 says
 * (https://www.standardwebhooks.com). */
#ifndef BOOKINGD_EXT_HOOK_H
#define BOOKINGD_EXT_HOOK_H

#include "ext/ext_client.h"

struct hook {
    int provider;        /* index in the configuration */
    const char *url;     /* whole */
    const char *secret;  /* "whsec_" and base64, or any text; NULL: not signed */
    const char *id;      /* the same for every attempt of one message */
    struct wall sent_at; /* of this attempt */
    struct str body;     /* JSON */
    const char *request_id;
};
/* Posts it. Any 2xx is a success; there are no refusals to tell apart. */
struct ext_result hook_post(struct ext *x, struct arena *a, const struct hook *h,
                            struct deadline d) MUST_CHECK;
/* The value of webhook-signature: "v1," and the HMAC of id, seconds and body, on the arena. */
const char *hook_signature(struct arena *a, const char *secret, const char *id, int64_t seconds,
                           struct str body);

#endif
