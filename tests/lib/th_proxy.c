/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "th_proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int bound(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert(s >= 0 && bind(s, (struct sockaddr *)&a, n) == 0 &&
              getsockname(s, (struct sockaddr *)&a, &n) == 0);
    *port = ntohs(a.sin_port);
    return s;
}

static int upstream(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)atoi(getenv("BOOKINGD_TEST_PG_PORT")))};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (s >= 0 && connect(s, (struct sockaddr *)&a, sizeof(a)) == 0)
        return s;
    _exit(1);
}

/* BackendKeyData: 'K', length 12, pid, key. */
static void other_pid(char *p, size_t n)
{
    char *k = memmem(p, n, "K\0\0\0\014", 5);

    if (k && k + 9 <= p + n)
        k[7] ^= 0x55;
}

/* Passes bytes both ways until one side ends or the mode has had its way. */
static void serve(int client, enum th_proxy_mode mode)
{
    static char buf[1 << 16];
    int server = upstream();
    struct pollfd p[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};

    for (bool committing = false;;) {
        if (poll(p, 2, -1) < 0)
            break;
        int from = p[0].revents ? 0 : 1;
        ssize_t n = read(p[from].fd, buf, sizeof(buf));
        if (n <= 0)
            break;
        if (from == 0 && memmem(buf, (size_t)n, "COMMIT", 6)) {
            if (mode == TH_PROXY_STOP_COMMIT)
                break;
            committing = true;
        }
        if (from == 1 && committing && mode == TH_PROXY_EAT_COMMIT)
            break;
        if (from == 1 && committing && mode == TH_PROXY_HANG_COMMIT)
            for (;;)
                pause();
        if (from == 1 && mode == TH_PROXY_OTHER_PID)
            other_pid(buf, (size_t)n);
        if (write(p[1 - from].fd, buf, (size_t)n) != n)
            break;
    }
    close(server);
    close(client);
}

static void run(int listener, enum th_proxy_mode mode)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int c = accept(listener, NULL, NULL);
        if (mode == TH_PROXY_SILENT)
            for (;;)
                pause();
        serve(c, mode);
    }
}

void th_proxy_start(struct th_proxy *p, enum th_proxy_mode mode)
{
    int s = bound(&p->port);

    ck_assert_int_eq(listen(s, 16), 0);
    p->pid = fork();
    ck_assert(p->pid >= 0);
    if (p->pid == 0)
        run(s, mode);
    close(s);
}

void th_proxy_stop(struct th_proxy *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
}

int th_closed_port(void)
{
    int port;

    close(bound(&port));
    return port;
}
