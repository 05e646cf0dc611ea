/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Limits of time: looked at once per turn of the loop. */
#ifndef BOOKINGD_DISPATCHER_DISP_EXPIRE_H
#define BOOKINGD_DISPATCHER_DISP_EXPIRE_H

#include "disp_state.h"

/* Closes, answers or begins again whatever is due. */
void disp_expire(struct disp *d);

#endif
