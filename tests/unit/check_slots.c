/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The free starts of a resource: cases by hand, and random ones against a model that looks at each
 * minute by itself. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/slots.h"

#define MINUTE ((int64_t)60 * 1000000)
#define MAX 64

/* The facts in minutes, so that a case reads as a timetable. */
struct case_facts {
    struct slot_opening openings[MAX];
    struct slot_range closures[MAX];
    struct slot_busy busy[MAX];
    struct slot_level levels[2 * MAX];
    struct slot_resource r;
};

static void case_begin(struct case_facts *c, int capacity)
{
    memset(c, 0, sizeof(*c));
    c->r = (struct slot_resource){.capacity = capacity,
                                  .openings = c->openings,
                                  .closures = c->closures,
                                  .busy = c->busy,
                                  .levels = c->levels};
}

static void case_open(struct case_facts *c, int from, int to)
{
    c->openings[c->r.openings_n++] =
        (struct slot_opening){.from_us = from * MINUTE, .to_us = to * MINUTE};
}

static void case_close(struct case_facts *c, int from, int to)
{
    c->closures[c->r.closures_n++] = (struct slot_range){from * MINUTE, to * MINUTE};
}

static void case_book(struct case_facts *c, int from, int to, int people)
{
    c->busy[c->r.busy_n++] = (struct slot_busy){from * MINUTE, to * MINUTE, people};
}

static struct slot_rule case_rule(int duration, int step)
{
    return (struct slot_rule){.duration_us = duration * MINUTE,
                              .step_us = step * MINUTE,
                              .earliest_us = INT64_MIN / 4,
                              .latest_us = INT64_MAX / 4,
                              .party = 1};
}

/* "540 570 600": the starts in minutes. */
static const char *case_list(struct case_facts *c, const struct slot_rule *rule, int from, int to)
{
    static char text[4096];
    size_t n = 0;
    struct slot_walk w;
    struct slot s;
    slot_resource_prepare(&c->r);
    slot_walk_begin(&w, &c->r, rule, from * MINUTE, to * MINUTE);
    text[0] = '\0';
    while (slot_walk_next(&w, &s))
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d", n ? " " : "",
                              (int)(s.starts_us / MINUTE));
    return text;
}

START_TEST(openings_that_touch_are_one)
{
    struct case_facts c;
    case_begin(&c, 1);
    case_open(&c, 540, 660);
    case_open(&c, 660, 780);
    struct slot_rule rule = case_rule(60, 30);
    ck_assert_str_eq(case_list(&c, &rule, 0, 1440), "540 570 600 630 660 690 720");
}
END_TEST

START_TEST(each_row_keeps_its_grid)
{
    struct case_facts c;
    case_begin(&c, 1);
    case_open(&c, 600, 660);
    case_open(&c, 655, 720);
    struct slot_rule rule = case_rule(30, 30);
    ck_assert_str_eq(case_list(&c, &rule, 0, 1440), "600 630 655 685");
}
END_TEST

START_TEST(people_count_and_not_places)
{
    struct case_facts c;
    case_begin(&c, 2);
    case_open(&c, 600, 900);
    case_book(&c, 600, 720, 1);
    case_book(&c, 660, 780, 1);
    case_book(&c, 780, 900, 1);
    struct slot_rule rule = case_rule(90, 30);
    ck_assert_str_eq(case_list(&c, &rule, 0, 1440), "720 750 780 810");
    struct slot s;
    ck_assert_int_eq(slot_judge(&c.r, &rule, 0, 720 * MINUTE, &s), SLOT_FREE);
    ck_assert_int_eq(s.available, 1);
    ck_assert_int_eq(slot_judge(&c.r, &rule, 0, 690 * MINUTE, &s), SLOT_TAKEN);
}
END_TEST

