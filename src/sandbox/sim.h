/*
 * bookingd-sandbox: the providers, simulated, for the demo and the tests. One process, one poll loop; every
 * exchange may be delayed, cut or spoilt by a fault that was ordered through the control API or a page's switch.
 * Nothing of it is linked into bookingd.
 */
#ifndef BOOKINGD_SANDBOX_SIM_H
#define BOOKINGD_SANDBOX_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/http_parse.h"
#include "sys/json.h"

/* ---- faults (sim_fault.c) ---- */

enum sim_fault_kind {
    SIM_NONE,
    SIM_DELAY,      /* answers late */
    SIM_HANG,       /* never answers */
    SIM_HEADERS,    /* status line and fields, then nothing more */
    SIM_BODY,       /* half of the body, then nothing more */
    SIM_DRIP,       /* one byte a second */
    SIM_RESET,      /* RST before any answer */
    SIM_CLOSE,      /* orderly end without an answer */
    SIM_GARBAGE,    /* bytes that are no HTTP */
    SIM_HUGE,       /* 10 MB */
    SIM_REDIRECT,   /* 302 to elsewhere */
    SIM_STATUS,     /* an HTTP error status in the provider's own form */
    SIM_HTML,       /* 403 with a web firewall's page */
    SIM_DECLINED,   /* the provider's own refusal, as it says it (often inside a 200) */
    SIM_KIND_COUNT
};

struct sim_fault {
    enum sim_fault_kind kind;
    bool done; /* the thing asked for is carried out before the fault strikes */
    int status;
    int64_t delay_ms;
};

/* The routes that faults can be ordered for; "all", "sms" and "moyasar" stand for groups. */
enum sim_route {
    SIM_TAQNYAT,
    SIM_UNIFONIC,
    SIM_MSEGAT,
    SIM_TWILIO,
    SIM_HTTP,
    SIM_SMS_COUNT, /* SMS providers stand before it, the gateway's calls behind */
    SIM_INVOICE_CREATE = SIM_SMS_COUNT,
    SIM_INVOICE_FETCH,
    SIM_INVOICE_LIST,
    SIM_INVOICE_CANCEL,
    SIM_PAYMENT_FETCH,
    SIM_PAYMENT_LIST,
    SIM_REFUND,
    SIM_VOID,
    SIM_ROUTE_COUNT
};
extern const char *const sim_route_names[SIM_ROUTE_COUNT];
extern const char *const sim_fault_names[SIM_KIND_COUNT];

/* The fault for a call of a route; counts it down when it was ordered for a number of calls. about: words that name what the call is about; or NULL. */
struct sim_fault sim_fault_take(enum sim_route route, const char *about);
/*
 * {"route": "sms", "kind": "status", "status": 500, "times": 3, "skip": 1, "delay_ms": 800, "done": true, "only": "words"}: skip lets
 * the first calls through, only keeps it to calls about that (the gateway's: path, body, metadata of the invoice). NULL, or what
 * is wrong with it.
 */
const char *sim_fault_order(const json_t *order);
void sim_fault_clear(void);
json_t *sim_fault_list(struct arena *a);

/* ---- exchanges ---- */

struct sim_request {
    struct arena *arena;
    const struct http_head *head;
    struct str body;
    const char *tail; /* what stood in the place of a path's '*', decoded */
    struct sim_fault fault;
};
struct sim_reply {
    int status;
    const char *content_type;
    struct str body;
    const char *location; /* of a redirect */
};

void sim_reply_json(struct sim_request *r, struct sim_reply *out, int status, json_t *body);

/* ---- messages (sim_inbox.c) ---- */

struct sim_message {
    uint64_t number; /* 1, 2, 3 ... */
    const char *provider;
    const char *to, *text, *sender;
};
/* Stores a copy; returns its number. */
uint64_t sim_inbox_add(const struct sim_message *m);
void sim_inbox_clear(void);
void sim_inbox_get(struct sim_request *r, struct sim_reply *out);
/* How many messages with this number and text came within the last minute: the duplicate filters of some providers. */
unsigned sim_inbox_recent(const char *to, const char *text);

/* ---- SMS providers (sim_sms.c) ---- */

/* A simulated provider: how it reads a request and how it answers. A row a provider. */
struct sim_sms {
    enum sim_route route;
    const char *method, *path; /* path may end in a '*' */
    void (*serve)(struct sim_request *r, struct sim_reply *out);
    void (*error)(struct sim_request *r, int status, struct sim_reply *out); /* SIM_STATUS in its own form */
};
extern const struct sim_sms sim_sms_providers[SIM_SMS_COUNT];
/* Value of a form field (application/x-www-form-urlencoded) or query parameter; NULL. */
const char *sim_form(struct sim_request *r, const char *name);

/* ---- pages: made from the .html files ---- */
extern const char sim_inbox_page[];
extern const char sim_pay_page[];

/* ---- Moyasar (sim_moyasar*.c) ---- */

/* A call of the gateway's API, or of its hosted page. True: it was one and is answered. */
bool sim_moyasar_serve(struct sim_request *r, struct sim_reply *out);
bool sim_checkout_serve(struct sim_request *r, struct sim_reply *out);

/* ---- messages from the gateway to us (sim_hook.c) ---- */

/* Where webhooks go, with which secret, and whether invoices' callback_url is called; factor compresses the schedule of six deliveries (1 min, 10, 30, 60, 120 apart): 0.001 makes a minute 60 ms. */
void sim_hook_configure(const char *url, const char *secret, double factor, unsigned copies, bool callbacks);
/* An event about a payment: kept for GET /control/events and, when a URL is configured, delivered until it is answered with 2xx. */
void sim_hook_event(const char *type, json_t *payment);
/* The one-shot POST of an invoice to its callback_url. */
void sim_hook_callback(const char *url, const json_t *invoice);
json_t *sim_hook_events(struct arena *a);
void sim_hook_clear(void);
/* For the loop: fills at most `room` descriptors; then lets them act. */
struct pollfd;
size_t sim_hook_poll(struct pollfd *fds, size_t room, int *wake_ms);
void sim_hook_step(const struct pollfd *fds, size_t n);
/* ---- dispatch (sim_route.c) ---- */

/* Answers one whole request. Sets r->fault when one was ordered for its route. */
void sim_serve(struct sim_request *r, struct sim_reply *out);

/* ---- the loop (sim_loop.c) ---- */
int sim_run(int listener);

#endif
