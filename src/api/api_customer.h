/* How a customer looks in answers. */
#ifndef BOOKINGD_API_API_CUSTOMER_H
#define BOOKINGD_API_API_CUSTOMER_H

#include "svc/customer.h"
#include "sys/json.h"

json_t *api_customer_json(struct arena *a, const struct customer *c);

#endif
