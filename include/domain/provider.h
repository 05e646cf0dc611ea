/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Types of providers, from providers.def, and the configuration of one provider. */
#ifndef BOOKINGD_DOMAIN_PROVIDER_H
#define BOOKINGD_DOMAIN_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#include "sys/config_values.h"

enum provider_type {
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) PROVIDER_##symbol,
#include "domain/providers.def"
    PROVIDER_TYPE_COUNT
};
enum provider_kind { PROVIDER_KIND_SMS, PROVIDER_KIND_PAYMENT };

/* "taqnyat"; as `type:` says it. */
extern const char *const provider_type_names[PROVIDER_TYPE_COUNT];

struct provider_type_row {
    enum provider_kind kind;
    int64_t timeout_ms;    /* default time limit of a whole call */
    unsigned needs, knows; /* groups of keys, for the configuration's reader */
    uint32_t metric_ops;   /* METRIC_OPS_* */
};
extern const struct provider_type_row provider_types[PROVIDER_TYPE_COUNT];

/* A configuration has one or two; the rest is room for tests and for moving from one to another. */
#define PROVIDERS_MAX 16

/* JSON path and the values, compared as text, one of which it must have. */
struct config_success {
    const char *path;
    const char *const *values;
    size_t values_n;
};

struct provider_config {
    const char
        *name; /* as the file names it: metric and log label, at most 32 of A-Z a-z 0-9 - _ */
    enum provider_type type;
    const char *base_url; /* http or https, no trailing slash, no user info, query or fragment */
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t max_concurrent;
    struct rate_limit rate; /* of couriers; count 0: none */
    int64_t breaker_failures;
    int64_t breaker_open_for_ms;
    /* sender and credentials; NULL when the type has no such key */
#define PROVIDER_TEXT(key, max, doc) const char *key;
#include "domain/providers.def"
    /* of the templated driver */
    const char *method, *path, *body, *content_type, *id_path, *error_path;
    const char *success_text, *error_text;    /* a part of the text, or /REGEX/ */
    const char *error_account, *error_number; /* codes, separated by blanks */
    const struct config_pair *headers, *params;
    size_t headers_n, params_n;
    const int *success_status; /* empty: any 2xx */
    size_t success_status_n;
    const struct config_success *success;
    size_t success_n;
};

#endif
