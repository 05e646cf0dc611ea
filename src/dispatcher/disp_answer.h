/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Answers that no worker gives. */
#ifndef BOOKINGD_DISPATCHER_DISP_ANSWER_H
#define BOOKINGD_DISPATCHER_DISP_ANSWER_H

#include "disp_state.h"

/* Makes the document, counts it and writes the access record. The bytes are valid until the next
 * call. */
struct disp_event disp_answer_compose(struct disp *d, struct conn *c,
                                      const struct disp_problem *p) MUST_CHECK;
/* The same for a whole request that disp_local_mark() marked. */
struct disp_event disp_answer_local(struct disp *d, struct conn *c) MUST_CHECK;

#endif
