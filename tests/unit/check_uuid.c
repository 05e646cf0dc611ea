/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/uuid.h"

/* ahead of any time that a test before this one has seen in the same process */
static int64_t fake_ms = INT64_C(0x7123456789ab);

static struct wall read_fake(void)
{
    return (struct wall){fake_ms * 1000};
}

static void restore_clock(void)
{
    clock_set_source(NULL, NULL);
}

START_TEST(version_and_variant)
{
    for (int i = 0; i < 1000; i++) {
        struct uuid u = uuid_new(), back;

        ck_assert_uint_eq(strlen(u.s), UUID_LEN);
        ck_assert_int_eq(u.s[14], '7');
        ck_assert_ptr_nonnull(strchr("89ab", u.s[19]));
        ck_assert(uuid_parse(str_of(u.s), &back));
        ck_assert_str_eq(back.s, u.s);
    }
}
END_TEST

START_TEST(time_comes_first)
{
    struct uuid u;

    clock_set_source(NULL, read_fake);
    u = uuid_new();
    ck_assert_msg(strncmp(u.s, "71234567-89ab-7", 15) == 0, "%s", u.s);
}
END_TEST

START_TEST(order_holds_within_a_millisecond_and_when_the_clock_steps_back)
{
    struct uuid last, next;

    clock_set_source(NULL, read_fake);
    last = uuid_new();
    /* more than the 12 bits of the counter hold */
    for (int i = 0; i < 10000; i++) {
        if (i == 5000)
            fake_ms -= 3600 * 1000;
        next = uuid_new();
        ck_assert_msg(strcmp(last.s, next.s) < 0, "%s then %s", last.s, next.s);
        last = next;
    }
}
END_TEST

/* What was drawn ahead before a fork is no child's: two workers would make the same identifiers. */
START_TEST(a_child_draws_its_own_bytes)
{
    unsigned char first[16], ours[16], theirs[16];
    int fds[2], status;
    rng_id_bytes(first, sizeof(first));
    ck_assert_int_eq(pipe(fds), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        rng_id_bytes(theirs, sizeof(theirs));
        _exit(write(fds[1], theirs, sizeof(theirs)) == (ssize_t)sizeof(theirs) ? 0 : 1);
    }
    rng_id_bytes(ours, sizeof(ours));
    ck_assert_int_eq(read(fds[0], theirs, sizeof(theirs)), sizeof(theirs));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_ne(memcmp(ours, theirs, sizeof(ours)), 0);
    ck_assert_int_ne(memcmp(ours, first, sizeof(ours)), 0);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(parsing)
{
    static const struct str bad[] = {
        STR(""),
        STR("0190163d-8694-739b-aea5-966c26f8ad9"),
        STR("0190163d-8694-739b-aea5-966c26f8ad911"),
        STR("0190163d-8694-739b-aea5_966c26f8ad91"),
        STR("0190163d8-694-739b-aea5-966c26f8ad91"),
        STR("0190163g-8694-739b-aea5-966c26f8ad91"),
        STR("{190163d-8694-739b-aea5-966c26f8ad9}"),
        STR("0190163d-8694-739b-aea5-966c26f8ad9\0"),
        STR("0190163d--694-739b-aea5-966c26f8ad91"),
        STR("urn:uuid:0190163d-8694-739b-aea5-966"),
    };
    struct uuid u;

    ck_assert(uuid_parse(STR("0190163D-8694-739B-AEA5-966C26F8AD91"), &u));
    ck_assert_str_eq(u.s, "0190163d-8694-739b-aea5-966c26f8ad91");
    ck_assert(uuid_parse(STR("00000000-0000-0000-0000-000000000000"), &u));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!uuid_parse(bad[i], &u), "case %zu", i);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("uuid");
    TCase *c = th_case(s, "uuid");

    tcase_add_checked_fixture(c, NULL, restore_clock);
    tcase_add_test(c, version_and_variant);
    tcase_add_test(c, time_comes_first);
    tcase_add_test(c, order_holds_within_a_millisecond_and_when_the_clock_steps_back);
    tcase_add_test(c, a_child_draws_its_own_bytes);
    tcase_add_test(c, parsing);
    return th_run(s);
}
