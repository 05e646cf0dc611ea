/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>

#include "../lib/th_unit.h"
#include "base/num.h"
#include "base/rng.h"

#define BAD INT64_C(-4242424242)

struct row {
    struct str text;
    int64_t want; /* BAD: refused */
};

static void check_rows(const struct row *rows, size_t n, bool (*parse)(struct str, int64_t *))
{
    for (size_t i = 0; i < n; i++) {
        int64_t got = BAD;
        bool ok = parse(rows[i].text, &got);

        ck_assert_msg(ok == (rows[i].want != BAD) && got == rows[i].want, "'%.*s': %s %lld",
                      STR_ARG(rows[i].text), ok ? "taken as" : "refused", (long long)got);
    }
}

START_TEST(integers)
{
    static const struct row rows[] = {
        {STR("0"), 0},
        {STR("7"), 7},
        {STR("-7"), -7},
        {STR("9223372036854775807"), INT64_MAX},
        {STR("-9223372036854775808"), INT64_MIN},
        {STR("9223372036854775808"), BAD},
        {STR("-9223372036854775809"), BAD},
        {STR("99999999999999999999999"), BAD},
        {STR(""), BAD},
        {STR("-"), BAD},
        {STR("-0"), BAD},
        {STR("+1"), BAD},
        {STR("01"), BAD},
        {STR("-01"), BAD},
        {STR(" 1"), BAD},
        {STR("1 "), BAD},
        {STR("1\0"), BAD},
        {STR("1.0"), BAD},
        {STR("1e3"), BAD},
        {STR("0x10"), BAD},
        {STR("--1"), BAD},
        {STR("\xd9\xa1"), BAD}, /* an Arabic-Indic digit is not one here */
    };

    check_rows(rows, ARRAY_LEN(rows), num_i64);
}
END_TEST

START_TEST(integers_as_text)
{
    static const struct {
        int64_t v;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-10, "-10"},
                 {1234567890, "1234567890"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    char buf[NUM_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(num_text(cases[i].v, buf), cases[i].text);
}
END_TEST

START_TEST(absent_is_no_number)
{
    int64_t v;

    ck_assert(!num_i64((struct str){NULL, 0}, &v));
    ck_assert(!num_duration_ms((struct str){NULL, 0}, &v));
    ck_assert(!num_size((struct str){NULL, 0}, &v));
    ck_assert(!num_rate((struct str){NULL, 0}, &v, &v));
}
END_TEST

START_TEST(ranges_hold_at_both_ends)
{
    int64_t v = BAD;

    ck_assert(num_range(STR("1"), 1, 100, &v) && v == 1);
    ck_assert(num_range(STR("100"), 1, 100, &v) && v == 100);
    ck_assert(!num_range(STR("0"), 1, 100, &v));
    ck_assert(!num_range(STR("101"), 1, 100, &v));
    ck_assert(!num_range(STR("1x"), 1, 100, &v));
    ck_assert_int_eq(v, 100);
}
END_TEST

START_TEST(durations)
{
    static const struct row rows[] = {
        {STR("250ms"), 250},
        {STR("5s"), 5000},
        {STR("15m"), 900000},
        {STR("24h"), 86400000},
        {STR("30d"), INT64_C(2592000000)},
        {STR("0"), 0},
        {STR("0s"), 0},
        {STR("5"), BAD},
        {STR("s"), BAD},
        {STR(""), BAD},
        {STR("-5s"), BAD},
        {STR("5 s"), BAD},
        {STR("5S"), BAD},
        {STR("5s "), BAD},
        {STR("1.5s"), BAD},
        {STR("1h30m"), BAD},
        {STR("05s"), BAD},
        {STR("5w"), BAD},
        {STR("9223372036854775807d"), BAD},
    };

    check_rows(rows, ARRAY_LEN(rows), num_duration_ms);
}
END_TEST

START_TEST(sizes)
{
    static const struct row rows[] = {
        {STR("64KiB"), 65536}, {STR("1MiB"), 1048576}, {STR("512B"), 512},
        {STR("17"), 17},       {STR("0"), 0},          {STR("1GiB"), 1 << 30},
        {STR("1KB"), BAD},     {STR("1kib"), BAD},     {STR("KiB"), BAD},
        {STR("-1B"), BAD},     {STR("1 KiB"), BAD},    {STR("9223372036854775807KiB"), BAD},
    };

    check_rows(rows, ARRAY_LEN(rows), num_size);
}
END_TEST

START_TEST(rates)
{
    static const char *const bad[] = {"5",   "5/",   "/1h",    "5/1",    "0/1h", "-5/1h",
                                      "5/0", "5/0s", "5/1h/2", "5 / 1h", ""};
    int64_t n, per;

    ck_assert(num_rate(STR("5/1h"), &n, &per));
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(per, 3600000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!num_rate(str_of(bad[i]), &n, &per), "'%s'", bad[i]);
}
END_TEST

START_TEST(currencies)
{
    static const char *const unknown[] = {"",    " ",    "SA",      "SARX", "sar",
                                          "AR ", "R SB", "SAR SBD", "QQQ"};

    ck_assert_int_eq(num_currency_digits("SAR"), 2);
    ck_assert_int_eq(num_currency_digits("KWD"), 3);
    ck_assert_int_eq(num_currency_digits("BHD"), 3);
    ck_assert_int_eq(num_currency_digits("OMR"), 3);
    ck_assert_int_eq(num_currency_digits("JPY"), 0);
    ck_assert_int_eq(num_currency_digits("UYW"), 4);
    ck_assert_int_eq(num_currency_digits("QQQ"), 2);
    ck_assert(num_currency_known(STR("SAR")));
    ck_assert(num_currency_known(STR("AED")));
    ck_assert(num_currency_known(STR("ZWG")));
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        ck_assert_msg(!num_currency_known(str_of(unknown[i])), "'%s'", unknown[i]);
}
END_TEST

START_TEST(random_numbers_stay_inside_and_reach_the_ends)
{
    unsigned seen[3] = {0};
    bool low = false, high = false;
    char digits[7];

    for (int i = 0; i < 3000; i++) {
        int64_t ms = rng_jitter_ms(10, 0.2);

        seen[rng_below(3)]++;
        ck_assert(ms >= 8 && ms <= 12);
        low = low || ms == 8;
        high = high || ms == 12;
    }
    /* 1000 expected, standard deviation 26: ten of those away never happens */
    for (size_t i = 0; i < 3; i++)
        ck_assert(seen[i] > 740 && seen[i] < 1260);
    ck_assert(low && high);
    ck_assert_int_eq(rng_below(1), 0);
    ck_assert_int_eq(rng_jitter_ms(0, 0.5), 0);
    rng_digits(digits, 6);
    ck_assert_uint_eq(strspn(digits, "0123456789"), 6);
    ck_assert_int_eq(digits[6], '\0');
}
END_TEST

int main(void)
{
    Suite *s = suite_create("num");
    TCase *c = th_case(s, "num");

    tcase_add_test(c, integers);
    tcase_add_test(c, integers_as_text);
    tcase_add_test(c, absent_is_no_number);
    tcase_add_test(c, ranges_hold_at_both_ends);
    tcase_add_test(c, durations);
    tcase_add_test(c, sizes);
    tcase_add_test(c, rates);
    tcase_add_test(c, currencies);
    tcase_add_test(c, random_numbers_stay_inside_and_reach_the_ends);
    return th_run(s);
}
