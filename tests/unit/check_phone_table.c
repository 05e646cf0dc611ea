/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The table of mobile numbers: the grammar of its ranges, and that each of its rows obeys it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cdefs.h"
#include "domain/phone_table.h"

START_TEST(ranges_match)
{
    static const struct {
        const char *ranges, *national;
        bool is;
    } rows[] = {
        {"5/9", "512345678", true},
        {"5/9", "51234567", false},
        {"5/9", "5123456789", false},
        {"5/9", "612345678", false},
        {"5/9", "51234567a", false},
        {"5[013-6]/9", "541234567", true},
        {"5[013-6]/9", "521234567", false},
        {"5x1/9", "591234567", true},
        {"5x1/9", "592234567", false},
        {"4/6-8 7/9", "4123456", true},
        {"4/6-8 7/9", "412345678", false},
        {"4/6-8 7/9", "712345678", true},
        {"5/9", "", false},
        {"", "5", false},
        {"5", "5", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(phone_ranges_match(rows[i].ranges, str_of(rows[i].national)) == rows[i].is,
                      "%s in %s", rows[i].national, rows[i].ranges);
}
END_TEST

START_TEST(malformed_ranges_are_refused)
{
    static const struct {
        const char *ranges;
        size_t at;
    } rows[] = {
        {"", 0},        {"5", 1},       {"/9", 0},    {"5/", 2},
        {"5/0", 3},     {"5/16", 4},    {"5/9-8", 5}, {"[]/9", 1},
        {"[5/9", 2},    {"[3-1]/9", 3}, {"5/9x", 3},  {"a/9", 0},
        {"5/9,6/9", 3}, {"555/2", 5},   {"5/9 ", 99}, {"5[1]/9-10 [0-9]x/4", 99},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t at;
        bool valid = phone_ranges_valid(str_of(rows[i].ranges), &at);
        ck_assert_msg(valid == (rows[i].at == 99), "%s", rows[i].ranges);
        if (!valid)
            ck_assert_msg(at == rows[i].at, "%s: %zu", rows[i].ranges, at);
    }
}
END_TEST

START_TEST(table_is_in_order)
{
    for (size_t i = 0; i < phone_regions_n; i++) {
        const struct phone_region *r = &phone_regions[i];
        size_t at;
        ck_assert_msg(phone_ranges_valid(str_of(r->ranges), &at), "%s at %zu", r->code, at);
        ck_assert_uint_eq(strlen(r->code), 2);
        ck_assert_ptr_eq(phone_region_find(str_of(r->code)), r);
        ck_assert(i == 0 || atol(r[-1].calling) <= atol(r->calling));
    }
    ck_assert_ptr_null(phone_region_find(str_of("XX")));
    ck_assert_str_eq(phone_region_find(str_of("SA"))->calling, "966");
    ck_assert(phone_ranges_match(phone_region_find(str_of("SA"))->ranges, str_of("551234567")));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("phone_table");
    TCase *t = tcase_create("phone_table");
    tcase_add_test(t, ranges_match);
    tcase_add_test(t, malformed_ranges_are_refused);
    tcase_add_test(t, table_is_in_order);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
