/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <limits.h>
#include <time.h>

#include "../lib/th_unit.h"
#include "base/clock.h"

#define MS INT64_C(1000000)

static struct mono fake_mono;

static struct mono read_fake(void)
{
    return fake_mono;
}

static struct wall read_fake_wall(void)
{
    return (struct wall){INT64_C(1767323045) * 1000000};
}

static void use_fake(void)
{
    fake_mono.ns = 1000 * MS;
    clock_set_source(read_fake, read_fake_wall);
}

static void use_real(void)
{
    clock_set_source(NULL, NULL);
}

START_TEST(the_source_can_be_replaced)
{
    ck_assert_int_eq(mono_now().ns, 1000 * MS);
    ck_assert_int_eq(wall_now().us / 1000000, 1767323045);
    clock_set_source(NULL, NULL);
    ck_assert_int_ne(mono_now().ns, 1000 * MS);
    ck_assert(wall_now().us / 1000000 - time(NULL) <= 1);
}
END_TEST

START_TEST(deadlines)
{
    struct deadline d = deadline_in_ms(250), half;

    ck_assert(!deadline_passed(d));
    ck_assert_int_eq(deadline_left_ms(d), 250);
    fake_mono.ns += 1;
    ck_assert_int_eq(deadline_left_ms(d), 250); /* rounded up */
    fake_mono.ns += MS - 1;
    ck_assert_int_eq(deadline_left_ms(d), 249);
    half = deadline_cap(d, 100);
    ck_assert_int_eq(deadline_left_ms(half), 100);
    ck_assert_int_eq(deadline_left_ms(deadline_cap(d, 1000)), 249);
    ck_assert_int_eq(deadline_left_ms(deadline_before(d, 100)), 149);
    ck_assert_int_eq(deadline_left_ms(deadline_min(d, half)), 100);
    fake_mono.ns = d.at.ns - 1;
    ck_assert(!deadline_passed(d));
    ck_assert_int_eq(deadline_left_ms(d), 1);
    fake_mono.ns = d.at.ns;
    ck_assert(deadline_passed(d));
    ck_assert_int_eq(deadline_left_ms(d), 0);
    ck_assert_int_eq(deadline_left_ms(deadline_before(d, 100)), 0);
}
END_TEST

START_TEST(far_deadlines_do_not_wrap)
{
    ck_assert_int_eq(deadline_left_ms(deadline_in_ms(INT64_MAX)), INT_MAX);
    ck_assert_int_eq(deadline_left_ms(deadline_in_ms(INT64_MAX / MS)), INT_MAX);
    ck_assert(deadline_passed(deadline_in_ms(INT64_MIN / 2)));
    ck_assert_int_eq(deadline_left_ms(deadline_after((struct mono){0}, 1001)), 1);
}
END_TEST

START_TEST(spans)
{
    struct mono from = mono_now();

    fake_mono.ns += 1500 * MS;
    ck_assert_int_eq(mono_ms_between(from, mono_now()), 1500);
    ck_assert_int_eq(mono_ms_between(mono_now(), from), -1500);
    ck_assert_double_eq_tol(mono_seconds_since(from), 1.5, 1e-9);
    ck_assert_double_eq_tol(mono_ms_since(from), 1500, 1e-6);
    ck_assert_double_eq_tol(mono_seconds_between(mono_now(), from), -1.5, 1e-9);
}
END_TEST

START_TEST(sums)
{
    struct mono t = {5 * MS};
    struct wall w = {1234567};

    ck_assert_int_eq(mono_after_ms(t, 3).ns, 8 * MS);
    ck_assert_int_eq(mono_after_ms(t, -7).ns, -2 * MS);
    ck_assert_int_eq(mono_after_ms(t, INT64_MAX / 10).ns, INT64_MAX);
    ck_assert_int_eq(mono_after_ms(t, INT64_MIN / 10).ns, INT64_MIN);
    ck_assert_int_eq(wall_after_ms(w, 2).us, 1236567);
    ck_assert_int_eq(wall_us_between(w, wall_after_ms(w, -1)), -1000);
    ck_assert_int_eq(wall_whole_seconds(w).us, 1000000);
}
END_TEST

