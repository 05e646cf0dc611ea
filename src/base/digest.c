/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Hashes of tokens, keys and codes, and their texts; called wherever a secret is stored or
 * compared.
 *
 * Tokens and keys are random and long, so plain SHA-256 is enough for their rows. One-time codes
 * have few digits: they are stored under HMAC with a key that is not in the database.
 */
#include "base/digest.h"

/*
 * SHA-256 by the old interface, on purpose: it works on a struct and cannot fail. EVP allocates
 * memory for each hash and HMAC, so every hash could fail, and its callers with it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/chars.h"

#define BLOCK_LEN ((size_t)SHA256_CBLOCK) /* of HMAC with SHA-256: RFC 2104 2, B */

/* Passing NULL with length 0 to SHA256_Update() is not defined, hence the empty string. */
void digest_sha256(struct str data, unsigned char out[SHA256_LEN])
{
    SHA256_CTX c;

    SHA256_Init(&c);
    SHA256_Update(&c, data.p ? data.p : "", data.n);
    SHA256_Final(out, &c);
}

/* Begins with the key, xored with a byte, as the first block (RFC 2104 2). */
static void digest_begin_keyed(SHA256_CTX *c, const unsigned char key[BLOCK_LEN],
                               unsigned char with)
{
    unsigned char pad[BLOCK_LEN];

    for (size_t i = 0; i < BLOCK_LEN; i++)
        pad[i] = key[i] ^ with;
    SHA256_Init(c);
    SHA256_Update(c, pad, sizeof(pad));
    OPENSSL_cleanse(pad, sizeof(pad));
}

/* RFC 2104 2: H(K xor opad, H(K xor ipad, text)); a key longer than a block is hashed first. RFC
 * 4231's vectors are in tests/unit/check_digest.c. */
void digest_hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_LEN])
{
    unsigned char block[BLOCK_LEN] = {0};
    SHA256_CTX c;

    if (key.n > BLOCK_LEN)
        digest_sha256(key, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    digest_begin_keyed(&c, block, 0x36);
    SHA256_Update(&c, data.p ? data.p : "", data.n);
    SHA256_Final(out, &c);
    digest_begin_keyed(&c, block, 0x5c);
    SHA256_Update(&c, out, SHA256_LEN);
    SHA256_Final(out, &c);
    /* The key's block and the state would let whoever reads the stack later compute codes. */
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&c, sizeof(c));
}

/* By hand: libcrypto writes hex in upper case only, and our databases hold it in lower case. */
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

/* RFC 4648 5 without padding: tokens and cursors stand in URLs and headers as they are. */
size_t digest_base64url(const unsigned char *p, size_t n, char *out)
{
    size_t len = (size_t)EVP_EncodeBlock((unsigned char *)out, p, (int)n);

    while (len > 0 && out[len - 1] == '=')
        len--;
    out[len] = '\0';
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
    return len;
}

/* Up to four characters to three bytes; false when one is not of the base64url set.
 * EVP_DecodeBlock() knows the standard alphabet only and wants whole quads, so the text is
 * translated and filled up with A, which stands for six zero bits. */
static bool digest_decode_quad(struct str s, unsigned char out[3])
{
    unsigned char quad[4] = {'A', 'A', 'A', 'A'}; /* bits that are not there are zero */

    if (!chars_all(s, char_is_id))
        return false;
    for (size_t i = 0; i < s.n; i++)
        quad[i] = (unsigned char)(s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i]);
    return EVP_DecodeBlock(out, quad, sizeof(quad)) == 3;
}

bool digest_base64url_decode(struct str s, unsigned char *out, size_t *n)
{
    size_t len = 0;

    for (size_t at = 0; at < s.n; at += 4) {
        const size_t chars = s.n - at < 4 ? s.n - at : 4;
        /* 2 characters carry 1 byte, 3 carry 2, 4 carry 3; one alone carries none and is
         * refused. */
        const size_t bytes = chars * 6 / 8;
        unsigned char three[3];

        if (chars == 1 || !digest_decode_quad((struct str){s.p + at, chars}, three) ||
            bytes > *n - len)
            return false;
        memcpy(out + len, three, bytes);
        len += bytes;
        /* Bits beyond the last byte must be zero, so that each value has one spelling only (RFC
         * 4648 3.5). */
        for (size_t i = bytes; i < 3; i++)
            if (three[i] != 0)
                return false;
    }
    *n = len;
    return true;
}

/* The time does not depend on where the first difference is, so a secret cannot be guessed byte by
 * byte. The length is no secret. */
bool digest_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

/* Not memset(): a compiler may drop a store to memory that nobody reads again. */
void digest_wipe(void *p, size_t n)
{
    if (n > 0)
        OPENSSL_cleanse(p, n);
}
