/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The one result type of functions that can fail at run time: ERR_OK, or why not.
 * A function that returns it is MUST_CHECK. Names come from err.def.
 */
#ifndef BOOKINGD_BASE_ERR_H
#define BOOKINGD_BASE_ERR_H

enum err {
    ERR_OK = 0,
#define ERR(symbol, code) symbol,
#include "base/err.def"
#undef ERR
    ERR_COUNT
};

/* The stable name of an error ("slot_taken"); "ok" for ERR_OK. Never NULL. */
const char *err_code(enum err e);

#endif
