/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Names of errors, for logs, command output and problem documents. The rows are in errors.def;
 * codes are part of the contract (openapi.yaml) and never change.
 */
#include "base/err.h"

#include "base/ensure.h"

static const char *const codes[ERR_COUNT] = {
    [ERR_OK] = "ok",
#define ERR(symbol, code, status, title, retry) [symbol] = (code),
#include "base/errors.def"
#undef ERR
};

/* What became of a call to a provider; the words are a metric's label and a log field. */
const char *const outcome_names[3] = {
    [OUTCOME_OK] = "ok", [OUTCOME_FAILED] = "failed", [OUTCOME_UNKNOWN] = "unknown"};

const char *err_code(enum err e)
{
    ENSURE((unsigned)e < ERR_COUNT);
    return codes[e];
}

/* These four say that a provider, not the request, is at fault. Their answers name the provider. */
bool err_is_provider(enum err e)
{
    return e == ERR_PROVIDER_REJECTED || e == ERR_PROVIDER_FAILED || e == ERR_PROVIDER_TIMEOUT ||
           e == ERR_PROVIDER_UNAVAILABLE;
}
