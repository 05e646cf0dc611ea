/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Moyasar's objects as pay_moyasar_read.c reads them; for pay_moyasar*.c alone. */
#ifndef BOOKINGD_EXT_PAY_MOYASAR_READ_H
#define BOOKINGD_EXT_PAY_MOYASAR_READ_H

#include "ext/pay.h"
#include "sys/json.h"

/* A text that names a thing at the gateway (UUIDs today): it goes into paths. NULL is none. */
bool moyasar_id_fit(const char *id) MUST_CHECK;
/* NULL when the member is no string, or one that would be cut short by a NUL inside. */
const char *moyasar_text(const json_t *j, const char *key) MUST_CHECK;

/*
 * Neither gives up: what is not understood is NULL or -1 in *out and noted (pay_note_odd), because
 * an unexpected member must not hide a charge that paid.
 */
void moyasar_read_invoice(const struct pay_call *c, const json_t *j, struct pay_invoice *out);
/* False: the row is no object. `currency` is the invoice's, for a charge that names none; NULL. */
bool moyasar_read_charge(const struct pay_call *c, const json_t *j, const char *currency,
                         struct pay_charge *out) MUST_CHECK;
/* One row of the list of changed charges, into the page; a row that says too little is left out. */
void moyasar_read_change(const struct pay_call *c, const json_t *j, struct wall since,
                         struct pay_change *items, struct pay_changes *out);

#endif
