/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Idempotency keys: one row per caller and key. A request claims the row, works, and stores its
 * outcome, best in the transaction of its own writes. A claim whose time has passed is dead and
 * taken over by the next request with the same content. Database errors pass through.
 */
#ifndef BOOKINGD_SVC_IDEM_H
#define BOOKINGD_SVC_IDEM_H

#include "base/digest.h"
#include "svc/svc.h"

#define IDEM_KEY_MAX 128
#define IDEM_CALLER_MAX 48

struct idem_claim { /* fixed storage: it outlives the request's arena when the database is away */
    char caller[IDEM_CALLER_MAX + 1];
    char key[IDEM_KEY_MAX + 1];
    char request_hash[SHA256_HEX_MAX];
    struct uuid holder;
    char bearer_hash[SHA256_HEX_MAX]; /* by which the caller is known before the look-up says it */
};
/* Whether the key has the form of the contract: 1 to 128 visible ASCII characters. */
bool idem_key_valid(struct str key);

/*
 * Adds claim and look-up to the first batch of a request, by the bearer's hash: whose bearer is
 * unknown, or (staff) has none of `roles` ("{agent,admin}"; NULL for customers) claims nothing.
 * key, request_hash, holder and bearer_hash of *c are set; returns the look-up's index. The claim
 * lives for claim_ms.
 */
int idem_claim_add(struct db_batch *b, const struct idem_claim *c, const char *roles,
                   int64_t claim_ms);

enum idem_state { IDEM_MINE, IDEM_DONE, IDEM_MISMATCH, IDEM_IN_FLIGHT };
struct idem_outcome {
    int status;
    const char *headers;     /* "Name: value\n" lines, or NULL */
    const char *body;        /* or NULL */
    const char *customer_id; /* whose data the body shows, or NULL */
};
/* What the look-up found. MINE sets c->caller; DONE fills *out. */
enum idem_state idem_claim_read(struct db_rows rows, struct idem_claim *c,
                                struct idem_outcome *out);

/*
 * Adds the storing of an outcome. The transaction fails when the claim has been lost to another
 * request meanwhile, so that two holders never both commit.
 */
void idem_complete_add(struct db_batch *b, const struct idem_claim *c,
                       const struct idem_outcome *o);
/* Puts another answer in the place of the one that idem_complete_add() has stored. */
void idem_amend_add(struct db_batch *b, const struct idem_claim *c, const struct idem_outcome *o);
/* In a round trip of its own. */
enum err idem_complete(struct svc *s, const struct idem_claim *c,
                       const struct idem_outcome *o) MUST_CHECK;
/* Gives up a claim that has no outcome; its caller may be empty when the claiming batch failed, and
 * nobody knows whether it is there. */
enum err idem_release(struct svc *s, const struct idem_claim *c) MUST_CHECK;

#endif
