/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* From the bytes of a client to whole requests. Each function returns the event that follows. */
#ifndef BOOKINGD_DISPATCHER_DISP_READ_H
#define BOOKINGD_DISPATCHER_DISP_READ_H

#include "disp_state.h"

/* Reads what is there, bounded. */
struct disp_event disp_read_fill(struct disp *d, struct conn *c) MUST_CHECK;
/* Nothing of the next request is here: asks epoll for it, or closes a connection that is to end. */
struct disp_event disp_read_await(struct disp *d, struct conn *c) MUST_CHECK;
/* Looks for the end of the head in what is buffered. */
struct disp_event disp_read_head(struct disp *d, struct conn *c) MUST_CHECK;
/* Looks for the end of the request in what is buffered. */
struct disp_event disp_read_body(struct disp *d, struct conn *c) MUST_CHECK;
/* The caller's own name for the request when it is 1 to 64 of [A-Za-z0-9._-], else a new one; to
 * out[PROTOCOL_ID_MAX + 1]. */
void disp_read_request_id(struct str id, char *out);

#endif
