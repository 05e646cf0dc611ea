/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Parts of texts, and rules on plain answers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/th_unit.h"
#include "domain/sms_text.h"
#include "domain/text_rule.h"

static const char *repeat(const char *unit, size_t n, const char *tail)
{
    static char text[4096];
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        strcat(text, unit);
    return strcat(text, tail);
}

START_TEST(parts_are_counted_as_operators_count_them)
{
    static const struct {
        const char *unit;
        size_t n;
        const char *tail;
        bool ucs2;
        size_t units, parts;
    } rows[] = {
        {"", 0, "", false, 0, 1},
        {"a", 160, "", false, 160, 1},
        {"a", 161, "", false, 161, 2},
        {"a", 306, "", false, 306, 2},
        {"a", 307, "", false, 307, 3},
        {"\n", 160, "", false, 160, 1},
        {"\xc3\xa9", 160, "", false, 160, 1},    /* e with acute is in the alphabet */
        {"\xe2\x82\xac", 80, "", false, 160, 1}, /* the euro sign takes two */
        {"\xe2\x82\xac", 80, "a", false, 161, 2},
        {"{", 76, "a{", false, 155, 1},
        {"{", 153, "", false, 306, 3}, /* 76 and half of one fill a part: none is split */
        {"a", 10, "`", true, 11, 1},   /* the backtick is in no table */
        {"\xd8\xb1", 70, "", true, 70, 1},
        {"\xd8\xb1", 71, "", true, 71, 2},
        {"\xd8\xb1", 134, "", true, 134, 2},
        {"\xd8\xb1", 135, "", true, 135, 3},
        {"\xf0\x9f\x98\x80", 35, "", true, 70, 1}, /* an emoji takes two units */
        {"\xf0\x9f\x98\x80", 36, "", true, 72, 2},
        {"\xc3\xa7", 70, "", true, 70, 1}, /* a small c with cedilla is not in the alphabet */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sms_text_size size = sms_text_size(repeat(rows[i].unit, rows[i].n, rows[i].tail));
        ck_assert_msg(size.ucs2 == rows[i].ucs2 && size.units == rows[i].units &&
                          size.parts == rows[i].parts,
                      "row %zu: %d %zu %zu", i, size.ucs2, size.units, size.parts);
    }
}
END_TEST

START_TEST(a_text_rule_is_a_part_or_an_expression)
{
    static const struct {
        const char *rule, *text;
        bool met;
        const char *group;
    } rows[] = {
        {"OK", "status OK: 12", true, ""},
        {"OK", "ok", false, ""},
        {"/", "a/b", true, ""}, /* one slash is a part */
        {"/^OK: ([0-9]+)$/", "OK: 123", true, "123"},
        {"/^OK: ([0-9]+)$/", "OK: x", false, ""},
        {"/^(ERR|FAIL)/", "FAIL now", true, "FAIL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text_rule rule;
        struct str group;
        char why[128];
        ck_assert(text_rule_open(&rule, rows[i].rule, why, sizeof why));
        ck_assert_msg(text_rule_match(&rule, str_of(rows[i].text), &group) == rows[i].met,
                      "row %zu", i);
        ck_assert(str_eq(group, str_of(rows[i].group)));
        text_rule_close(&rule);
    }
    struct text_rule rule;
    char why[128];
    ck_assert(!text_rule_open(&rule, "", why, sizeof why));
    ck_assert(!text_rule_open(&rule, "//", why, sizeof why));
    ck_assert(!text_rule_open(&rule, "/(/", why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "is no regular expression"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sms_text");
    TCase *c = th_case(s, "text");
    tcase_add_test(c, parts_are_counted_as_operators_count_them);
    tcase_add_test(c, a_text_rule_is_a_part_or_an_expression);
    return th_run(s);
}
