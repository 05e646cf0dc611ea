/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * bookingd-sandbox: the providers, simulated, for the demo and the tests. One process, one poll
 * loop; every exchange may be delayed, cut or spoilt by a fault that was ordered through the
 * control API or a page's switch. Nothing of it is linked into bookingd.
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
#include "sys/schema.h"

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
    SIM_UNFILTERED, /* a list as if no filter had been asked for */
    SIM_BARE,       /* invoices without their payments */
    SIM_SHUT, /* answers, closes, and refuses connections for delay_ms: the next call is refused */
    SIM_ACCOUNT,      /* a refusal of the caller's account: no credit, a wrong key */
    SIM_TEXT_NUMBERS, /* "12000" for 12000, and so every number of the answer */
    SIM_REAL_NUMBERS, /* 12000.00 */
    SIM_EXPONENTS,    /* 1200000e-2 */
    SIM_MEMBERS,      /* each object with a member that is not documented */
    SIM_STRANGER,     /* invoices in an unknown state, with one more charge in an unknown state */
    SIM_BOM,          /* a byte order mark before the answer */
    SIM_GZIP,         /* packed, although nobody asked for it */
    SIM_IDENTITY,     /* with the header that says that it is not packed */
    SIM_KIND_COUNT
};

struct sim_fault {
    enum sim_fault_kind kind;
    bool done; /* the thing asked for is carried out before the fault takes effect */
    int status;
    int64_t delay_ms;
};

/* The routes that faults can be ordered for; "all", "sms" and "moyasar" stand for groups. */
enum sim_route {
#define SIM_ROUTE_SMS(symbol) SIM_##symbol,
#define SIM_ROUTE_PAYMENT(symbol)
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) SIM_ROUTE_##kind(symbol)
#include "domain/providers.def"
    SIM_SMS_COUNT, /* SMS providers stand before it, the gateway's calls behind */
    SIM_INVOICE_CREATE = SIM_SMS_COUNT,
    SIM_INVOICE_BULK,
    SIM_INVOICE_FETCH,
    SIM_INVOICE_LIST,
    SIM_INVOICE_UPDATE,
    SIM_INVOICE_CANCEL,
    SIM_PAYMENT_CREATE,
    SIM_PAYMENT_FETCH,
    SIM_PAYMENT_LIST,
    SIM_PAYMENT_UPDATE,
    SIM_REFUND,
    SIM_CAPTURE,
    SIM_VOID,
    SIM_WEBHOOKS, /* all calls about the registration of webhooks */
    SIM_ROUTE_COUNT
};
extern const char *const sim_route_names[SIM_ROUTE_COUNT];
extern const char *const sim_fault_names[SIM_KIND_COUNT];

/*
 * The fault for a call of a route; counts it down when it was ordered for a number of calls. about:
 * words that say what the call is about, needed only when sim_fault_is_choosy() says so; or NULL.
 */
struct sim_fault sim_fault_take(enum sim_route route, const char *about);
/* Whether there is an order for calls of this route about one thing alone. */
bool sim_fault_is_choosy(enum sim_route route);
/*
 * {"route": "sms", "kind": "status", "status": 500, "times": 3, "skip": 1, "delay_ms": 800, "done":
 * true, "only": "words"}: skip lets the first calls through, only keeps it to calls about that (the
 * gateway's: path, body, metadata of the invoice). NULL, or what is wrong with it.
 */
const char *sim_fault_order(struct arena *a, const json_t *order);
void sim_fault_clear(void);
json_t *sim_fault_list(struct arena *a);

/* ---- exchanges (sim.c) ---- */

struct sim_request {
    struct arena *arena;
    const struct http_head *head;
    struct str body;
    const char *tail; /* what stood in the place of a path's parameter, still encoded */
    struct sim_fault fault;
};
struct sim_reply {
    int status;
    const char *content_type;
    struct str body;
    const char *location; /* of a redirect */
    const char *coding;   /* Content-Encoding; NULL: none */
};

void sim_reply_json(struct sim_request *r, struct sim_reply *out, int status, json_t *body);
/* A copy on the heap; NULL stays NULL. Without memory the sandbox ends. */
char *sim_copy(const char *z);
/* Value of a form field (application/x-www-form-urlencoded) or query parameter; NULL. */
const char *sim_form(struct sim_request *r, const char *name);
#define SIM_ID_MAX 37 /* a UUID and its NUL */
/* An id in UUID version 4 form. */
void sim_new_id(char out[SIM_ID_MAX]);
/* "120.00 SAR", as in the members whose names end in _format. */
const char *sim_amount_text(struct arena *a, int64_t minor, const char *currency);
/* With milliseconds and Z, as the gateway writes it; NULL for never. */
const char *sim_time_text(struct arena *a, struct wall w);

/* ---- pages: made from the .html files ---- */
extern const char sim_inbox_page[];
extern const char sim_pay_page[];

#endif
