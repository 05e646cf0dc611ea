/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Messages from the simulated gateway to us: webhooks, and callbacks of invoices. */
#ifndef BOOKINGD_SANDBOX_SIM_HOOK_H
#define BOOKINGD_SANDBOX_SIM_HOOK_H

#include "sim.h"

struct pollfd;

enum sim_event {
    SIM_EVENT_PAID,
    SIM_EVENT_FAILED,
    SIM_EVENT_REFUNDED,
    SIM_EVENT_VOIDED,
    SIM_EVENT_AUTHORIZED,
    SIM_EVENT_CAPTURED,
    SIM_EVENT_VERIFIED,
    SIM_EVENT_ABANDONED,
    SIM_EVENT_EXPIRED,
    SIM_EVENT_TRANSFERRED,
    SIM_EVENT_COUNT
};
extern const char *const sim_event_names[SIM_EVENT_COUNT]; /* as they are delivered */

#define SIM_WEBHOOKS_MAX 16
struct sim_webhook {
    char id[SIM_ID_MAX]; /* "" : a free place */
    char method[8];
    char *url, *secret;
    unsigned events; /* a bit each */
    struct wall created;
};
extern struct sim_webhook
    sim_webhooks[SIM_WEBHOOKS_MAX]; /* the registered ones; empties are free */

/* An event about a payment: kept for GET /control/events and delivered until it is answered with
 * 2xx, six times at most. */
void sim_hook_event(enum sim_event event, json_t *payment);
/* The one-shot POST of an invoice to its callback_url. */
void sim_hook_callback(const char *url, const json_t *invoice);
/* Only plain HTTP to loopback is ever called. */
bool sim_hook_url_fit(const char *url);
/* One try of a delivery as the gateway shows it, i = 0 the newest; NULL: no more. Borrowed. */
json_t *sim_hook_attempt(size_t i);

/* ---- for the loop and the control API ---- */

/* For the loop: fills at most `room` descriptors; then lets them act. */
size_t sim_hook_poll(struct pollfd *fds, size_t room, int *wake_ms);
void sim_hook_step(const struct pollfd *fds, size_t n);
/* Forgets what is on its way, the events, and where webhooks go. */
void sim_hook_clear(void);
/* Where all webhooks go beside those that were registered (NULL: nowhere), how the schedule is
 * compressed, and how many copies of each are sent. False: not a URL that the sandbox may call. */
struct sim_hook_order {
    const char *url, *secret;
    double factor; /* 0.001 makes a minute 60 ms */
    unsigned copies;
    bool no_callbacks; /* invoices do not call their callback_url */
};
bool sim_hook_configure(const struct sim_hook_order *order);
json_t *sim_hook_events(struct arena *a);

#endif
