/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "../lib/th_unit.h"
#include "base/arena.h"
#include "base/ensure.h"
#include "base/err.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(1024);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(memory_is_zeroed_and_aligned_also_after_reset)
{
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 700; n += 13) {
            unsigned char *p = arena_alloc(arena, n);

            ck_assert_uint_eq((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++)
                ck_assert_uint_eq(p[i], 0);
            memset(p, 0xa5, n);
        }
        arena_reset(arena);
    }
}
END_TEST

START_TEST(larger_than_a_chunk)
{
    unsigned char *small = arena_alloc(arena, 100), *large = arena_alloc(arena, 1 << 20), *after;

    memset(small, 1, 100);
    memset(large, 2, 1 << 20);
    after = arena_alloc(arena, 100);
    memset(after, 3, 100);
    ck_assert_uint_eq(small[99], 1);
    ck_assert_uint_eq(large[(1 << 20) - 1], 2);
}
END_TEST

START_TEST(text_is_copied)
{
    ck_assert_str_eq(arena_strdup(arena, "slot"), "slot");
    ck_assert_str_eq(arena_strndup(arena, "slots", 4), "slot");
    ck_assert_str_eq(arena_strndup(arena, NULL, 0), "");
    ck_assert_str_eq(arena_printf(arena, "%d/%s", 5, "1h"), "5/1h");
}
END_TEST

static char order[8];
static size_t order_n;

static void note(void *ptr)
{
    order[order_n++] = *(const char *)ptr;
}

START_TEST(cleanups_run_once_last_first)
{
    static char a = 'a', b = 'b', c = 'c';

    order_n = 0;
    arena_defer(arena, note, &a);
    arena_defer(arena, note, &b);
    arena_defer(arena, note, &c);
    arena_reset(arena);
    arena_reset(arena);
    ck_assert_uint_eq(order_n, 3);
    ck_assert_mem_eq(order, "cba", 3);
}
END_TEST

static void note_and_defer(void *ptr)
{
    note(ptr);
    arena_defer(arena, note, ptr);
}

START_TEST(a_cleanup_may_register_another)
{
    static char a = 'a';

    order_n = 0;
    arena_defer(arena, note_and_defer, &a);
    arena_reset(arena);
    ck_assert_uint_eq(order_n, 2);
}
END_TEST

START_TEST(out_of_memory_jumps_and_the_arena_goes_on)
{
    jmp_buf boundary;
    volatile int landed = 0;

    arena_on_oom(arena, &boundary);
    if (setjmp(boundary) == 0)
        arena_array(arena, SIZE_MAX / 2, 3);
    else
        landed++;
    if (setjmp(boundary) == 0)
        arena_alloc(arena, SIZE_MAX - 64);
    else
        landed++;
    if (setjmp(boundary) == 0)
        arena_strndup(arena, "x", SIZE_MAX);
    else
        landed++;
    if (setjmp(boundary) == 0)
        arena_oom(arena);
    else
        landed++;
    ck_assert_int_eq(landed, 4);
    ck_assert_str_eq(arena_strdup(arena, "alive"), "alive");
}
END_TEST

START_TEST(arrays)
{
    int *p = arena_array(arena, 10, sizeof(*p));

    for (size_t i = 0; i < 10; i++)
        ck_assert_int_eq(p[i], 0);
}
END_TEST

#if !UNDER_ASAN
static int released;

static void release(void *ptr)
{
    (void)ptr;
    released++;
}

/* Address space that really ends, down to the last bytes: what hangs on the arena is released all
 * the same. */
