/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>

#include "../lib/th_unit.h"
#include "base/digest.h"
#include "base/rng.h"

START_TEST(sha256_vectors)
{
    char hex[SHA256_HEX_MAX];

    /* FIPS 180-4 examples */
    digest_sha256_hex(STR("abc"), hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256_hex((struct str){NULL, 0}, hex);
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(hmac_vectors)
{
    unsigned char mac[SHA256_LEN];
    char hex[SHA256_HEX_MAX];

    /* RFC 4231 4.2 and 4.3 */
    digest_hmac_sha256(
        STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
        STR("Hi There"), mac);
    digest_hex(mac, sizeof(mac), hex);
    ck_assert_str_eq(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    digest_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), mac);
    digest_hex(mac, sizeof(mac), hex);
    ck_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* RFC 4231 4.7: a key longer than a block */
    char long_key[131];
    memset(long_key, 0xaa, sizeof(long_key));
    digest_hmac_sha256((struct str){long_key, sizeof(long_key)},
                       STR("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    digest_hex(mac, sizeof(mac), hex);
    ck_assert_str_eq(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    digest_hmac_sha256((struct str){NULL, 0}, (struct str){NULL, 0}, mac);
    digest_hex(mac, sizeof(mac), hex);
    ck_assert_str_eq(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(base64_vectors)
{
    /* RFC 4648 10, and the two characters in which the alphabets differ */
    static const struct {
        struct str raw;
        const char *url;
    } rows[] = {
        {STR(""), ""},
        {STR("f"), "Zg"},
        {STR("fo"), "Zm8"},
        {STR("foo"), "Zm9v"},
        {STR("foob"), "Zm9vYg"},
        {STR("fooba"), "Zm9vYmE"},
        {STR("foobar"), "Zm9vYmFy"},
        {STR("\xfb\xff\xfe"), "-__-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned char back[16];
        size_t n = sizeof(back);
        char url[16];

        ck_assert_uint_eq(
            digest_base64url((const unsigned char *)rows[i].raw.p, rows[i].raw.n, url),
            strlen(rows[i].url));
        ck_assert_str_eq(url, rows[i].url);
        ck_assert(digest_base64url_decode(str_of(url), back, &n));
        th_assert_str(((struct str){(char *)back, n}), rows[i].raw);
    }
}
END_TEST

START_TEST(base64url_refuses)
{
    static const struct str bad[] = {
        STR("Z"),      STR("Zm9vY"),      STR("Zg=="), STR("Zm+v"), STR("Zm/v"),
        STR("Zm9v\n"), STR(" Zm9"),       STR("Zh"), /* left-over bits set: another spelling of "f"
                                                      */
        STR("Zm9"),                                  /* likewise */
        STR("Zm\0v"),  STR("\xc3\xa9Zg"),
    };
    unsigned char out[16];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        size_t n = sizeof(out);

        ck_assert_msg(!digest_base64url_decode(bad[i], out, &n), "case %zu", i);
    }
}
END_TEST

START_TEST(base64url_keeps_to_the_capacity)
{
    unsigned char out[4] = {0, 0, 0, 0x5a};
    size_t n = 3;

    ck_assert(!digest_base64url_decode(STR("Zm9vYg"), out, &n));
    ck_assert_uint_eq(out[3], 0x5a);
    n = 4;
    ck_assert(digest_base64url_decode(STR("Zm9vYg"), out, &n));
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(base64url_round_trips)
{
    for (size_t len = 0; len < 64; len++) {
        unsigned char raw[64], back[64];
        size_t n = sizeof(back);
        char text[96];

        rng_bytes(raw, len);
        digest_base64url(raw, len, text);
        ck_assert(digest_base64url_decode(str_of(text), back, &n));
        ck_assert_uint_eq(n, len);
        ck_assert(memcmp(raw, back, len) == 0);
    }
}
END_TEST

START_TEST(comparison)
{
    ck_assert(digest_equal(STR("abc"), STR("abc")));
    ck_assert(!digest_equal(STR("abc"), STR("abd")));
    ck_assert(!digest_equal(STR("abc"), STR("abcd")));
    ck_assert(!digest_equal(STR("abc"), STR("")));
    ck_assert(digest_equal((struct str){NULL, 0}, STR("")));
}
END_TEST

START_TEST(wipe)
{
    char secret[] = "hunter2";

    digest_wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++)
        ck_assert_int_eq(secret[i], 0);
    digest_wipe(NULL, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("digest");
    TCase *c = th_case(s, "digest");

    tcase_add_test(c, sha256_vectors);
    tcase_add_test(c, hmac_vectors);
    tcase_add_test(c, base64_vectors);
    tcase_add_test(c, base64url_refuses);
    tcase_add_test(c, base64url_keeps_to_the_capacity);
    tcase_add_test(c, base64url_round_trips);
    tcase_add_test(c, comparison);
    tcase_add_test(c, wipe);
    return th_run(s);
}
