/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The simulated SMS providers: a row for each. */
#ifndef BOOKINGD_SANDBOX_SIM_SMS_H
#define BOOKINGD_SANDBOX_SIM_SMS_H

#include "sim.h"

/* A simulated provider: how it reads a request and how it answers. A row a provider. */
struct sim_sms {
    enum sim_route route;
    const char *path; /* a pattern; POST, the templated one also GET and PUT */
    void (*serve)(struct sim_request *r, struct sim_reply *out);
    void (*error)(struct sim_request *r, int status,
                  struct sim_reply *out);                          /* SIM_STATUS in its own form */
    void (*account)(struct sim_request *r, struct sim_reply *out); /* SIM_ACCOUNT */
};
extern const struct sim_sms sim_sms_providers[SIM_SMS_COUNT];

#endif
