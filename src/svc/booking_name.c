/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The name of a service, resource or venue for one reader. Called when a notification is made and
 * when an invoice is described; the API chooses by Accept-Language instead (api_language.c). */
#include "svc/booking_name.h"

const char *booking_name_for(const struct booking_name *n, enum locale wanted, enum locale usual)
{
    return n->in[wanted] ? n->in[wanted] : n->in[usual] ? n->in[usual] : n->plain;
}
