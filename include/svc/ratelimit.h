/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Fixed windows counted in the database, before the act. Subjects are keyed hashes: the table holds
 * no phone number or address. The counting itself is the SQL function rate_take(): one of each
 * subject, or of none.
 */
#ifndef BOOKINGD_SVC_RATELIMIT_H
#define BOOKINGD_SVC_RATELIMIT_H

#include "svc/svc.h"

#define RATES_MAX 8

struct rate {
    const char *subject;
    int64_t count, per_ms;
};
/* The three array parameters of rate_take(), as literals on the arena. */
struct rate_params {
    const char *subjects, *limits, *windows_ms;
};
void rate_params(struct arena *a, const struct rate *rates, size_t n, struct rate_params *out);
/* Kinds whose value is a phone: codes asked for, codes sent, wrong codes, notifications. Erasing a
 * customer removes those of signing in. */
#define OTP_RATE_COOLDOWN "otp-cooldown"
#define OTP_RATE_PHONE "otp-phone"
#define OTP_RATE_FAILURES "otp-failures"
#define NOTIFICATION_RATE_PHONE "notification-phone"
/* "KIND:" and a keyed hash of the value (key: otp.secret). */
const char *rate_subject(struct svc *s, const char *kind, const char *value);
/* The part of a client's address that counts as one client: IPv6 by its /64 network, others whole.
 */
const char *rate_address(struct arena *a, const char *address);
/* The /48 network of an IPv6 address, which is one site's; NULL for IPv4. */
const char *rate_network(struct arena *a, const char *address);

/* What a customer may do so many times in a while (bookings.changes_per_customer). */
enum rate_change { RATE_CHANGE_BOOKING, RATE_CHANGE_PAYMENT };
/*
 * Adds to a transaction the taking of one change by `who`: undone with it, so that what is refused
 * does not count. Until the transaction ends the customer's other changes wait for it. Returns the
 * result's index; -1: staff are not limited.
 */
int rate_add_change(struct svc *s, struct db_batch *b, const struct principal *who,
                    enum rate_change what);
/* After the batch has run: ERR_OK, or ERR_TOO_MANY_CHANGES with s->retry_after_s. */
enum err rate_change_allowed(struct svc *s, struct db_batch *b, int index) MUST_CHECK;

#endif
