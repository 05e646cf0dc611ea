/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A venue to book at, for the tests of bookings and of notifications: one service, open round the
 * clock, hourly starts, in Riyadh; and an SMS provider that answers as the test orders (sms_send()
 * is replaced).
 */
#ifndef BOOKINGD_TESTS_TH_BOOK_H
#define BOOKINGD_TESTS_TH_BOOK_H

#include "ext/sms.h"
#include "svc/booking.h"
#include "th_db.h"

#define VENUE "00000000-0000-7000-8000-000000000001"
#define SERVICE "00000000-0000-7000-8000-000000000010"
#define RESOURCE_A "00000000-0000-7000-8000-0000000000a1"
#define RESOURCE_B "00000000-0000-7000-8000-0000000000a2"
#define ALICE "00000000-0000-7000-8000-0000000000c1"
#define BOB "00000000-0000-7000-8000-0000000000c2"
#define OTHER_VENUE "00000000-0000-7000-8000-000000000002"
#define NOBODY "00000000-0000-7000-8000-00000000ffff"

struct th_book {
    struct th_db t;
    struct config cfg;
    struct provider_config provider;
    struct db *db;
    struct arena *arena;
    struct svc svc;
    struct principal alice, bob, staff, bound; /* bound: to OTHER_VENUE */
};
extern struct th_book tb;

/* What sms_send() does, and what it saw. */
struct th_sms {
    struct ext_result result;
    const char *message_id;
    int calls;
    char to[32], text[4096], id[40];
    void (*before)(void); /* called in the middle of a send */
};
extern struct th_sms th_sms;

void th_book_set_up(void);
void th_book_tear_down(void);
/* Connection, arena and limits of one process; for forked racers too. */
void th_book_connect(void);
/* The request's time, from now. */
void th_book_budget(int ms);

/* `hours` after the venue's midnight that begins the day after tomorrow. */
struct wall th_book_hour(int hours);
struct booking_order th_book_order(int hours);
enum err th_book_as(const struct principal *who, const struct booking_order *o,
                    struct booking *out);
enum err th_book_make(const struct principal *who, int hours, struct booking *out);
enum err th_book_move_on(const struct principal *who, const char *id, enum booking_state to);
enum err th_book_reschedule(const struct principal *who, const char *id, int hours);

#endif
