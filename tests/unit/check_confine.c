/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* proc/confine: for each role, what it may not do fails, on the real kernel. Needs libseccomp and
 * Landlock; skips without. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/confine/confine_priv.h"
#include "../lib/th_config.h"
#include "../lib/th_unit.h"
#include "confine/confine.h"
#include "confine/confine_calls.h"
#include "sys/log.h"
#include "sys/shm.h"

#define FIRST ROLE_DISPATCHER
#define OK_CODE 42
#define DATABASE_PORT 1 /* nobody listens on these two */
#define PROVIDER_PORT 2
#define CONFIGURED                                    \
    "database: {url: 'postgresql://127.0.0.1:1/x'}\n" \
    "providers: {sms: {type: taqnyat, base_url: 'http://127.0.0.1:2', sender: T, token: t}}\n"

static char outside[] = "/tmp/check_confine.XXXXXX"; /* a file that no role has */
static struct config *cfg;

static void begin(void)
{
    int fd = mkstemp(outside);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert(shm_init(scoreboard_size(4)));
    scoreboard_init(4);
    cfg = th_good(CONFIGURED);
}

static void end(void)
{
    unlink(outside);
    memcpy(outside + strlen(outside) - 6, "XXXXXX", 6);
    config_free(cfg);
    shm_fini();
}

/* Runs act in a process confined as the role; returns its wait status. last: its last words. */
static int confined(enum role role, int (*act)(void), char *last, size_t size)
{
    const unsigned slot = scoreboard_first(role);
    (void)scoreboard_assign(slot);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        pid_t child;
        int status;
        /* The master's part spoils the process for good: it has one of its own. */
        if (!confine_basics() || !confine_prepare(cfg))
            _exit(2);
        child = fork();
        if (child == 0) {
            scoreboard_attach(slot);
            _exit(confine_role(role, cfg) ? act() : 3);
        }
        if (waitpid(child, &status, 0) != child)
            _exit(4);
        if (WIFSIGNALED(status)) {
            (void)signal(WTERMSIG(status), SIG_DFL);
            raise(WTERMSIG(status));
        }
        _exit(WEXITSTATUS(status));
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    scoreboard_release(slot, last, size);
    return status;
}

static void ends_it(enum role role, int (*act)(void), const char *call)
{
    char last[SCOREBOARD_LAST_WORDS_MAX], name[64];
    int status = confined(role, act, last, sizeof(last));
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s, %s: status %x, '%s'",
                  role_names[role], call, (unsigned)status, last);
    ck_assert_str_eq(confine_calls_violation(last, name, sizeof(name)), call);
}

static void gives(enum role role, int (*act)(void), int code, const char *what)
{
    char last[SCOREBOARD_LAST_WORDS_MAX];
    int status = confined(role, act, last, sizeof(last));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code,
                  "%s, %s: status %x instead of exit %d, '%s'", role_names[role], what,
                  (unsigned)status, code, last);
}

/* ---- acts: OK_CODE, or the error ---- */

static int outcome(bool good)
{
    return good ? OK_CODE : errno;
}

static int run_program(void)
{
    char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
    return outcome(execve("/bin/true", argv, argv + 1) == 0);
}

static int run_by_descriptor(void)
{
    return outcome(syscall(SYS_execveat, 0, "", NULL, NULL, AT_EMPTY_PATH) == 0);
}

static int make_process(void)
{
    return outcome(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0);
}

static int signal_the_master(void)
{
    return outcome(kill(getppid(), 0) == 0);
}

static int signal_a_thread_of_the_master(void)
{
    const long master = getppid();
    return outcome(syscall(SYS_tgkill, master, master, 0) == 0);
}

static int signal_itself(void)
{
    const long me = getpid();
    return outcome(syscall(SYS_tgkill, me, syscall(SYS_gettid), 0) == 0);
}

static int become_root(void)
{
    return outcome(setuid(0) == 0);
}

static int attach(void)
{
    return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int replace_the_handler(void)
{
    struct sigaction sa = {.sa_handler = SIG_IGN};
    return outcome(sigaction(SIGSYS, &sa, NULL) == 0);
}

/* The kernel looks at the lower half of the number: so must the filter. */
static int replace_the_handler_by_a_long_number(void)
{
    struct sigaction sa = {.sa_handler = SIG_IGN};
    return outcome(syscall(SYS_rt_sigaction, 0x100000000L | SIGSYS, &sa, NULL, 8) == 0);
}

static int take_signals_of_a_descriptor(void)
{
    return outcome(fcntl(0, F_SETOWN, getppid()) == 0);
}

static int write_and_execute(void)
{
    return outcome(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0) != MAP_FAILED);
}

static int write_then_execute(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(mprotect(p, 4096, PROT_WRITE | PROT_EXEC) == 0);
}

