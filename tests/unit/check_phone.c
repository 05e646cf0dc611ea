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
    /* M10 */
    {"9660550000003", "+966550000003"},
    {"966 05 5000 0003", "+966550000003"},
    {"966 (0) 55-000-0003", "+966550000003"},
    {"966550000003+", "+966550000003"},
    {"\xE2\x80\x8F\xD9\xA9\xD9\xA6\xD9\xA6 550000003+", "+966550000003"},
    {"9660550000003+", "+966550000003"},
    {"971500000003", "+971500000003"},
    {"971 050 000 0003", "+971500000003"},
    {"12125550123", "+12125550123"},
    {"+00966 55 000 0003", "+966550000003"},
    {"0550000003\n", "+966550000003"},
    {"055\t000\xC2\xAD\x30\xE2\x80\x8B\x30\x30\xEF\xBB\xBF\x33", "+966550000003"},
    {"\xEF\xBC\x8B\xEF\xBC\x99\xEF\xBC\x96\xEF\xBC\x96 55 000 0003", "+966550000003"},
    {"\xE0\xA5\xA6\xE0\xA5\xAB\xE0\xA5\xAB 000 0003", "+966550000003"}, /* Devanagari */
    {"\xEF\xBC\x88\x30\xEF\xBC\x89\x35\x35\xEF\xBC\x8D\x30\x30\x30 0003", "+966550000003"},
    {"tel:+966-55-000-0003", "+966550000003"},
    {"TEL:0550000003", "+966550000003"},
    {"055\xE2\x88\x92\x30\x30\x30\xE2\x80\x93\x30\x30\x30\x33", "+966550000003"},
};

static const struct phone_case bad[] = {
    {"", "phone_invalid"},
    {"+", "phone_invalid"},
    {"tel:", "phone_invalid"},
    {"0550000003tel:", "phone_invalid"},
    {"tel:+966550000003;ext=5", "phone_invalid"},
    {"++966551234567", "phone_invalid"},
    {"+966551234567+", "phone_invalid"},
    {"0551234567 0551234568", "phone_invalid"}, /* two numbers */
    {"0551234567 / 0551234568", "phone_invalid"},
    {"0551234567,0551234568", "phone_invalid"},
    {"0551234567\n0551234568", "phone_invalid"},
    {"0551234567 x12", "phone_invalid"},
    {"0551234567#12", "phone_invalid"},
    {"447400123456", "phone_invalid"}, /* not served, and no sign */
    {"962720000003", "phone_invalid"},
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
    enum err e = phone_normalise(c, a, str_of(text), PHONE_SERVED, &out);
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

/* M11 */
START_TEST(ranges_of_the_configuration)
{
    static const char *const codes[] = {"SA", "JO", "KE"};
    static const struct phone_ranges ranges[] = {{"SA", "57/9", false}, {"KE", "3/9", true}};
    struct config c = {.otp = {.regions = codes, .regions_n = 3}};
    struct arena *a = arena_new(4096);
    ck_assert_str_eq(normalised(&c, a, "+962720000003"), "+962720000003");
    ck_assert_str_eq(normalised(&c, a, "+254712345678"), "+254712345678");
    ck_assert_str_eq(normalised(&c, a, "+254312345678"), "phone_invalid");
    c.otp.ranges = ranges;
    c.otp.ranges_n = ARRAY_LEN(ranges);
    ck_assert_str_eq(normalised(&c, a, "+254312345678"), "+254312345678");
    ck_assert_str_eq(normalised(&c, a, "+254 0712 345678"), "+254712345678");
    ck_assert_str_eq(normalised(&c, a, "0571234567"), "+966571234567");
    ck_assert_str_eq(normalised(&c, a, "0551234567"), "phone_invalid");
    arena_free(a);
}
END_TEST

/* What staff enter may be of any region, and still must be a mobile number. */
START_TEST(numbers_of_any_region)
{
    static const struct phone_case rows[] = {
        {"+447400123456", "+447400123456"},        {"0044 (0)7400 123456", "+447400123456"},
        {"+2250701234567", "+2250701234567"},      {"+4930123456", "phone_invalid"},
        {"+39 312 345 6789", "+393123456789"},     {"0551234567", "+966551234567"},
        {"+999551234567", "phone_region_refused"}, {"+442071234567", "phone_invalid"},
    };
    struct arena *a = arena_new(4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *out = NULL;
        enum err e = phone_normalise(&only_sa, a, str_of(rows[i].text), PHONE_ANY_REGION, &out);
        ck_assert_str_eq(e == ERR_OK ? out : err_code(e), rows[i].want);
    }
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
    ck_assert_int_eq(
        phone_normalise(&cfg, a, (struct str){"05512345678888", 10}, PHONE_SERVED, &out), ERR_OK);
    ck_assert_str_eq(out, "+966551234567");
    ck_assert_int_eq(phone_normalise(&cfg, a, (struct str){NULL, 0}, PHONE_SERVED, &out),
                     ERR_PHONE_INVALID);
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
    tcase_add_test(c, ranges_of_the_configuration);
    tcase_add_test(c, numbers_of_any_region);
    tcase_add_test(c, without_regions_nothing_is_a_phone);
    tcase_add_test(c, only_the_slice_is_read);
    return th_run(suite);
}