START_TEST(memory_that_really_ends)
{
    static const size_t sizes[] = {1 << 20, 1 << 12, 1 << 6};
    volatile size_t step = 0;
    volatile int registered = 0;
    struct rlimit limit = {.rlim_cur = 256 << 20, .rlim_max = 256 << 20};
    jmp_buf boundary;

    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    arena_on_oom(arena, &boundary);
    if (setjmp(boundary) != 0)
        step++;
    while (step < ARRAY_LEN(sizes))
        arena_alloc(arena, sizes[step]);
    if (step == ARRAY_LEN(sizes))
        for (;; registered++)
            arena_defer(arena, release, NULL);
    /* the one that found no room was released before the jump */
    ck_assert_int_eq(released, 1);
    arena_reset(arena);
    ck_assert_int_eq(released, registered + 1);
    ck_assert_ptr_nonnull(arena_alloc(arena, 1 << 20));
}
END_TEST
#endif

START_TEST(out_of_memory_without_a_boundary_aborts)
{
    ck_assert_ptr_null(arena_array(arena, SIZE_MAX / 2, 3)); /* unreached */
}
END_TEST

START_TEST(null_arena_may_be_freed)
{
    arena_free(NULL);
}
END_TEST

#if UNDER_ASAN
START_TEST(an_overrun_shows_under_asan)
{
    volatile char *p = arena_alloc(arena, 10);

    p[10] = 1;
}
END_TEST

START_TEST(use_after_reset_shows_under_asan)
{
    volatile char *p = arena_alloc(arena, 10);

    arena_reset(arena);
    p[0] = 1;
}
END_TEST
#endif

static char hook_text[256];

static void keep_text(const char *text)
{
    strncpy(hook_text, text, sizeof(hook_text) - 1);
    if (!strstr(hook_text, "!(1 == 2)"))
        raise(SIGKILL); /* not the expected words: another signal than abort's fails the test */
}

START_TEST(ensure_tells_the_hook_then_aborts)
{
    ensure_set_hook(keep_text);
    ENSURE(1 == 2);
}
END_TEST

START_TEST(ensure_evaluates_once)
{
    int n = 0;

    ENSURE(++n == 1);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(error_names_are_whole_and_unique)
{
    ck_assert_str_eq(err_code(ERR_OK), "ok");
    ck_assert_str_eq(err_code(ERR_SLOT_TAKEN), "slot_taken");
    for (int i = 0; i < ERR_COUNT; i++) {
        ck_assert_ptr_nonnull(err_code((enum err)i));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(err_code((enum err)i), err_code((enum err)j));
    }
}
END_TEST

START_TEST(an_unknown_error_is_a_bug)
{
    ck_assert_str_eq(err_code((enum err)ERR_COUNT), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arena");
    TCase *c = th_case(s, "arena"), *aborts = th_case(s, "aborts");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, memory_is_zeroed_and_aligned_also_after_reset);
    tcase_add_test(c, larger_than_a_chunk);
    tcase_add_test(c, text_is_copied);
    tcase_add_test(c, cleanups_run_once_last_first);
    tcase_add_test(c, a_cleanup_may_register_another);
    tcase_add_test(c, out_of_memory_jumps_and_the_arena_goes_on);
    tcase_add_test(c, arrays);
    tcase_add_test(c, null_arena_may_be_freed);
    tcase_add_test(c, ensure_evaluates_once);
    tcase_add_test(c, error_names_are_whole_and_unique);
    tcase_set_tags(aborts, TH_TAG_FORK);
    tcase_add_checked_fixture(aborts, set_up, tear_down);
    tcase_add_test_raise_signal(aborts, out_of_memory_without_a_boundary_aborts, SIGABRT);
    tcase_add_test_raise_signal(aborts, ensure_tells_the_hook_then_aborts, SIGABRT);
    tcase_add_test_raise_signal(aborts, an_unknown_error_is_a_bug, SIGABRT);
#if UNDER_ASAN
    tcase_add_exit_test(aborts, an_overrun_shows_under_asan, 1);
    tcase_add_exit_test(aborts, use_after_reset_shows_under_asan, 1);
#else
    tcase_add_test(aborts, memory_that_really_ends);
#endif
    return th_run(s);
}
