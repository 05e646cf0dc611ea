/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For otp.c, which sends codes, and otp_verify.c, which takes them. */
#ifndef BOOKINGD_SVC_OTP_PRIV_H
#define BOOKINGD_SVC_OTP_PRIV_H

#include "base/digest.h"
#include "svc/otp.h"

/* Wrong codes of a phone within a day that end its sign-in until the day is over (BEHAVIOUR §5). */
#define OTP_FAILURES_MAX 50
#define OTP_FAILURES_MS (24 * INT64_C(3600000))

/* What the database keeps of a code: bound to its challenge and phone. */
void otp_code_mac(struct svc *s, const char *id, const char *phone, const char *code,
                  char hex[SHA256_HEX_MAX]);
/* What it keeps of an Idempotency-Key, on the arena; NULL for none. */
const char *otp_key_hash(struct svc *s, const char *key);
/* By which it knows an address that signed the phone in. */
const char *otp_known_address(struct svc *s, const char *phone, const char *client_address);
/* Logs and counts that wrong codes have ended the sign-in of a phone. */
void otp_count_locked(const char *phone);

#endif
