/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sessions of customers: random tokens of 256 bits, of which only the SHA-256 is stored. Database
 * errors pass through. */
#ifndef BOOKINGD_SVC_SESSION_H
#define BOOKINGD_SVC_SESSION_H

#include "base/digest.h"
#include "svc/svc.h"

#define SESSION_TOKEN_MAX 44 /* base64url of 32 bytes, and NUL */

struct session_token {
    char text[SESSION_TOKEN_MAX];
    char hash[SHA256_HEX_MAX];
};
/* A new token and its hash. The caller stores the hash and shows the text once. */
void session_token_new(struct session_token *t);

/* Authentication: adds the look-up of a session by the hash of its token; then who it is, false for
 * nobody. */
int session_auth_add(struct db_batch *b, const char *token_hash);
bool session_auth_read(struct arena *a, struct db_rows rows, struct principal *who) MUST_CHECK;

/* Ends one session, or all of its customer. */
enum err session_end(struct svc *s, const char *token_hash) MUST_CHECK;
enum err session_end_all(struct svc *s, const char *customer_id) MUST_CHECK;

#endif
