/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* From a whole request to its answer, and the loop around it. */
#ifndef BOOKINGD_SANDBOX_SIM_SERVE_H
#define BOOKINGD_SANDBOX_SIM_SERVE_H

#include "sim.h"

/* ---- unusual answers (sim_bend.c) ---- */

/* Changes how an answer that is ready looks, when the fault in r says so; what it says stays. */
void sim_bend(struct sim_request *r, struct sim_reply *out);

/* ---- Moyasar (sim_moyasar*.c) ---- */

/* A call of the gateway's API, or of its hosted page. True: it was one and is answered. */
bool sim_moyasar_serve(struct sim_request *r, struct sim_reply *out);
bool sim_checkout_serve(struct sim_request *r, struct sim_reply *out);

/* ---- dispatch (sim_route.c) ---- */

/* Answers one whole request. Sets r->fault when one was ordered for its route. */
void sim_serve(struct sim_request *r, struct sim_reply *out);

/* ---- the loop (sim_loop.c) ---- */

/* Serves until SIGTERM or SIGINT; takes the listener. Returns the exit code. */
int sim_run(int listener);

#endif
