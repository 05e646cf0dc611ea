/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The enumerated metric labels of labels.def, as C: for each set an enum and the texts of its
 * values. Each list of texts ends with a NULL, so it fits a JSON schema's `values`.
 */
#ifndef BOOKINGD_DOMAIN_LABELS_H
#define BOOKINGD_DOMAIN_LABELS_H

/* enum provider_op { PROVIDER_OP_SMS_OTP, ... PROVIDER_OP_COUNT }, ... */
/* clang-format off */
#define SET(set, PREFIX, label) enum set {
#define SET_OF(PREFIX, names, label)
#define ROW(ID, text) ID,
#define END(set, PREFIX) PREFIX##_COUNT };
/* clang-format on */
#include "domain/labels.def"
#undef SET
#undef ROW
#undef END

/* provider_op_names[], ... */
#define SET(set, PREFIX, label) extern const char *const set##_names[PREFIX##_COUNT + 1];
#define ROW(ID, text)
#define END(set, PREFIX)
#include "domain/labels.def"
#undef SET
#undef SET_OF
#undef ROW
#undef END

/* Operations of a kind of provider, one bit each. */
#define METRIC_OPS_SMS (1u << PROVIDER_OP_SMS_OTP | 1u << PROVIDER_OP_SMS_NOTIFICATION)
#define METRIC_OPS_ALERT (1u << PROVIDER_OP_ALERT)
#define METRIC_OPS_PAYMENT ((1u << PROVIDER_OP_COUNT) - 1 - METRIC_OPS_SMS - METRIC_OPS_ALERT)

#endif
