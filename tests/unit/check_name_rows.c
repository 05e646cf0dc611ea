/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* sys/name_rows: a name keeps its row over reloads, and rows are given up in the right order. */
#include <string.h>

#include "../lib/th_unit.h"
#include "sys/name_rows.h"

#define ROWS 4

static struct name_row rows[ROWS];
static struct name_rows table;
static unsigned cleared[ROWS];

static void clear_row(unsigned row)
{
    ck_assert_str_eq(rows[row].name, ""); /* neither the old name nor the new one */
    cleared[row]++;
}

static void begin(void)
{
    memset(rows, 0, sizeof(rows));
    memset(cleared, 0, sizeof(cleared));
    table = (struct name_rows){.rows = rows, .max = ROWS, .clear = clear_row};
}

static void use(const char *const *names, size_t n)
{
    name_rows_next(&table, names, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_ge(name_rows_take(&table, names[i]), 0);
}

START_TEST(a_name_keeps_its_row)
{
    static const char *const ab[] = {"a", "b"}, *const ba[] = {"b", "a"}, *const c[] = {"c"};
    use(ab, 2);
    use(ba, 2);
    ck_assert_int_eq(name_rows_find(&table, "a"), 0);
    ck_assert_int_eq(name_rows_find(&table, "b"), 1);
    ck_assert_int_eq(name_rows_find(&table, "A"), -1);
    use(c, 1);
    use(ab, 2);
    ck_assert_int_eq(name_rows_find(&table, "a"), 0);
    ck_assert_int_eq(name_rows_find(&table, "c"), 2);
    ck_assert_uint_eq(name_rows_count(&table), 3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(cleared[i], 1);
}
END_TEST

/* The one that was wanted before the last generation goes first, also when it comes later in this
 * one's list. */
START_TEST(the_longest_unwanted_goes)
{
    static const char *const ab[] = {"a", "b"}, *const cd[] = {"c", "d"}, *const eb[] = {"e", "b"};
    use(ab, 2);
    use(cd, 2);
    use(eb, 2);
    ck_assert_int_eq(name_rows_find(&table, "a"), -1);
    ck_assert_int_eq(name_rows_find(&table, "e"), 0);
    ck_assert_int_eq(name_rows_find(&table, "b"), 1);
    ck_assert_int_eq(name_rows_find(&table, "c"), 2);
    ck_assert_uint_eq(cleared[0], 2);
    ck_assert_uint_eq(cleared[1], 1);
}
END_TEST

START_TEST(no_room_and_too_long)
{
    char name[NAME_ROW_SIZE + 1] = "";
    static const char *const all[] = {"a", "b", "c", "d"};
    memset(name, 'x', NAME_ROW_SIZE);
    name_rows_next(&table, NULL, 0);
    ck_assert_int_eq(name_rows_take(&table, name), -1);
    use(all, 4);
    ck_assert_int_eq(name_rows_take(&table, "e"), -1);
    ck_assert_int_eq(name_rows_take(&table, "d"), 3);
    name_rows_next(&table, NULL, 0);
    name[NAME_ROW_SIZE - 1] = '\0';
    ck_assert_int_eq(name_rows_take(&table, name), 0);
    ck_assert_str_eq(rows[0].name, name);
}
END_TEST

START_TEST(case_of_host_names)
{
    table.ignore_case = true;
    name_rows_next(&table, NULL, 0);
    ck_assert_int_eq(name_rows_take(&table, "Example.org"), 0);
    ck_assert_int_eq(name_rows_take(&table, "example.ORG"), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("name_rows");
    TCase *c = th_case(s, "name_rows");
    tcase_add_checked_fixture(c, begin, NULL);
    tcase_add_test(c, a_name_keeps_its_row);
    tcase_add_test(c, the_longest_unwanted_goes);
    tcase_add_test(c, no_room_and_too_long);
    tcase_add_test(c, case_of_host_names);
    return th_run(s);
}
