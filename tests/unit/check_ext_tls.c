/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A process keeps TLS whatever becomes of its first call: one allocation of OpenSSL's fails in it,
 * and the next call succeeds. Each case is a process of its own, since OpenSSL is set up once in a
 * process.
 */
#include <check.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_cert.h"
#include "../lib/th_ext.h"
#include "../lib/th_provider.h"
#include "../lib/th_unit.h"

#define CASES \
    400 /* of about 6,000 allocations in a first call, 15,000 where the start sets nothing up */
#define PATIENT_MS 5000

/* ---- OpenSSL's allocations ---- */

static long fail_at, seen; /* 0: none */

static bool allocation_fails(void)
{
    return ++seen == fail_at;
}

static void *count_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n == 0 || allocation_fails() ? NULL : malloc(n);
}

static void count_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
    if (n == 0) {
        count_free(p, file, line);
        return NULL;
    }
    return allocation_fails() ? NULL : realloc(p, n);
}

static void arm(long at)
{
    fail_at = at;
    seen = 0;
}

/* ---- the provider: a process too, so that its use of OpenSSL sets up nothing in ours ---- */

static struct shared {
    int port;
    char authority[64];
    long first_n; /* allocations of a first call in which none fails */
} * shared;
static pid_t provider;

static void serve(int ready_fd)
{
    static const struct thp_script once = {
        {{THP_TLS, NULL, 0},
         {THP_REQUEST, NULL, 0},
         {THP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 0}}};
    signal(SIGPIPE, SIG_IGN);
    snprintf(shared->authority, sizeof(shared->authority), "%s",
             th_cert_make("IP:127.0.0.1", -60, 3600));
    shared->port = thp_port(thp_start_tls(&once, 1, shared->authority));
    (void)!write(ready_fd, "r", 1);
    for (;;)
        pause();
}

static void set_up(void)
{
    int ready[2];
    char r;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    ck_assert_int_eq(pipe(ready), 0);
    provider = fork();
    ck_assert_int_ge(provider, 0);
    if (provider == 0) {
        close(ready[0]);
        serve(ready[1]);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &r, 1), 1);
    close(ready[0]);
    setenv("SSL_CERT_FILE", shared->authority, 1);
}

static void tear_down(void)
{
    kill(provider, SIGKILL);
    waitpid(provider, NULL, 0);
    unlink(shared->authority);
    munmap(shared, sizeof(*shared));
}

/* ---- cases; each is the whole life of a process ---- */

enum fate { WHOLE = 40, BROKEN };

static struct th_ext *start(void)
{
    struct th_ext *t = th_ext_open("https", "127.0.0.1", shared->port);
    t->p.connect_timeout_ms = t->p.timeout_ms = PATIENT_MS;
    t->p.breaker_failures = 1000;
    return t;
}

static enum fate speaks(struct th_ext *t, long n)
{
    struct ext_reply r = {0};
    enum err err = th_ext_post(t, PATIENT_MS, &r);
    if (err == ERR_OK && r.status == 200)
        return WHOLE;
    fprintf(stderr, "allocation %ld failed, then: %s\n", n, t->result.detail);
    return BROKEN;
}

static enum fate fails_in_first_call(long n)
{
    struct ext_reply r = {0};
    struct th_ext *t = start();
    arm(n);
    (void)!th_ext_post(t, PATIENT_MS, &r);
    if (n == 0)
        shared->first_n = seen;
    arm(0);
    return speaks(t, n);
}

static int run(enum fate (*life)(long), long n)
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit((int)life(n));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

START_TEST(a_first_call_that_memory_ran_out_in_breaks_no_later_one)
{
    int status = run(fails_in_first_call, 0), wrong = 0, cases = 0;
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == WHOLE);
    long total = shared->first_n;
    ck_assert_int_gt(total, 500);
    for (long n = 1; n <= total; n += 1 + total / CASES, cases++) {
        status = run(fails_in_first_call, n);
        if (WIFEXITED(status) && WEXITSTATUS(status) == WHOLE)
            continue;
        fprintf(stderr, "allocation %ld of %ld: status 0x%x\n", n, total, (unsigned)status);
        wrong++;
    }
    ck_assert_msg(wrong == 0, "%d of %d processes (%ld allocations)", wrong, cases, total);
}
END_TEST

int main(void)
{
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1) {
        fprintf(stderr, "OpenSSL was used already\n");
        return EXIT_FAILURE;
    }
    Suite *s = suite_create("ext_tls");
    TCase *c = th_case(s, "memory");
    tcase_set_timeout(c, 60);
    tcase_set_tags(c, TH_TAG_FORK);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_first_call_that_memory_ran_out_in_breaks_no_later_one);
    return th_run(s);
}
