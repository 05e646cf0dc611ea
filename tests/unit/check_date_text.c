/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Dates in words. */
#include "../lib/th_unit.h"
#include "domain/date_text.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(4096);
}

static void tear_down(void)
{
    arena_free(arena);
}

static const struct {
    const char *wall, *now, *en, *ar;
} dates[] = {
    {"2026-11-30 17:30", "2026-11-20T00:00:00Z", "Monday, 30 November, 17:30",
     "الاثنين، 30 نوفمبر، 17:30"},
    {"2027-01-01 00:00", "2026-11-20T00:00:00Z", "Friday, 1 January, 00:00",
     "الجمعة، 1 يناير، 00:00"},
    {"2028-02-29 09:05", "2028-02-01T00:00:00Z", "Tuesday, 29 February, 09:05",
     "الثلاثاء، 29 فبراير، 09:05"},
    /* the weekday alone would be a riddle */
    {"2027-11-30 17:30", "2026-11-20T00:00:00Z", "Tuesday, 30 November 2027, 17:30",
     "الثلاثاء، 30 نوفمبر 2027، 17:30"},
    {"1969-12-31 23:59", "1970-01-01T00:00:00Z", "Wednesday, 31 December, 23:59",
     "الأربعاء، 31 ديسمبر، 23:59"},
    /* of another form */
    {"", "2026-11-20T00:00:00Z", "", ""},
    {"2026-11-31 10:00", "2026-11-20T00:00:00Z", "2026-11-31 10:00", "2026-11-31 10:00"},
    {"2026-11-30T10:00", "2026-11-20T00:00:00Z", "2026-11-30T10:00", "2026-11-30T10:00"},
};

START_TEST(as_people_write_them)
{
    struct wall now;
    ck_assert(wall_parse(str_of(dates[_i].now), &now));
    ck_assert_str_eq(date_text(arena, dates[_i].wall, LOCALE_EN, now), dates[_i].en);
    ck_assert_str_eq(date_text(arena, dates[_i].wall, LOCALE_AR, now), dates[_i].ar);
}
END_TEST

/* Every month and every weekday has its own name. */
START_TEST(each_name_once)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    for (int m = 1; m <= 12; m++) {
        const char *wall = arena_printf(arena, "2026-%02d-15 10:00", m);
        const char *text = date_text(arena, wall, LOCALE_EN, (struct wall){1780000000000000});
        ck_assert_msg(strstr(text, arena_printf(arena, "15 %s,", months[m - 1])) != NULL, "%s",
                      text);
    }
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    for (int d = 0; d < 7; d++) {
        const char *wall = arena_printf(arena, "2026-06-%02d 10:00", d + 1); /* 1 June: Monday */
        const char *text = date_text(arena, wall, LOCALE_EN, (struct wall){1780000000000000});
        ck_assert_msg(strncmp(text, days[d], strlen(days[d])) == 0, "%s", text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("date_text");
    TCase *c = th_case(suite, "date_text");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, as_people_write_them, 0, ARRAY_LEN(dates));
    tcase_add_test(c, each_name_once);
    return th_run(suite);
}