static const struct {
    const char *text;
    const char *want; /* as written again; NULL: refused */
} instants[] = {
    {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"}, /* "since ever", as some clients write it */
    {"1900-02-28T23:59:59.5Z", "1900-02-28T23:59:59.500000Z"},
    {"1969-12-31T23:59:60Z", "1970-01-01T00:00:00Z"},
    {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
    {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
    {"2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"},
    {"2026-01-02T03:04:05+03:00", "2026-01-02T00:04:05Z"},
    {"2026-01-01T00:00:00+03:00", "2025-12-31T21:00:00Z"},
    {"2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00Z"},
    {"2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"},
    {"2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000Z"},
    {"2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z"},
    {"2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"},
    {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
    {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
    {"2100-03-01T00:00:00Z", "2100-03-01T00:00:00Z"},
    {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
    /* leap seconds: the examples of RFC 3339 5.8, then places where none can be */
    {"1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"},
    {"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"},
    {"2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000Z"},
    {"2026-01-02T03:04:60Z", NULL},
    {"2026-01-02T23:59:60Z", NULL},
    {"2026-12-31T23:59:60+03:00", NULL},
    {"2026-01-02T03:04:61Z", NULL},
    /* no such day or time */
    {"2026-02-29T00:00:00Z", NULL},
    {"2100-02-29T00:00:00Z", NULL},
    {"2026-04-31T00:00:00Z", NULL},
    {"2026-13-01T00:00:00Z", NULL},
    {"2026-00-01T00:00:00Z", NULL},
    {"2026-01-00T00:00:00Z", NULL},
    {"2026-01-02T24:00:00Z", NULL},
    {"2026-01-02T03:60:00Z", NULL},
    {"2026-01-02T03:04:05+24:00", NULL},
    {"2026-01-02T03:04:05+03:60", NULL},
    {"0000-12-31T23:59:59Z", NULL},
    {"0001-01-01T00:00:00+00:01", NULL},
    {"0001-01-01T23:59:60Z", NULL},
    {"9999-12-31T23:59:59-00:01", NULL},
    /* no such form */
    {"", NULL},
    {"2026-01-02", NULL},
    {"2026-01-02T03:04:05", NULL},
    {"2026-01-02T03:04Z", NULL},
    {"2026-01-02 03:04:05Z", NULL},
    {"2026-01-02T03:04:05.Z", NULL},
    {"2026-01-02T03:04:05,5Z", NULL},
    {"2026-01-02T03:04:05+0300", NULL},
    {"2026-01-02T03:04:05+03", NULL},
    {"2026-01-02T03:04:05Zx", NULL},
    {"2026-01-02T03:04:05+03:00x", NULL},
    {" 2026-01-02T03:04:05Z", NULL},
    {"2026-1-2T03:04:05Z", NULL},
    {"+026-01-02T03:04:05Z", NULL},
    {"12026-01-02T03:04:05Z", NULL},
    {"2026-01-02T03:04:05\xe2\x88\x92"
     "03:00",
     NULL},
};

START_TEST(rfc3339)
{
    char buf[WALL_RFC3339_MAX];
    struct wall w = {0};
    bool ok = wall_parse(str_of(instants[_i].text), &w);

    ck_assert_msg(ok == (instants[_i].want != NULL), "'%s'", instants[_i].text);
    if (!ok)
        return;
    ck_assert_str_eq(wall_format(w, buf), instants[_i].want);
    /* no shorter text is whole; each is a block of its own, so that a read past its end shows */
    for (size_t n = 0; n < strlen(instants[_i].text); n++) {
        char *cut = strndup(instants[_i].text, n);

        ck_assert(!wall_parse(str_of(cut), &w));
        free(cut);
    }
}
END_TEST

START_TEST(a_nul_ends_nothing)
{
    struct wall w;

    ck_assert(!wall_parse(STR("2026-01-02\00003:04:05Z"), &w));
    ck_assert(!wall_parse(STR("2026-01-02T03:04:05Z\0"), &w));
    ck_assert(!wall_parse((struct str){NULL, 0}, &w));
}
END_TEST

START_TEST(calendar_agrees_with_libc)
{
    char buf[WALL_RFC3339_MAX], want[WALL_RFC3339_MAX];

    for (int64_t day = -1000; day < 2932897; day += 37) {
        time_t t = (time_t)(day * 86400 + 86399);
        struct tm tm;
        struct wall back;

        ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
        ck_assert_uint_gt(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
        ck_assert_str_eq(wall_format((struct wall){(int64_t)t * 1000000}, buf), want);
        if (day < 0)
            continue;
        ck_assert(wall_parse(str_of(buf), &back));
        ck_assert_int_eq(back.us, (int64_t)t * 1000000);
    }
    ck_assert_str_eq(wall_format((struct wall){-1}, buf), "1969-12-31T23:59:59.999999Z");
    /* 2147483647 minutes before a booking: as long as free cancellation may take */
    ck_assert_str_eq(wall_format((struct wall){-INT64_C(127000000000000000)}, buf),
                     "0001-01-01T00:00:00Z");
    ck_assert_str_eq(wall_format((struct wall){INT64_MAX}, buf), "9999-12-31T23:59:59Z");
}
END_TEST

START_TEST(dates)
{
    ck_assert(wall_date_valid(STR("2026-02-28")));
    ck_assert(wall_date_valid(STR("2024-02-29")));
    ck_assert(!wall_date_valid(STR("2026-02-29")));
    ck_assert(!wall_date_valid(STR("2026-2-28")));
    ck_assert(!wall_date_valid(STR("2026-02-28 ")));
    ck_assert(!wall_date_valid(STR("2026-02-28T00:00:00Z")));
    ck_assert(!wall_date_valid(STR("2026/02/28")));
    ck_assert(!wall_date_valid(STR("0000-01-01")));
    ck_assert(!wall_date_valid(STR("")));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *fake = th_case(s, "replaced source"), *c = th_case(s, "calendar");

    tcase_add_checked_fixture(fake, use_fake, use_real);
    tcase_add_test(fake, the_source_can_be_replaced);
    tcase_add_test(fake, deadlines);
    tcase_add_test(fake, far_deadlines_do_not_wrap);
    tcase_add_test(fake, spans);
    tcase_add_test(fake, sums);
    tcase_add_loop_test(c, rfc3339, 0, (int)ARRAY_LEN(instants));
    tcase_add_test(c, a_nul_ends_nothing);
    tcase_add_test(c, calendar_agrees_with_libc);
    tcase_add_test(c, dates);
    return th_run(s);
}
