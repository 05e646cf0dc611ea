/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Sets OpenSSL up when a process starts, as long as memory is there. Called by ext_new(). What
 * OpenSSL initialises on first use would otherwise fail in the middle of a call in which memory
 * runs out, and leave parts of it undone for all later calls.
 */
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

#include "ext_priv.h"

/* Of each kind of algorithm one: what any of that kind needs is set up with it. The names are of no
 * matter beyond that.
 */
#define SET_UP(type, name)                          \
    do {                                            \
        type *one = type##_fetch(NULL, name, NULL); \
        if (!one)                                   \
            return false;                           \
        type##_free(one);                           \
    } while (0)

bool ext_tls_init(void)
{
    /* First: it runs what is run once in a process. */
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return false;
    SSL_CTX_free(ctx);
    SET_UP(EVP_MD, "SHA256");
    SET_UP(EVP_CIPHER, "AES-256-GCM");
    SET_UP(EVP_RAND, "CTR-DRBG");
    SET_UP(EVP_SIGNATURE, "ECDSA");
    SET_UP(EVP_KEYEXCH, "ECDH");
    SET_UP(EVP_KEYMGMT, "EC");
    SET_UP(OSSL_DECODER, "EC");
    SET_UP(EVP_KDF, "HKDF");
    SET_UP(EVP_MAC, "HMAC");
    return true;
}
