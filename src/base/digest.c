/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "base/digest.h"

/*
 * The old interface on purpose: it works on a struct and cannot fail, where EVP asks for memory at
 * each hash and HMAC. A hash is no place for a request to run out of memory.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define BLOCK_LEN ((size_t)SHA256_CBLOCK)

void digest_sha256(struct str data, unsigned char out[SHA256_LEN])
{
    SHA256_CTX c;

    SHA256_Init(&c);
    SHA256_Update(&c, data.p ? data.p : "", data.n);
    SHA256_Final(out, &c);
}

/* Begins with the key, xored with a byte, as the first block (RFC 2104 2). */
static void begin_keyed(SHA256_CTX *c, const unsigned char key[BLOCK_LEN], unsigned char with)
{
    unsigned char pad[BLOCK_LEN];

    for (size_t i = 0; i < BLOCK_LEN; i++)
        pad[i] = key[i] ^ with;
    SHA256_Init(c);
    SHA256_Update(c, pad, sizeof(pad));
    OPENSSL_cleanse(pad, sizeof(pad));
}

void digest_hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_LEN])
{
    unsigned char block[BLOCK_LEN] = {0};
    SHA256_CTX c;

    if (key.n > BLOCK_LEN)
        digest_sha256(key, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    begin_keyed(&c, block, 0x36);
    SHA256_Update(&c, data.p ? data.p : "", data.n);
    SHA256_Final(out, &c);
    begin_keyed(&c, block, 0x5c);
    SHA256_Update(&c, out, SHA256_LEN);
    SHA256_Final(out, &c);
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&c, sizeof(c));
}

void digest_hex(const unsigned char *p, size_t n, char *out)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[p[i] >> 4];
        out[2 * i + 1] = hex[p[i] & 15];
    }
    out[2 * n] = '\0';
}

void digest_sha256_hex(struct str data, char out[SHA256_HEX_MAX])
{
    unsigned char sum[SHA256_LEN];

    digest_sha256(data, sum);
    digest_hex(sum, sizeof(sum), out);
}

/* Without padding; returns the length, adds no NUL. */
static size_t encode(const char *alphabet, const unsigned char *p, size_t n, char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | p[i]) & 0xffff;
        for (have += 8; have >= 6; have -= 6)
            out[len++] = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[len++] = alphabet[bits << (6 - have) & 63];
    return len;
}

size_t digest_base64url(const unsigned char *p, size_t n, char *out)
{
    size_t len = encode(alphabet_url, p, n, out);

    out[len] = '\0';
    return len;
}

char *digest_base64(struct arena *a, struct str data)
{
    char *out = arena_alloc(a, 4 * ((data.n + 2) / 3) + 1);
    size_t len = encode(alphabet_std, (const unsigned char *)data.p, data.n, out);

    while (len % 4 != 0)
        out[len++] = '=';
    return out;
}

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet_url, c) : NULL;

    return at ? (int)(at - alphabet_url) : -1;
}

bool digest_base64url_decode(struct str s, unsigned char *out, size_t *n)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;

    if (s.n % 4 == 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int v = value_of(s.p[i]);

        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xffff;
        have += 6;
        if (have < 8)
            continue;
        if (len == *n)
            return false;
        have -= 8;
        out[len++] = (unsigned char)(bits >> have);
    }
    /* left-over bits must be zero, so that each value has one spelling only (RFC 4648 3.5) */
    if ((bits & ((1u << have) - 1)) != 0)
        return false;
    *n = len;
    return true;
}

bool digest_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void digest_wipe(void *p, size_t n)
{
    if (n > 0)
        OPENSSL_cleanse(p, n);
}
