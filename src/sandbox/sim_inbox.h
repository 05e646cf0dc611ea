/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The phones: what the simulated SMS providers have taken. */
#ifndef BOOKINGD_SANDBOX_SIM_INBOX_H
#define BOOKINGD_SANDBOX_SIM_INBOX_H

#include "sim.h"

struct sim_message {
    uint64_t number; /* 1, 2, 3 ... */
    const char *provider;
    const char *to, *text, *sender;
};
/* Stores a copy; returns its number. */
uint64_t sim_inbox_add(const struct sim_message *m);
void sim_inbox_clear(void);
void sim_inbox_get(struct sim_request *r, struct sim_reply *out);

#endif
