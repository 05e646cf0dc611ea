/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* sys/net, sys/sig, sys/notify_sd: what touches the kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "sys/net.h"
#include "sys/notify_sd.h"
#include "sys/sig.h"

static struct listen_addr tcp(const char *host)
{
    return (struct listen_addr){.kind = LISTEN_TCP, .text = host, .host = host};
}

static char dir[64];

static void make_dir(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/bd-net-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void drop_dir(void)
{
    char path[128];
    static const char *const names[] = {"s", "f", "n"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}

static const char *in_dir(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* ---- listening ---- */

START_TEST(tcp_listens_and_names)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    const char *why = NULL;
    char name[80], peer[INET6_ADDRSTRLEN], want[80];
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct listen_addr at = tcp(hosts[i]);
        int fd = net_listen(&at, 16, &why);
        if (fd < 0 && i == 1)
            continue; /* a machine without IPv6 */
        ck_assert_msg(fd >= 0, "%s", why);
        ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        ck_assert_str_eq(net_local_name(fd, name, sizeof(name)), name);
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
        int client = socket(sa.ss_family, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(client, (struct sockaddr *)&sa, len), 0);
        ck_assert_int_eq(net_wait(fd, POLLIN, deadline_in_ms(5000)), 1);
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t from_n = sizeof(from);
        int got = accept(fd, (struct sockaddr *)&from, &from_n);
        ck_assert_str_eq(net_address_text(&from, peer, sizeof(peer)), hosts[i]);
        (void)snprintf(want, sizeof(want), i ? "[::1]:%u" : "127.0.0.1:%u",
                       ntohs(i ? ((struct sockaddr_in6 *)&sa)->sin6_port
                               : ((struct sockaddr_in *)&sa)->sin_port));
        ck_assert_str_eq(name, want);
        /* a second one on the same port is refused, with words */
        struct listen_addr again = tcp(hosts[i]);
        again.port = ntohs(i ? ((struct sockaddr_in6 *)&sa)->sin6_port
                             : ((struct sockaddr_in *)&sa)->sin_port);
        why = NULL;
        ck_assert_int_eq(net_listen(&again, 16, &why), -1);
        ck_assert_str_eq(why, strerror(EADDRINUSE));
        close(got);
        close(client);
        close(fd);
    }
}
END_TEST

START_TEST(bad_places_are_refused)
{
    static char longer[200];
    memset(longer, 'p', sizeof(longer) - 1);
    const struct listen_addr bad[] = {tcp("localhost"),
                                      tcp("999.1.1.1"),
                                      tcp(""),
                                      {.kind = LISTEN_UNIX, .path = longer},
                                      {.kind = LISTEN_UNIX, .path = ""},
                                      {.kind = LISTEN_UNIX, .path = "/nowhere/at/all"},
                                      {.kind = LISTEN_SYSTEMD}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *why = NULL;
        ck_assert_int_eq(net_listen(&bad[i], 16, &why), -1);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

START_TEST(a_stale_path_is_replaced_a_live_one_not)
{
    const char *why = NULL;
    char name[160], peer[INET6_ADDRSTRLEN], want[160];
    struct listen_addr at = {.kind = LISTEN_UNIX, .path = in_dir("s")};
    int first = net_listen(&at, 16, &why);
    ck_assert_msg(first >= 0, "%s", why);
    (void)snprintf(want, sizeof(want), "unix:%s", at.path);
    ck_assert_str_eq(net_local_name(first, name, sizeof(name)), want);
    ck_assert_int_eq(net_listen(&at, 16, &why), -1); /* somebody answers there */
    close(first);
    int second = net_listen(&at, 16, &why);
    ck_assert_msg(second >= 0, "%s", why);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", at.path);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    socklen_t from_n = sizeof(from);
    int got = accept(second, (struct sockaddr *)&from, &from_n);
    ck_assert_str_eq(net_address_text(&from, peer, sizeof(peer)), "unix");
    close(got);
    close(client);
    close(second);
    /* a file that is no socket is never removed */
    at.path = in_dir("f");
    close(open(at.path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(net_listen(&at, 16, &why), -1);
    ck_assert_int_eq(access(at.path, F_OK), 0);
}
END_TEST

START_TEST(systemd_descriptors)
{
    int fds[4];
    char pid[24];
    ck_assert_int_eq(net_systemd_fds(NULL, fds, 4), 0);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "http:monitor", 1);
    /* whatever has these numbers now (libcheck's pipe, perhaps) gets them back */
    int null = open("/dev/null", O_RDWR), kept[2] = {dup(3), dup(4)};
    ck_assert_int_eq(dup2(null, 3), 3);
    ck_assert_int_eq(dup2(null, 4), 4);
    int all = net_systemd_fds(NULL, fds, 4), one_fds[4];
    int one = net_systemd_fds("monitor", one_fds, 4), none = net_systemd_fds("other", fds, 4);
    int capped = net_systemd_fds(NULL, fds, 1), cloexec = fcntl(4, F_GETFD) & FD_CLOEXEC;
    for (int i = 0; i < 2; i++) {
        if (kept[i] >= 0)
            ck_assert_int_eq(dup2(kept[i], 3 + i), 3 + i);
        else
            close(3 + i);
    }
    ck_assert_int_eq(all, 2);
    ck_assert_int_eq(one, 1);
    ck_assert_int_eq(one_fds[0], 4);
    ck_assert(cloexec);
    ck_assert_int_eq(none, 0);
    ck_assert_int_eq(capped, 1);
    setenv("LISTEN_PID", "1", 1);
    ck_assert_int_eq(net_systemd_fds(NULL, fds, 4), 0);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "-2x", 1);
    ck_assert_int_eq(net_systemd_fds(NULL, fds, 4), 0);
}
END_TEST

START_TEST(networks)
{
    struct cidr v4 = {.family = AF_INET, .prefix = 20}, v6 = {.family = AF_INET6, .prefix = 33};
    inet_pton(AF_INET, "10.1.16.0", v4.addr);
    inet_pton(AF_INET6, "2001:db8:8000::", v6.addr);
    ck_assert(net_cidr_contains(&v4, "10.1.16.0"));
    ck_assert(net_cidr_contains(&v4, "10.1.31.255"));
    ck_assert(net_cidr_contains(&v4, "::ffff:10.1.17.3"));
    ck_assert(!net_cidr_contains(&v4, "10.1.32.0"));
    ck_assert(!net_cidr_contains(&v4, "10.1.15.255"));
    ck_assert(!net_cidr_contains(&v4, "2001:db8:8000::1"));
    ck_assert(!net_cidr_contains(&v4, "unix"));
    ck_assert(!net_cidr_contains(&v4, ""));
    ck_assert(net_cidr_contains(&v6, "2001:db8:ffff::1"));
    ck_assert(!net_cidr_contains(&v6, "2001:db8:7fff::1"));
    v4.prefix = 0;
    ck_assert(net_cidr_contains(&v4, "203.0.113.9"));
    v4.prefix = 32;
    ck_assert(net_cidr_contains(&v4, "10.1.16.0"));
    ck_assert(!net_cidr_contains(&v4, "10.1.16.1"));
    v4.prefix = 33;
    ck_assert(!net_cidr_contains(&v4, "10.1.16.0"));
}
END_TEST

/* ---- waiting, packets ---- */

START_TEST(waiting_ends_in_time)
{
    int pair[2];
    ck_assert(net_seqpacket_pair(pair));
    struct mono begun = mono_now();
    ck_assert_int_eq(net_wait(pair[0], POLLIN, deadline_in_ms(60)), 0);
    int64_t ms = mono_ms_between(begun, mono_now());
    ck_assert_msg(ms >= 60 && ms < 2000, "%lld ms", (long long)ms);
    close(pair[1]);
    ck_assert_int_eq(net_wait(pair[0], POLLIN, deadline_in_ms(5000)), 1); /* the end is news too */
    close(pair[0]);
    ck_assert_int_eq(net_wait(pair[0], POLLIN, deadline_in_ms(5000)), -1);
}
END_TEST

START_TEST(write_all_has_a_deadline)
{
    int pair[2];
    static char big[8 * 1024 * 1024];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert(net_write_all(pair[0], "abc", 3, deadline_in_ms(1000)));
    struct mono begun = mono_now();
    ck_assert(!net_write_all(pair[0], big, sizeof(big), deadline_in_ms(80))); /* nobody reads */
    ck_assert_int_lt(mono_ms_between(begun, mono_now()), 2000);
    close(pair[1]);
    ck_assert(!net_write_all(pair[0], big, sizeof(big), deadline_in_ms(1000)));
    close(pair[0]);
    ck_assert_int_eq(pipe(pair), 0); /* no socket */
    ck_assert(net_write_all(pair[1], "abc", 3, deadline_in_ms(1000)));
    close(pair[0]);
    close(pair[1]);
}
END_TEST

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

START_TEST(descriptors_travel)
{
    int pair[2], fds[NET_FDS_MAX], before = open_fds();
    char buf[64];
    size_t n = NET_FDS_MAX;
    ck_assert(net_seqpacket_pair(pair));
    int mem = net_memfd("hello memory", 12), null = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(mem, 0);
    const struct iovec iov[] = {{(void *)(uintptr_t) "head", 4}, {(void *)(uintptr_t) "tail", 4}};
    ck_assert_int_eq(net_send_fds(pair[0], iov, 2, (const int[]){mem, null}, 2), 8);
    close(mem);
    ck_assert_int_eq(net_recv_fds(pair[1], buf, sizeof(buf), fds, &n), 8);
    ck_assert_mem_eq(buf, "headtail", 8);
    ck_assert_uint_eq(n, 2);
    ck_assert(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(read(fds[0], buf, sizeof(buf)), 12);
    ck_assert_mem_eq(buf, "hello memory", 12);
    close(fds[0]);
    close(fds[1]);

    /* more than asked for: refused, nothing leaks */
    int held = open_fds();
    ck_assert_int_eq(net_send_fds(pair[0], iov, 1, (const int[]){null, null}, 2), 4);
    n = 1;
    ck_assert_int_eq(net_recv_fds(pair[1], buf, sizeof(buf), fds, &n), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_int_eq(open_fds(), held);
    /* a packet longer than the buffer as well */
    ck_assert_int_eq(net_send_fds(pair[0], iov, 2, (const int[]){null}, 1), 8);
    n = NET_FDS_MAX;
    ck_assert_int_eq(net_recv_fds(pair[1], buf, 4, fds, &n), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_int_eq(open_fds(), held);
    /* none at all, then the end */
    ck_assert_int_eq(net_send_fds(pair[0], iov, 1, NULL, 0), 4);
    n = NET_FDS_MAX;
    ck_assert_int_eq(net_recv_fds(pair[1], buf, sizeof(buf), fds, &n), 4);
    ck_assert_uint_eq(n, 0);
    n = NET_FDS_MAX;
    ck_assert_int_eq(net_recv_fds(pair[1], buf, sizeof(buf), fds, &n), -1);
    ck_assert_int_eq(errno, EAGAIN);
    close(pair[0]);
    n = NET_FDS_MAX;
    ck_assert_int_eq(net_recv_fds(pair[1], buf, sizeof(buf), fds, &n), 0);
    close(pair[1]);
    close(null);
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(a_full_peer_is_eagain)
{
    int pair[2];
    static char block[4096];
    const struct iovec iov = {block, sizeof(block)};
    ck_assert(net_seqpacket_pair(pair));
    ssize_t n;
    for (int i = 0; (n = net_send_fds(pair[0], &iov, 1, NULL, 0)) > 0 && i < 100000; i++)
        ;
    ck_assert_int_eq(n, -1);
    ck_assert_int_eq(errno, EAGAIN);
    close(pair[1]);
    ck_assert_int_eq(net_send_fds(pair[0], &iov, 1, NULL, 0), -1);
    ck_assert(errno == EPIPE || errno == ECONNRESET); /* and no SIGPIPE */
    close(pair[0]);
}
END_TEST

/* ---- signals ---- */

START_TEST(signals_are_data)
{
    int pid = 0;
    int fd = sig_open((const int[]){SIGTERM, SIGUSR1, 0});
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sig_next(fd, &pid), 0);
    kill(getpid(), SIGTERM);
    ck_assert_int_eq(net_wait(fd, POLLIN, deadline_in_ms(2000)), 1);
    ck_assert_int_eq(sig_next(fd, &pid), SIGTERM);
    ck_assert_int_eq(pid, getpid());
    ck_assert_int_eq(sig_next(fd, NULL), 0);
    close(fd);
}
END_TEST

static void ignore(int signo)
{
    (void)signo;
}

START_TEST(a_child_starts_clean)
{
    int fd = sig_open((const int[]){SIGTERM, 0});
    (void)signal(SIGUSR1, ignore);
    pid_t pid = fork();
    if (pid == 0) {
        struct sigaction sa;
        sigset_t mask;
        sig_reset_child();
        int bad = sigaction(SIGUSR1, NULL, &sa) != 0 || sa.sa_handler != SIG_DFL;
        bad |= sigaction(SIGPIPE, NULL, &sa) != 0 || sa.sa_handler != SIG_IGN;
        bad |= sigprocmask(SIG_SETMASK, NULL, &mask) != 0 || sigismember(&mask, SIGTERM);
        _exit(bad);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(fd);
}
END_TEST

START_TEST(signal_names)
{
    ck_assert_str_eq(sig_name(SIGTERM), "TERM");
    ck_assert_str_eq(sig_name(SIGSEGV), "SEGV");
    ck_assert_str_eq(sig_name(64), "SIG64");
    ck_assert_str_eq(sig_name(0), "SIG0");
    ck_assert_str_eq(sig_name(-1), "SIG-1");
}
END_TEST

/* ---- sd_notify ---- */

static int notify_socket(bool abstract)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char env[128];
    int n = abstract ? snprintf(env, sizeof(env), "@bd-test-%d", (int)getpid())
                     : snprintf(env, sizeof(env), "%s", in_dir("n"));
    memcpy(sa.sun_path, env, (size_t)n);
    if (abstract)
        sa.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
                     0);
    setenv("NOTIFY_SOCKET", env, 1);
    return fd;
}

static const char *note(int fd)
{
    static char buf[1024];
    ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

START_TEST(systemd_is_told)
{
    int fd = notify_socket(_i == 1);
    long long usec = 0;
    notify_sd_init();
    notify_sd_ready();
    ck_assert_str_eq(note(fd), "READY=1");
    notify_sd_reloading();
    ck_assert_int_eq(sscanf(note(fd), "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
    ck_assert_int_gt(usec, 0);
    notify_sd_stopping();
    ck_assert_str_eq(note(fd), "STOPPING=1");
    notify_sd_watchdog();
    ck_assert_str_eq(note(fd), "WATCHDOG=1");
    notify_sd_status("%d workers\nREADY=0", 4);
    ck_assert_str_eq(note(fd), "STATUS=4 workers READY=0"); /* one assignment, whatever the text */
    for (int i = 0; i < 5000; i++)
        notify_sd_watchdog(); /* nobody reads: must not hang */
    close(fd);
    notify_sd_ready();
}
END_TEST

START_TEST(without_systemd_nothing_happens)
{
    static const char *const odd[] = {"", "/", "relative", "@"};
    unsetenv("NOTIFY_SOCKET");
    notify_sd_init();
    notify_sd_ready();
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        setenv("NOTIFY_SOCKET", odd[i], 1);
        notify_sd_init();
        notify_sd_ready();
    }
    ck_assert_int_eq(notify_sd_watchdog_ms(), 0);
}
END_TEST

START_TEST(the_watchdog_is_for_one_pid)
{
    char pid[24];
    int fd = notify_socket(true);
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_sd_init();
    ck_assert_int_eq(notify_sd_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    notify_sd_init();
    ck_assert_int_eq(notify_sd_watchdog_ms(), 0);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    notify_sd_init();
    ck_assert_int_eq(notify_sd_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "junk", 1);
    notify_sd_init();
    ck_assert_int_eq(notify_sd_watchdog_ms(), 0);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *c = th_case(s, "net");
    tcase_add_test(c, tcp_listens_and_names);
    tcase_add_test(c, bad_places_are_refused);
    tcase_add_test(c, networks);
    tcase_add_test(c, waiting_ends_in_time);
    tcase_add_test(c, write_all_has_a_deadline);
    tcase_add_test(c, descriptors_travel);
    tcase_add_test(c, a_full_peer_is_eagain);
    TCase *d = th_case(s, "paths");
    tcase_add_checked_fixture(d, make_dir, drop_dir);
    tcase_add_test(d, a_stale_path_is_replaced_a_live_one_not);
    tcase_add_loop_test(d, systemd_is_told, 0, 2);
    /* these change what the whole process shares: environment, descriptors 3 and 4, signal mask */
    TCase *f = th_case(s, "fork");
    tcase_set_tags(f, TH_TAG_FORK);
    tcase_add_test(f, systemd_descriptors);
    tcase_add_test(f, signals_are_data);
    tcase_add_test(f, a_child_starts_clean);
    tcase_add_test(f, signal_names);
    tcase_add_test(f, without_systemd_nothing_happens);
    tcase_add_test(f, the_watchdog_is_for_one_pid);
    return th_run(s);
}
