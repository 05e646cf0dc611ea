/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* sys/addrs: names are looked up by another process, literals need nobody. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "sys/addrs.h"
#include "sys/shm.h"

static void setup(void)
{
    ck_assert(shm_init(addrs_size()));
    addrs_init(SHM_ANYBODY);
}

START_TEST(literals_are_their_own_address)
{
    static const char *const literals[] = {"127.0.0.1", "::1", "2001:db8::25:de", "0.0.0.0"};
    struct addrs_result r;
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        addrs_register(literals[i]);
        ck_assert(addrs_find(literals[i], &r));
        ck_assert_uint_eq(r.n, 1);
        ck_assert_str_eq(r.text[0], literals[i]);
    }
    addrs_register("/run/postgresql");
    addrs_register("");
    addrs_register("@abstract");
    addrs_register(NULL);
    ck_assert_uint_eq(addrs_count(), 0);
}
END_TEST

START_TEST(a_name_is_unknown_until_stored)
{
    struct addrs_result r, put = {.n = 2, .text = {"192.0.2.1", "2001:db8::1"}};
    addrs_register("api.example.com");
    addrs_register("API.example.com"); /* names know no case */
    addrs_register("db.example.com");
    ck_assert_uint_eq(addrs_count(), 2);
    ck_assert_str_eq(addrs_name(0), "api.example.com");
    ck_assert(!addrs_find("api.example.com", &r));
    ck_assert(!addrs_find("other.example.com", &r));
    ck_assert(!addrs_first_pass());
    addrs_store(0, &put);
    addrs_set_first_pass();
    ck_assert(addrs_first_pass());
    ck_assert(addrs_find("Api.Example.Com", &r));
    ck_assert_uint_eq(r.n, 2);
    ck_assert_str_eq(r.text[1], "2001:db8::1");
    ck_assert(!addrs_find("db.example.com", &r));
    put.n = 1;
    addrs_store(0, &put);
    ck_assert(addrs_find("api.example.com", &r));
    ck_assert_uint_eq(r.n, 1);
}
END_TEST

/* A reload: names that nobody wants make room, the others keep place and addresses. */
START_TEST(a_reload_brings_other_names)
{
    char name[64];
    struct addrs_result r, put = {.n = 1, .text = {"192.0.2.1"}};
    ck_assert(addrs_register("stays.example.com"));
    for (int i = 1; i < ADDRS_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "h%d.example.com", i);
        ck_assert(addrs_register(name));
        addrs_store((unsigned)i, &put);
    }
    addrs_store(0, &put);
    addrs_set_first_pass();
    addrs_anew();
    ck_assert(!addrs_first_pass());
    ck_assert(addrs_register("stays.example.com"));
    ck_assert(addrs_find("h1.example.com", &r)); /* not needed yet */
    for (int i = 1; i < ADDRS_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "new%d.example.com", i);
        ck_assert(addrs_register(name));
        ck_assert(!addrs_find(name, &r)); /* not another name's addresses */
    }
    ck_assert(!addrs_register("one.too.many"));
    ck_assert_uint_eq(addrs_count(), ADDRS_NAMES_MAX);
    ck_assert(addrs_find("stays.example.com", &r));
    ck_assert(!addrs_find("h1.example.com", &r));
}
END_TEST

START_TEST(too_many_names_are_refused)
{
    char name[300];
    struct addrs_result r;
    for (int i = 0; i < ADDRS_NAMES_MAX + 3; i++) {
        (void)snprintf(name, sizeof(name), "h%d.example.com", i);
        addrs_register(name);
    }
    ck_assert_uint_eq(addrs_count(), ADDRS_NAMES_MAX);
    ck_assert(!addrs_find(name, &r));
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert(!addrs_find(name, &r));
}
END_TEST

START_TEST(another_process_stores)
{
    struct addrs_result r;
    addrs_register("api.example.com");
    pid_t pid = fork();
    if (pid == 0) {
        struct addrs_result put = {.n = 1, .text = {"192.0.2.7"}};
        addrs_store(0, &put);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(addrs_find("api.example.com", &r));
    ck_assert_str_eq(r.text[0], "192.0.2.7");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("addrs");
    TCase *c = th_case(s, "addrs");
    tcase_add_checked_fixture(c, setup, shm_fini);
    tcase_add_test(c, literals_are_their_own_address);
    tcase_add_test(c, a_name_is_unknown_until_stored);
    tcase_add_test(c, a_reload_brings_other_names);
    tcase_add_test(c, too_many_names_are_refused);
    TCase *f = th_case(s, "fork");
    tcase_set_tags(f, TH_TAG_FORK);
    tcase_add_checked_fixture(f, setup, shm_fini);
    tcase_add_test(f, another_process_stores);
    return th_run(s);
}