static int raise_a_limit(void)
{
    struct rlimit r = {1, 1};
    return outcome(setrlimit(RLIMIT_CORE, &r) == 0);
}

static int any_socket(void)
{
    return outcome(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static int raw_packets(void)
{
    return outcome(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static int interfaces(void)
{
    return outcome(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
}

/* A connection over a socket that is there already. */
static int connect_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(connect(0, (const struct sockaddr *)&a, sizeof(a)) == 0);
}

/* To a port without a listener: whether the kernel would have let it through. */
static int reach(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 ||
                   errno == ECONNREFUSED);
}

static int reach_database(void)
{
    return reach(DATABASE_PORT);
}

static int reach_provider(void)
{
    return reach(PROVIDER_PORT);
}

static int reach_name_server(void)
{
    return reach(53);
}

static int reach_shell(void)
{
    return reach(22);
}

static int listen_somewhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return outcome(bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
}

static int listen_at_a_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(1)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return outcome(bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
}

static int read_outside(void)
{
    return outcome(open(outside, O_RDONLY | O_CLOEXEC) >= 0);
}

static int list_outside(void)
{
    return outcome(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
}

static int write_outside(void)
{
    return outcome(open(outside, O_WRONLY | O_CLOEXEC) >= 0);
}

static int create(void)
{
    return outcome(open("/tmp/check_confine.new", O_RDONLY | O_CREAT | O_CLOEXEC, 0600) >= 0);
}

static int remove_outside(void)
{
    return outcome(unlink(outside) == 0);
}

static int read_memory_of_the_master(void)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
    return outcome(open(path, O_RDONLY | O_CLOEXEC) >= 0);
}

static const char *wanted; /* the act's path; children inherit it */

static int read_wanted(void)
{
    return outcome(open(wanted, O_RDONLY | O_CLOEXEC) >= 0);
}

static int look_up(void)
{
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int rc = getaddrinfo("localhost", NULL, &hints, &list);
    if (rc == 0)
        freeaddrinfo(list);
    return rc == 0 ? OK_CODE : 1;
}

static int fail_an_assertion(void)
{
    abort();
}

/* ---- what nobody may do ---- */

START_TEST(no_role_does_these)
{
    static const struct {
        int (*act)(void);
        const char *call;
    } acts[] = {
        {run_program, "execve"},
        {run_by_descriptor, "execveat"},
        {make_process, "clone"},
        {signal_the_master, "kill"},
        {signal_a_thread_of_the_master, "tgkill"},
        {become_root, "setuid"},
        {attach, "ptrace"},
        {replace_the_handler, "rt_sigaction"},
        {replace_the_handler_by_a_long_number, "rt_sigaction"},
        {take_signals_of_a_descriptor, "fcntl"},
        {write_and_execute, "mmap"},
        {write_then_execute, "mprotect"},
        {raise_a_limit, "prlimit64"},
        {raw_packets, "socket"},
        {remove_outside, "unlink"},
    };
    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        ends_it((enum role)_i, acts[i].act, acts[i].call);
    ck_assert_int_eq(access(outside, F_OK), 0);
}
END_TEST

START_TEST(files_outside_are_out_of_reach)
{
    const enum role role = (enum role)_i;
    gives(role, read_outside, EACCES, "reading");
    gives(role, list_outside, EACCES, "listing");
    gives(role, read_memory_of_the_master, EACCES, "another's memory");
    if (role == ROLE_DISPATCHER) {
        gives(role, write_outside, EACCES, "writing");
        gives(role, create, EACCES, "creating");
    } else {
        ends_it(role, write_outside, "openat");
        ends_it(role, create, "openat");
    }
    ck_assert_int_ne(access("/tmp/check_confine.new", F_OK), 0);
}
END_TEST

#define BIT(role) (1u << (role))
#define DATABASE_ROLES (BIT(ROLE_WORKER) | BIT(ROLE_COURIER) | BIT(ROLE_MONITOR) | BIT(ROLE_KEEPER))

/* S19. Files of every Debian, and who may read them; a machine that lacks one does not try it. */
START_TEST(files_by_role)
{
    static const struct {
        const char *path;
        unsigned roles;
    } files[] = {
        {"/etc/hosts", BIT(ROLE_RESOLVER)},
        {"/etc/resolv.conf", BIT(ROLE_RESOLVER)},
        {"/etc/nsswitch.conf", BIT(ROLE_RESOLVER) | DATABASE_ROLES},
        {"/etc/passwd", DATABASE_ROLES},
        {"/etc/ssl/openssl.cnf", DATABASE_ROLES},
        {"/etc/ssl/certs", DATABASE_ROLES},
        {"/etc/ssl/certs/ca-certificates.crt", DATABASE_ROLES},
        {"/usr/share/zoneinfo", DATABASE_ROLES | BIT(ROLE_RESOLVER)},
        {"/usr/lib", DATABASE_ROLES | BIT(ROLE_RESOLVER)},
        /* and nobody these */
        {"/etc", 0},
        {"/etc/ssl", 0},
        {"/etc/ssl/private", 0},
        {"/etc/shadow", 0},
        {"/etc/gshadow", 0},
        {"/etc/fstab", 0},
        {"/etc/hostname", 0},
        {"/etc/profile", 0},
        {"/etc/bookingd/bookingd.yaml", 0},
        {"/usr", 0},
        {"/usr/bin/env", 0},
        {"/usr/share/doc", 0},
        {"/root", 0},
        {"/home", 0},
        {"/var/lib", 0},
        {"/proc/self/environ", 0},
    };
    const enum role role = (enum role)_i;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        wanted = files[i].path;
        if (access(wanted, R_OK) == 0)
            gives(role, read_wanted, files[i].roles & BIT(role) ? OK_CODE : EACCES, wanted);
    }
}
END_TEST

START_TEST(connections)
{
    const enum role role = (enum role)_i;
    if (role == ROLE_DISPATCHER) {
        ends_it(role, any_socket, "socket");
        ends_it(role, connect_somewhere, "connect");
        return;
    }
    gives(role, any_socket, OK_CODE, "a socket");
    gives(role, interfaces, EAFNOSUPPORT, "netlink");
    if (confine_files_version() >= 4) {
        gives(role, reach_database, role == ROLE_RESOLVER ? EACCES : OK_CODE,
              "the database's port");
        gives(role, reach_provider,
              role == ROLE_WORKER || role == ROLE_KEEPER || role == ROLE_COURIER ? OK_CODE : EACCES,
              "a provider's port");
        gives(role, reach_name_server, role == ROLE_RESOLVER ? OK_CODE : EACCES, "port 53");
        gives(role, reach_shell, EACCES, "port 22");
    }
    if (role != ROLE_RESOLVER)
        ends_it(role, listen_somewhere, "bind");
    else
        gives(role, listen_at_a_port, EACCES, "a port of its own");
}
END_TEST

START_TEST(what_is_needed_works)
{
    gives((enum role)_i, signal_itself, OK_CODE, "a signal to itself");
    if ((enum role)_i == ROLE_RESOLVER)
        gives((enum role)_i, look_up, OK_CODE, "getaddrinfo");
    char last[SCOREBOARD_LAST_WORDS_MAX];
    int status = confined((enum role)_i, fail_an_assertion, last, sizeof(last));
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x",
                  (unsigned)status);
    ck_assert(!WCOREDUMP(status));
}
END_TEST

/* ---- and when it is off ---- */

START_TEST(off)
{
    config_free(cfg);
    cfg = th_good("server: {confine: off}\n");
    gives(ROLE_WORKER, read_outside, OK_CODE, "reading");
    gives(ROLE_DISPATCHER, any_socket, OK_CODE, "a socket");
}
END_TEST

START_TEST(words_of_others)
{
    char name[64];
    ck_assert_str_eq(confine_calls_violation("", name, sizeof(name)), "unknown");
    ck_assert_str_eq(confine_calls_violation("cannot happen: x", name, sizeof(name)), "unknown");
    ck_assert_str_eq(confine_calls_violation("forbidden system call ", name, sizeof(name)),
                     "unknown");
    ck_assert_str_eq(confine_calls_violation("forbidden system call -1", name, sizeof(name)),
                     "unknown");
    ck_assert_str_eq(
        confine_calls_violation("forbidden system call 99999999999999999999", name, sizeof(name)),
        "unknown");
}
END_TEST

#if defined BD_UNCONFINED || !defined HAVE_SECCOMP
#define CONFINES false
#else
#define CONFINES true
#endif

int main(void)
{
    if (!CONFINES) {
        puts("this build does not confine");
        return 77;
    }
    if (confine_files_version() == 0) {
        puts("this kernel has no Landlock");
        return 77;
    }
    log_init(LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR);
    Suite *s = suite_create("confine");
    TCase *c = tcase_create("roles"), *p = tcase_create("words");
    tcase_set_tags(c, TH_TAG_FORK);
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, no_role_does_these, FIRST, ROLE_COUNT);
    tcase_add_loop_test(c, files_outside_are_out_of_reach, FIRST, ROLE_COUNT);
    tcase_add_loop_test(c, files_by_role, FIRST, ROLE_COUNT);
    tcase_add_loop_test(c, connections, FIRST, ROLE_COUNT);
    tcase_add_loop_test(c, what_is_needed_works, FIRST, ROLE_COUNT);
    tcase_add_test(c, off);
    tcase_add_test(p, words_of_others);
    suite_add_tcase(s, c);
    suite_add_tcase(s, p);
    return th_run(s);
}
