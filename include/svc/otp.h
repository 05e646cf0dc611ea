/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One-time passwords: the sending is part of the request (BEHAVIOUR §1), counted before it is
 * tried, made outside any transaction; the code is stored as HMAC under a key outside the database,
 * and its tries are counted before they are compared (BEHAVIOUR §5, "Sign-in").
 */
#ifndef BOOKINGD_SVC_OTP_H
#define BOOKINGD_SVC_OTP_H

#include "svc/customer.h"
#include "svc/session.h"
#include "svc/svc.h"

/* A code of as many digits as this fits everywhere. */
#define OTP_CODE_MAX 10

struct otp_send {
    struct str phone;          /* as the client wrote it */
    const enum locale *locale; /* NULL: the known customer's, else the reader's */
    enum locale reader;        /* of whoever has no language of their own yet */
    const char *client_address;
    const char *key;      /* Idempotency-Key; NULL: none */
    const char *customer; /* who changes to this phone; NULL: a sign-in */
};
struct otp_sent {
    struct uuid id;
    const char *phone; /* E.164 */
    struct wall expires_at, resend_at;
    bool replayed; /* the first answer under this key; nothing was sent */
    /* with an error */
    bool unknown; /* the message may arrive: id is of use */
    long retry_after_s;
    const char *scope;         /* which limit was met: label of bookingd_otp_total; NULL: none */
    const char *refusal_class; /* a refusal of the provider's: "message", "account"; else NULL */
};
/*
 * ERR_OK; ERR_PHONE_INVALID (also when the provider calls the number wrong), ERR_PHONE_REGION;
 * ERR_OTP_COOLDOWN, ERR_OTP_QUOTA, ERR_OTP_LOCKED with retry_after_s and scope; ERR_PROVIDER_*,
 * ERR_DEADLINE with unknown; ERR_IDEM_MISMATCH, ERR_IDEM_IN_FLIGHT; database errors. A definite
 * failure gives the cooldown back, not the quota.
 */
enum err otp_send(struct svc *s, const struct otp_send *in, struct otp_sent *out) MUST_CHECK;

/*
 * The digits of a code as people write it: of any script, with spaces, dashes and invisible marks.
 * False: it is no code of so many digits.
 */
bool otp_code_read(struct str text, size_t length, char code[OTP_CODE_MAX + 1]) MUST_CHECK;

struct otp_verify {
    const struct uuid *id;
    const char *code; /* digits, from otp_code_read() */
    const char *client_address;
    const char *key; /* Idempotency-Key; NULL: none */
};
struct otp_session {
    struct session_token token;
    struct wall expires_at;
    struct customer customer;
    int attempts_left;  /* with ERR_OTP_INCORRECT */
    long retry_after_s; /* with ERR_OTP_LOCKED */
};
/*
 * ERR_OK; ERR_NOT_FOUND, ERR_OTP_USED, _SUPERSEDED, _EXPIRED, _INCORRECT, _EXHAUSTED (of this
 * code), _LOCKED (of the phone); ERR_PHONE_IN_USE when a code for a change of the phone comes too
 * late; database errors.
 */
enum err otp_verify(struct svc *s, const struct otp_verify *in, struct otp_session *out) MUST_CHECK;

#endif
