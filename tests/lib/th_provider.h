/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A scripted fake provider on a loopback port: one thread, connections one after the other, each
 * served by its own script. What it was sent is kept for the test to look at.
 */
#ifndef BOOKINGD_TESTS_TH_PROVIDER_H
#define BOOKINGD_TESTS_TH_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

enum thp_do {
    THP_END,     /* close in order; the script's last step is one */
    THP_REQUEST, /* read one whole request (head, and the body that Content-Length names) */
    THP_HEAD,    /* read up to the empty line only */
    THP_SEND,    /* text */
    THP_DRIP,    /* text again and again, one byte every n milliseconds, until the client goes */
    THP_REPEAT,  /* text, until n bytes went out or the client goes */
    THP_HANG,    /* until the client goes */
    THP_RESET,   /* RST */
    THP_SHUT,    /* half-close: no more from here, keep the socket until the client goes */
    THP_TLS,     /* TLS handshake with the server's certificate; what follows is inside */
};
struct thp_step {
    enum thp_do what;
    const char *text;
    int n;
};
#define THP_STEPS_MAX 8
struct thp_script { /* of one connection */
    struct thp_step steps[THP_STEPS_MAX];
};

struct thp;
/* Connection i gets script i; those beyond the last get the last. At most eight; their texts must
 * live as long as the server. */
struct thp *thp_start(const struct thp_script *scripts, size_t n);
/* The same with a certificate and key (PEM files) for THP_TLS. */
struct thp *thp_start_tls(const struct thp_script *scripts, size_t n, const char *pem);
/* One request answered with `answer`, again and again over kept connections. */
struct thp *thp_start_answer(const char *answer);
/* A listening socket that nobody accepts from, with its queue full: SYNs get no answer. */
struct thp *thp_start_black_hole(void);
/* A port that was free a moment ago. */
int thp_closed_port(void);
int thp_port(const struct thp *t);
unsigned thp_connections(const struct thp *t);
unsigned thp_requests(const struct thp *t);
/* Waits until the server has closed n connections; false after 5 s. */
bool thp_wait_closed(const struct thp *t, unsigned n);
/* The last request's bytes; valid until thp_stop. */
const char *thp_request(struct thp *t);
void thp_stop(struct thp *t);

/* Status line, Content-Type and Content-Length around a JSON body; static storage of 16 answers in
 * turn. */
const char *thp_json(int status, const char *body);

#endif
