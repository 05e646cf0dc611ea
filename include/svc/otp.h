/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One-time passwords: the sending is part of the request (contract 1), counted before it is tried,
 * made outside any transaction; the code is stored as HMAC under a key outside the database, and
 * its tries are counted before they are compared.
 */
#ifndef BOOKINGD_SVC_OTP_H
#define BOOKINGD_SVC_OTP_H

#include "svc/customer.h"
#include "svc/session.h"
#include "svc/svc.h"

/* Kinds of rate_subject() whose value is a phone; erasure removes them. */
#define OTP_RATE_COOLDOWN "otp-cooldown"
#define OTP_RATE_PHONE "otp-phone"
#define OTP_RATE_ADDRESS "otp-address"
#define OTP_RATE_TOTAL "otp-total"

struct otp_send {
    struct str phone;          /* as the client wrote it */
    const enum locale *locale; /* NULL: the known customer's, else ar */
    const char *client_address;
};
struct otp_sent {
    struct uuid id;
    const char *phone; /* E.164 */
    struct wall expires_at, resend_at;
    /* with an error */
    bool unknown; /* the message may arrive: id is of use */
    long retry_after_s;
};
/*
 * ERR_OK; ERR_PHONE_INVALID, ERR_PHONE_REGION; ERR_OTP_COOLDOWN, ERR_OTP_QUOTA with retry_after_s;
 * ERR_PROVIDER_*, ERR_DEADLINE with unknown; database errors. A definite failure gives the cooldown
 * back, not the quota.
 */
enum err otp_send(struct svc *s, const struct otp_send *in, struct otp_sent *out) MUST_CHECK;

struct otp_session {
    struct session_token token;
    struct wall expires_at;
    struct customer customer;
    int attempts_left; /* with ERR_OTP_INCORRECT */
};
/* ERR_OK; ERR_NOT_FOUND, ERR_OTP_USED, _SUPERSEDED, _EXPIRED, _INCORRECT, _EXHAUSTED; database
 * errors.
 */
enum err otp_verify(struct svc *s, const struct uuid *id, const char *code,
                    struct otp_session *out) MUST_CHECK;

#endif
