/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Phone numbers as people write them, to E.164. */
#include "svc/phone.h"

#include "../lib/th_unit.h"

static const char *const regions[] = {"SA", "AE", "US"};
static const struct config cfg = {.otp = {.regions = regions, .regions_n = ARRAY_LEN(regions)}};
static const struct config only_sa = {.otp = {.regions = regions, .regions_n = 1}};

struct phone_case {
    const char *text;
    const char *want; /* E.164, or the code of the error */
};

static const struct phone_case good[] = {
    {"+966551234567", "+966551234567"},
    {"+966 55 123 4567", "+966551234567"},
    {"0551234567", "+966551234567"},
    {"551234567", "+966551234567"},
    {"00966551234567", "+966551234567"},
    {"966551234567", "+966551234567"},
    {"(055) 123-4567", "+966551234567"},
    {"055.123.4567", "+966551234567"},
    {"+966 (0)55 123 4567", "+966551234567"},
    {"  +966551234567 ", "+966551234567"},
    {"٠٥٥١٢٣٤٥٦٧", "+966551234567"},
    {"۰۵۵۱۲۳۴۵۶۷", "+966551234567"},
    {"+٩٦٦٥٥١٢٣٤٥٦٧", "+966551234567"},
    {"٠٠٩٦٦٥٥١٢٣٤٥٦٧", "+966551234567"},
    {"055١٢٣4567", "+966551234567"},
    {"\xE2\x80\xAA+966551234567\xE2\x80\xAC", "+966551234567"}, /* U+202A ... U+202C */
    {"\xE2\x80\x8F٠٥٥١٢٣٤٥٦٧\xE2\x80\x8E", "+966551234567"},    /* U+200F ... U+200E */
    {"\xE2\x81\xA6"
     "0551234567\xE2\x81\xA9",
     "+966551234567"}, /* U+2066 ... U+2069 */
    {"055\xC2\xA0"
     "123\xE2\x80\x91"
     "4567",
     "+966551234567"}, /* fixed space, fixed hyphen */
    {"+971 50 123 4567", "+971501234567"},
    {"+1 212 555 0123", "+12125550123"},
};

static const struct phone_case bad[] = {
    {"", "phone_invalid"},
    {"+", "phone_invalid"},
    {"++966551234567", "phone_invalid"},
    {"966+551234567", "phone_invalid"},
    {"0112345678", "phone_invalid"}, /* Riyadh land line */
    {"+966112345678", "phone_invalid"},
    {"+966412345678", "phone_invalid"},
    {"055123456", "phone_invalid"},   /* a digit short */
    {"05512345678", "phone_invalid"}, /* one too many */
    {"+9665512345678", "phone_invalid"},
    {"055123456a", "phone_invalid"},
    {"0551234567;ext=1", "phone_invalid"},
    {"055123\xFF"
     "4567",
     "phone_invalid"}, /* not UTF-8 */
    {"+96655123456712345678901234567890", "phone_invalid"},
    {"+0551234567", "phone_invalid"},
    {"000", "phone_invalid"},
    {"+44 7400 123456", "phone_region_refused"},
    {"+999551234567", "phone_region_refused"},
    {"0044 7400 123456", "phone_region_refused"},
};

static const char *normalised(const struct config *c, struct arena *a, const char *text)
{
    const char *out = NULL;
    enum err e = phone_normalise(c, a, str_of(text), &out);
    return e == ERR_OK ? out : err_code(e);
}

START_TEST(numbers_that_are_served)
{
    struct arena *a = arena_new(4096);
    ck_assert_str_eq(normalised(&cfg, a, good[_i].text), good[_i].want);
    arena_free(a);
}
END_TEST

START_TEST(numbers_that_are_refused)
{
    struct arena *a = arena_new(4096);
    ck_assert_str_eq(normalised(&cfg, a, bad[_i].text), bad[_i].want);
    arena_free(a);
}
END_TEST

START_TEST(a_region_that_is_known_but_left_out)
{
    struct arena *a = arena_new(4096);
    ck_assert_str_eq(normalised(&only_sa, a, "+971501234567"), "phone_region_refused");
    ck_assert_str_eq(normalised(&only_sa, a, "0501234567"), "+966501234567");
    arena_free(a);
}
END_TEST

START_TEST(without_regions_nothing_is_a_phone)
{
    const struct config none = {.file = NULL};
    struct arena *a = arena_new(4096);
    ck_assert_str_eq(normalised(&none, a, "0551234567"), "phone_invalid");
    ck_assert_str_eq(normalised(&none, a, "+966551234567"), "phone_region_refused");
    arena_free(a);
}
END_TEST

/* A text without an end: what comes behind its length must not be read. */
START_TEST(only_the_slice_is_read)
{
    struct arena *a = arena_new(4096);
    const char *out;
    ck_assert_int_eq(phone_normalise(&cfg, a, (struct str){"05512345678888", 10}, &out), ERR_OK);
    ck_assert_str_eq(out, "+966551234567");
    ck_assert_int_eq(phone_normalise(&cfg, a, (struct str){NULL, 0}, &out), ERR_PHONE_INVALID);
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("phone");
    TCase *c = th_case(suite, "phone");
    tcase_add_loop_test(c, numbers_that_are_refused, 0, ARRAY_LEN(bad));
    tcase_add_loop_test(c, numbers_that_are_served, 0, ARRAY_LEN(good));
    tcase_add_test(c, a_region_that_is_known_but_left_out);
    tcase_add_test(c, without_regions_nothing_is_a_phone);
    tcase_add_test(c, only_the_slice_is_read);
    return th_run(suite);
}
