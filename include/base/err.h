/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The one result type of functions that can fail at run time: ERR_OK, or why not.
 * A function that returns it is MUST_CHECK. errors.def has one row per error.
 */
#ifndef BOOKINGD_BASE_ERR_H
#define BOOKINGD_BASE_ERR_H

#include <stdbool.h>

enum err {
    ERR_OK = 0,
#define ERR(symbol, code, status, title, retry) symbol,
#include "base/errors.def"
#undef ERR
    ERR_COUNT
};

/*
 * Whether the thing asked of another party was done. An error alone does not tell: a time-out after
 * sending leaves it open, one before sending does not.
 */
enum outcome {
    OUTCOME_OK,
    OUTCOME_FAILED, /* certainly not done */
    OUTCOME_UNKNOWN /* it may have been done */
};
extern const char *const outcome_names[3]; /* "ok", "failed", "unknown" */

/* The stable name of an error ("slot_taken"); "ok" for ERR_OK. Never NULL. */
const char *err_code(enum err e);
/* Whether e is a provider's: ERR_PROVIDER_REJECTED, _FAILED, _TIMEOUT or _UNAVAILABLE. */
bool err_is_provider(enum err e);

#endif
