/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What every libcheck program of the unit tests needs around its tests. */
#ifndef BOOKINGD_TESTS_TH_UNIT_H
#define BOOKINGD_TESTS_TH_UNIT_H

#include <check.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"

/* Tests that end by a signal need libcheck's fork; the tag keeps them out of the run under
 * valgrind. */
#define TH_TAG_FORK "fork"

/* Two slices of bytes, compared as text in the failure's message. */
#define th_assert_str(got, want)                                                              \
    do {                                                                                      \
        struct str th_g = (got), th_w = (want);                                               \
        ck_assert_msg(str_eq(th_g, th_w), "%s: got '%.*s', want '%.*s'", #got, STR_ARG(th_g), \
                      STR_ARG(th_w));                                                         \
    } while (0)

/* Runs the suite and frees it; the exit status of main(). */
static inline int th_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline TCase *th_case(Suite *suite, const char *name)
{
    TCase *c = tcase_create(name);

    suite_add_tcase(suite, c);
    return c;
}

#endif
