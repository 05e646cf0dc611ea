/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The enumerated metric labels of labels.def, as C: for each set an enum and the texts of its
 * values. Each list of texts ends with a NULL, so it fits a JSON schema's `values`.
 */
#ifndef BOOKINGD_DOMAIN_LABELS_H
#define BOOKINGD_DOMAIN_LABELS_H

/* enum provider_op { PROVIDER_OP_SMS_OTP, ... PROVIDER_OP_COUNT }, ... */
#define SET(PREFIX, set, label) enum set {
#define SET_OF(PREFIX, names, label)
#define ROW(PREFIX, ID, text) PREFIX##_##ID,
#define END(PREFIX, set) \
    PREFIX##_COUNT       \
    }                    \
    ;
#include "domain/labels.def"
#undef SET
#undef ROW
#undef END

/* provider_op_names[], ... */
#define SET(PREFIX, set, label) extern const char *const set##_names[PREFIX##_COUNT + 1];
#define ROW(PREFIX, ID, text)
#define END(PREFIX, set)
#include "domain/labels.def"
#undef SET
#undef SET_OF
#undef ROW
#undef END

#endif
