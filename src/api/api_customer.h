/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* How a customer looks in answers, and what is wrong with one's phone. */
#ifndef BOOKINGD_API_API_CUSTOMER_H
#define BOOKINGD_API_API_CUSTOMER_H

#include "api/api_handler.h"
#include "svc/customer.h"

/* One customer, as they see themselves (openapi.yaml: Customer). */
json_t *api_customer_json(struct arena *a, const struct customer *c);
/* The fault at /phone of ERR_PHONE_INVALID or ERR_PHONE_REGION. */
void api_phone_fault(struct api_request *r, enum err e);

#endif
