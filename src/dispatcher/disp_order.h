/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Orders of the master, over the control socket. */
#ifndef BOOKINGD_DISPATCHER_DISP_ORDER_H
#define BOOKINGD_DISPATCHER_DISP_ORDER_H

#include "disp_state.h"

/* Takes all that are there. */
void disp_order_read(struct disp *d);
/* Limits of the configuration in force: connections over them are evicted. */
void disp_order_limits(struct disp *d, const struct protocol_limits *l);

#endif
