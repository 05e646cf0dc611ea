/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Build-time tool mkopenapi: the one document in the words of two versions of OpenAPI. */
#ifndef BOOKINGD_API_MKOPENAPI_LOWER_H
#define BOOKINGD_API_MKOPENAPI_LOWER_H

#include <jansson.h>

/* Turns a document of OpenAPI 3.1 into one of 3.0.3, in place. What 3.0.3 has no word for and no
 * reader needs is left out. 0, or -1 when memory ran out. */
int mkopenapi_lower(json_t *doc);

#endif
