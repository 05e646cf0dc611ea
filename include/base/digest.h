/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Hashes, keyed hashes, encodings and constant-time comparison, over libcrypto. */
#ifndef BOOKINGD_BASE_DIGEST_H
#define BOOKINGD_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define SHA256_LEN 32
#define SHA256_HEX_MAX 65

/* Need no memory and cannot fail. */
void digest_sha256(struct str data, unsigned char out[SHA256_LEN]);
void digest_hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_LEN]);
/* Lower-case hex and a NUL: out holds 2 * n + 1 bytes. */
void digest_hex(const unsigned char *p, size_t n, char *out);
/* SHA-256 of data as hex. */
void digest_sha256_hex(struct str data, char out[SHA256_HEX_MAX]);
/* Base64url without padding (RFC 4648 5); out holds 4 * ((n + 2) / 3) + 1 bytes. Returns the
 * length. */
size_t digest_base64url(const unsigned char *p, size_t n, char *out);
/* The reverse of digest_base64url; false for other text. *n: in capacity, out length. */
bool digest_base64url_decode(struct str s, unsigned char *out, size_t *n) MUST_CHECK;
/* Equal, in time that depends on the lengths alone. */
bool digest_equal(struct str a, struct str b) MUST_CHECK;
/* Overwrites a secret; not optimised away. */
void digest_wipe(void *p, size_t n);

#endif
