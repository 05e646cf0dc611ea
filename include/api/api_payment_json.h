/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of payments, as openapi.yaml's schema Payment, and how their failures are told. */
#ifndef BOOKINGD_API_API_PAYMENT_JSON_H
#define BOOKINGD_API_API_PAYMENT_JSON_H

#include "api/api_handler.h"
#include "svc/payment.h"
#include "svc/site_payment.h"

/* One payment, in the request's arena. */
json_t *api_payment_json(const struct api_request *r, const struct payment *p);
/* A list from rows of payment_add_list_*, in the request's arena. `odd`: rows of
 * payment_add_list_odd(). */
json_t *api_payments_json(const struct api_request *r, struct db_rows rows, struct db_rows odd);
/* The `refunds` of a booking's detail, from rows of refund_add_list(); on the arena. */
json_t *api_refunds_json(struct arena *a, struct db_rows rows);
/* Money taken on site, on the arena. */
json_t *api_site_payment_json(struct arena *a, const struct site_payment *p);
/* The `site_payments` of a booking's detail, from rows of site_payment_add_list(); on the arena. */
json_t *api_site_payments_json(struct arena *a, struct db_rows rows);
/* Whether a payer may be sent back there: only to an origin of payments.return_origins. False after
 * adding a fault at /return_url. */
bool api_payment_return_url_fit(struct api_request *r, const char *text) MUST_CHECK;
/* Members of a provider's failure, payment_id when the outcome is unknown. Returns e; other errors
 * pass through. */
enum err api_payment_fault(struct api_request *r, enum err e, const struct payment_fault *fault);

#endif
