/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sums of money in texts. */
#include "../lib/th_unit.h"
#include "base/cdefs.h"
#include "domain/money.h"

static struct arena *arena;

START_TEST(amounts)
{
    static const struct {
        int64_t minor;
        const char *currency, *text;
    } cases[] = {
        {12000, "SAR", "120.00"},
        {2000, "SAR", "20.00"},
        {5, "SAR", "0.05"},
        {0, "SAR", "0.00"},
        {1500, "KWD", "1.500"},
        {7, "BHD", "0.007"},
        {500, "JPY", "500"},
        {123456, "CLF", "12.3456"},
        {-150, "SAR", "-1.50"},
        {INT64_MAX, "SAR", "92233720368547758.07"},
        {INT64_MIN, "SAR", "-92233720368547758.08"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(money_amount_text(arena, cases[i].minor, cases[i].currency),
                         cases[i].text);
}
END_TEST

START_TEST(currencies)
{
    ck_assert_str_eq(money_currency_text("SAR", LOCALE_EN), "SAR");
    ck_assert_str_eq(money_currency_text("SAR", LOCALE_AR), "ر.س.");
    ck_assert_str_eq(money_currency_text("CHF", LOCALE_AR), "CHF");
}
END_TEST

START_TEST(deposits)
{
    static const struct {
        int64_t total, party, per_person, percent, deposit;
    } cases[] = {
        {12000, 1, 0, 0, 12000},
        {12000, 1, 3000, 0, 3000},
        {36000, 3, 3000, 0, 9000},
        {12000, 1, 12000, 0, 12000},
        {12000, 1, 20000, 0, 12000},
        {12000, 1, 0, 25, 3000},
        {12000, 1, 0, 100, 12000},
        {101, 1, 0, 50, 51},
        {1, 1, 0, 1, 1},
        {0, 2, 0, 25, 0},
        {0, 2, 500, 0, 0},
        {INT64_MAX, 2, INT64_MAX, 0, INT64_MAX},
        {INT64_MAX, 1, 0, 100, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_int_eq(
            money_deposit(cases[i].total, cases[i].party, cases[i].per_person, cases[i].percent),
            cases[i].deposit);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("money");
    TCase *c = th_case(s, "money");
    arena = arena_new(4096);
    tcase_add_test(c, amounts);
    tcase_add_test(c, currencies);
    tcase_add_test(c, deposits);
    int status = th_run(s);
    arena_free(arena);
    return status;
}
