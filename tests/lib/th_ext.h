/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A provider client with its shared memory, fresh circuits and places for each test. */
#ifndef BOOKINGD_TESTS_TH_EXT_H
#define BOOKINGD_TESTS_TH_EXT_H

#include "ext/ext_client.h"
#include "ext/ext_shared.h"
#include "ext/sms.h"

#define TH_EXT_CONNECT_MS 250
#define TH_EXT_TIMEOUT_MS 500
#define TH_EXT_WORKERS 8

struct th_ext {
    struct provider_config
        p; /* of type http, posting to /sms; a test changes it before its first call */
    struct config cfg;
    struct ext *x;
    struct arena *a;
    struct ext_result result; /* of the last th_ext_post */
    char base_url[128], name[32];
};

/* The provider at scheme://host:port; breaker: 5 failures, open 200 ms; 3 places. The process
 * attaches to a worker's slot. */
struct th_ext *th_ext_open(const char *scheme, const char *host, int port);
void th_ext_close(struct th_ext *t);
/* A POST with a body of two bytes, judged well when it is 2xx, else as failed; t->result has more.
 */
enum err th_ext_post(struct th_ext *t, int64_t budget_ms, struct ext_reply *r);
/* How late an answer may be: 100 ms, more under valgrind. */
int64_t th_ext_slack_ms(void);
/* The circuit, and calls in flight. */
struct ext_state th_ext_state(void);
/* Makes `host` known with this address. */
void th_ext_address(const char *host, const char *address);

#endif
