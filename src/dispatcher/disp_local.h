/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Requests that need no worker: OPTIONS, and routes whose answer never changes. */
#ifndef BOOKINGD_DISPATCHER_DISP_LOCAL_H
#define BOOKINGD_DISPATCHER_DISP_LOCAL_H

#include "disp_state.h"
#include "http/http_resp.h"

/* Notes in *r whether the request, whose head is in d->head, is answered here. */
void disp_local_mark(const struct disp *d, struct request *r);
/* Whether a request that was marked has an answer; else it is 404. */
bool disp_local_known(const struct disp *d, const struct conn *c);
/* That answer, all but the fields that every answer has. allowed: the listed origin of the page
 * that asks; NULL. */
void disp_local_respond(const struct disp *d, const struct conn *c, const char *allowed,
                        struct http_resp *resp);

#endif