START_TEST(verdicts_in_order)
{
    struct case_facts c;
    struct slot s;
    case_begin(&c, 3);
    case_open(&c, 600, 720);
    case_close(&c, 660, 690);
    struct slot_rule rule = case_rule(30, 30);
    rule.earliest_us = 610 * MINUTE;
    rule.latest_us = 2000 * MINUTE;
    slot_resource_prepare(&c.r);
    static const struct {
        int at, party;
        unsigned force;
        enum slot_verdict is;
    } rows[] = {
        {600, 1, 0, SLOT_TOO_SOON},
        {600, 1, SLOT_FORCE_NOTICE, SLOT_FREE},
        {2040, 1, 0, SLOT_TOO_FAR},
        {2040, 1, SLOT_FORCE_HORIZON, SLOT_CLOSED},
        {2040, 1, SLOT_FORCE_HORIZON | SLOT_FORCE_HOURS, SLOT_FREE},
        {705, 1, 0, SLOT_CLOSED},
        {660, 1, 0, SLOT_IN_CLOSURE},
        {660, 1, SLOT_FORCE_CLOSURE, SLOT_FREE},
        {625, 1, 0, SLOT_OFF_GRID},
        {625, 1, SLOT_FORCE_GRID, SLOT_FREE},
        {690, 4, ~0u, SLOT_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rule.party = rows[i].party;
        ck_assert_msg(slot_judge(&c.r, &rule, rows[i].force, rows[i].at * MINUTE, &s) == rows[i].is,
                      "row %zu", i);
    }
}
END_TEST

/* ---- the model: minute by minute ---- */

static bool model_open(const struct case_facts *c, int64_t at_us)
{
    for (size_t i = 0; i < c->r.openings_n; i++)
        if (c->openings[i].from_us <= at_us && at_us < c->openings[i].to_us)
            return true;
    return false;
}

static bool model_closed(const struct case_facts *c, int64_t at_us)
{
    for (size_t i = 0; i < c->r.closures_n; i++)
        if (c->closures[i].from_us <= at_us && at_us < c->closures[i].to_us)
            return true;
    return false;
}

static int model_people(const struct case_facts *c, int64_t at_us)
{
    int people = 0;
    for (size_t i = 0; i < c->r.busy_n; i++)
        if (c->busy[i].from_us <= at_us && at_us < c->busy[i].to_us)
            people += c->busy[i].people;
    return people;
}

static bool model_free(const struct case_facts *c, const struct slot_rule *rule, int64_t at,
                       int *available)
{
    bool grid = false;
    for (size_t i = 0; i < c->r.openings_n; i++) {
        const struct slot_opening *o = &c->openings[i];
        grid |= o->from_us <= at && at < o->to_us && (at - o->from_us) % rule->step_us == 0;
    }
    if (!grid || at < rule->earliest_us || at > rule->latest_us)
        return false;
    for (int64_t t = at; t < at + rule->duration_us; t += MINUTE)
        if (!model_open(c, t) || model_closed(c, t))
            return false;
    int peak = 0;
    for (int64_t t = at - rule->before_us; t < at + rule->duration_us + rule->after_us; t += MINUTE)
        peak = model_people(c, t) > peak ? model_people(c, t) : peak;
    *available = c->r.capacity - peak;
    return *available >= rule->party;
}

static int pick(unsigned *seed, int n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (int)((*seed >> 16) % (unsigned)n);
}

static void random_case(struct case_facts *c, struct slot_rule *rule, unsigned *seed)
{
    case_begin(c, 1 + pick(seed, 5));
    for (int n = pick(seed, 6); n > 0; n--) {
        int from = pick(seed, 300);
        case_open(c, from, from + 1 + pick(seed, 120));
    }
    for (int n = pick(seed, 4); n > 0; n--) {
        int from = pick(seed, 400);
        case_close(c, from, from + pick(seed, 40));
    }
    for (int n = pick(seed, 12); n > 0; n--) {
        int from = pick(seed, 400);
        case_book(c, from, from + 1 + pick(seed, 60), 1 + pick(seed, c->r.capacity));
    }
    *rule = case_rule(1 + pick(seed, 60), 1 + pick(seed, 30));
    rule->before_us = pick(seed, 3) == 0 ? pick(seed, 20) * MINUTE : 0;
    rule->after_us = pick(seed, 3) == 0 ? pick(seed, 20) * MINUTE : 0;
    rule->party = 1 + pick(seed, 3);
    if (pick(seed, 3) == 0)
        rule->earliest_us = pick(seed, 200) * MINUTE;
    if (pick(seed, 3) == 0)
        rule->latest_us = (100 + pick(seed, 300)) * MINUTE;
}

START_TEST(equal_to_the_model)
{
    unsigned seed = 7;
    const char *fewer = getenv("BOOKINGD_ROUNDS"); /* under valgrind, which looks at memory only */
    const int rounds = fewer ? atoi(fewer) : 4000;
    for (int round = 0; round < rounds; round++) {
        struct case_facts c;
        struct slot_rule rule;
        struct slot_walk w;
        struct slot got, judged;
        random_case(&c, &rule, &seed);
        slot_resource_prepare(&c.r);
        slot_walk_begin(&w, &c.r, &rule, 0, 450 * MINUTE);
        bool more = slot_walk_next(&w, &got);
        for (int at = 0; at < 450; at++) {
            int available = 0;
            bool is_free = model_free(&c, &rule, at * MINUTE, &available);
            bool listed = more && got.starts_us == at * MINUTE;
            bool agreed = slot_judge(&c.r, &rule, 0, at * MINUTE, &judged) == SLOT_FREE;
            ck_assert_msg(is_free == listed && is_free == agreed, "round %d at %d: %d %d %d", round,
                          at, is_free, listed, agreed);
            if (is_free) {
                ck_assert_int_eq(got.available, available);
                ck_assert_int_eq(judged.available, available);
                more = slot_walk_next(&w, &got);
            }
        }
        ck_assert(!more);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("slots");
    TCase *t = tcase_create("slots");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, openings_that_touch_are_one);
    tcase_add_test(t, each_row_keeps_its_grid);
    tcase_add_test(t, people_count_and_not_places);
    tcase_add_test(t, verdicts_in_order);
    tcase_add_test(t, equal_to_the_model);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
