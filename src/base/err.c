/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "base/err.h"

#include "base/ensure.h"

static const char *const codes[ERR_COUNT] = {
    [ERR_OK] = "ok",
#define ERR(symbol, code) [symbol] = (code),
#include "base/err.def"
#undef ERR
};

const char *err_code(enum err e)
{
    ENSURE((unsigned)e < ERR_COUNT);
    return codes[e];
}
