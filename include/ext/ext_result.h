/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What a call to a provider is made of: request, answer, result. Everything in it is borrowed or on
 * the call's arena. */
#ifndef BOOKINGD_EXT_EXT_RESULT_H
#define BOOKINGD_EXT_EXT_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "domain/labels.h"

/* Of an answer, in bytes: a page of 40 invoices has about 60 KiB. */
#define EXT_ANSWER_MAX (256 * 1024)
/* Of a request, NULL included: the templated provider may have 12 of its own. */
#define EXT_HEADERS_MAX 16

/* What a definite refusal is about. */
enum refusal {
    REFUSAL_MESSAGE, /* this recipient or text; a code that is in no list of the driver's */
    REFUSAL_NUMBER,  /* of these: the provider calls the number wrong */
    REFUSAL_ACCOUNT, /* ours: credit, key, sender, address */
};
/* For problem documents and logs: "message" or "account". */
const char *refusal_class(enum refusal r);

struct ext_request {
    int provider; /* index in the configuration */
    enum provider_op op;
    const char *method;                      /* "GET", "POST", "PUT" */
    const char *url;                         /* whole, on the provider's base_url */
    const char *headers[EXT_HEADERS_MAX];    /* "Name: value", NULL-terminated; User-Agent,
                                                X-Request-Id and traceparent    are added */
    const char *basic_user, *basic_password; /* HTTP Basic; NULL: none */
    struct str body;
    const char *content_type; /* with a body */
    const char *request_id;
    const char *traceparent; /* the caller's (W3C), whose trace goes on; NULL: one made from the
                                request id */
    bool hint;       /* made because a stranger said so: a quarter of the provider's places at most,
                        never a probe, and no verdict for the breaker */
    bool idempotent; /* a read: may be sent anew by curl when a reused connection died; a write
                        never is */
};

/*
 * How a call ended. Every call to a provider, at each level (ext_call, sms_send, pay_*), returns
 * one, and fills what it was asked for only with ERR_OK.
 */
struct ext_result {
    enum err err;         /* ERR_OK; ERR_PROVIDER_REJECTED, _FAILED, _TIMEOUT, _UNAVAILABLE;
                             ERR_DEADLINE; pay_*: ERR_NOT_FOUND */
    enum outcome outcome; /* OUTCOME_OK exactly with ERR_OK; a read is never OUTCOME_UNKNOWN */
    const char *detail; /* fixed words or the provider's code, for log and error_detail: "connection
                           refused"; never a text or number of a customer; NULL with ERR_OK */
    enum refusal refusal; /* with ERR_PROVIDER_REJECTED */
    bool circuit_open;    /* not tried, since the breaker lets nobody through */
    long retry_after_s;   /* the provider's wish, or until the circuit lets a probe through; 0 */
    bool not_understood;  /* the answer is whole and good by its status, and cannot be read: the
                             provider is not at fault for the breaker */
};

/* A whole answer. */
struct ext_reply {
    int status; /* HTTP, 0 when there was no whole answer */
    struct str body;
    const char *content_type; /* "" when absent */
    long retry_after_s;       /* from Retry-After; 0 */
    double seconds;           /* what the call took */
};

#endif
