/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A TCP proxy in front of the test cluster, in a process of its own, that misbehaves as ordered. */
#ifndef BOOKINGD_TESTS_TH_PROXY_H
#define BOOKINGD_TESTS_TH_PROXY_H

#include <sys/types.h>

enum th_proxy_mode {
    TH_PROXY_OTHER_PID,   /* greets with another backend's pid, as a pooler does */
    TH_PROXY_EAT_COMMIT,  /* lets COMMIT through, then closes on both sides before the answer */
    TH_PROXY_HANG_COMMIT, /* the same, but stays silent instead */
    TH_PROXY_STOP_COMMIT, /* closes instead of passing on what holds COMMIT */
    TH_PROXY_SILENT       /* accepts and says nothing */
};
struct th_proxy {
    pid_t pid;
    int port;
};
void th_proxy_start(struct th_proxy *p, enum th_proxy_mode mode);
void th_proxy_stop(struct th_proxy *p);
/* A port of 127.0.0.1 on which nobody listens. */
int th_closed_port(void);

#endif
