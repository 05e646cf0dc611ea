/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The poll loop of the sandbox: clients, webhooks on their way, signals. Called by main.c. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim_conn.h"
#include "sim_hook.h"
#include "sim_serve.h"
#include "sys/sig.h"

#define CONNS_MAX 1024
#define HOOKS_MAX 256
#define ACCEPTS_AT_ONCE 64

static struct sim_conn *conns[CONNS_MAX];
static struct pollfd fds[CONNS_MAX + HOOKS_MAX + 2];
static size_t conns_n;

/* The listening socket, closed for a while when it was ordered to be. */
static int door = -1;
static union {
    struct sockaddr sa;
    struct sockaddr_storage any;
} door_at;
static socklen_t door_len;
static struct deadline door_opens;

/* Refuses connections for so long: for SIM_SHUT. */
static void loop_shut_door(int64_t ms)
{
    if (door >= 0)
        close(door);
    door = -1;
    door_opens = deadline_in_ms(ms);
}

/* Should somebody else have taken the port meanwhile, it is tried again. */
static void loop_open_door(void)
{
    const int on = 1;
    int fd = socket(door_at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, &door_at.sa, door_len) == 0 && listen(fd, 128) == 0) {
        door = fd;
        return;
    }
    if (fd >= 0)
        close(fd);
    door_opens = deadline_in_ms(10);
}

static void loop_drop_client(size_t i)
{
    sim_conn_free(conns[i]);
    conns[i] = conns[--conns_n];
}

/* Ends the client that has been silent for longest in the middle of a request or between two.
 * False: all wait for answers. */
static bool loop_make_room(void)
{
    size_t victim = conns_n;
    for (size_t i = 0; i < conns_n; i++)
        if (conns[i]->state == SIM_READING &&
            (victim == conns_n || conns[i]->since.ns < conns[victim]->since.ns))
            victim = i;
    if (victim == conns_n)
        return false;
    loop_drop_client(victim);
    return true;
}

static void loop_accept(int listener)
{
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && loop_make_room())
            continue;
        if (fd < 0)
            return;
        struct sim_conn *c = conns_n < CONNS_MAX || loop_make_room() ? sim_conn_new(fd) : NULL;
        if (c == NULL)
            close(fd);
        else
            conns[conns_n++] = c;
    }
}

/* A descriptor a client, one a message on its way, and a few. */
static void loop_allow_descriptors(void)
{
    struct rlimit limit;
    rlim_t wanted = CONNS_MAX + HOOKS_MAX + 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* without: fewer clients, the silent ones give way */
}

/* Milliseconds until the earliest thing is due; -1: nothing is. */
static int loop_next_wake(void)
{
    int soonest = door < 0 ? deadline_left_ms(door_opens) : -1;
    for (size_t i = 0; i < conns_n; i++) {
        if (conns[i]->wake.ns == 0)
            continue;
        int ms = deadline_left_ms((struct deadline){conns[i]->wake});
        if (soonest < 0 || ms < soonest)
            soonest = ms;
    }
    return soonest;
}

static void loop_step_all(void)
{
    size_t n = conns_n;
    for (size_t i = n; i-- > 0;) { /* backwards: the last one fills the hole of a closed one */
        if (!sim_conn_step(conns[i], fds[i + 2].revents))
            loop_drop_client(i);
    }
}

int sim_run(int listener)
{
    int signals = sig_open((const int[]){SIGTERM, SIGINT, 0});
    door = listener;
    door_len = sizeof door_at;
    if (signals < 0 || getsockname(listener, &door_at.sa, &door_len) != 0)
        return 1;
    sim_conn_shut = loop_shut_door;
    loop_allow_descriptors();
    for (;;) {
        if (door < 0 && deadline_passed(door_opens))
            loop_open_door();
        fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = door, .events = POLLIN};
        for (size_t i = 0; i < conns_n; i++)
            fds[i + 2] = (struct pollfd){.fd = conns[i]->fd, .events = sim_conn_events(conns[i])};
        int wake_ms = loop_next_wake();
        struct pollfd *hooks = fds + conns_n + 2;
        size_t hooks_n = sim_hook_poll(hooks, HOOKS_MAX, &wake_ms);
        if (poll(fds, conns_n + 2 + hooks_n, wake_ms) < 0 && errno != EINTR)
            return 1;
        if (fds[0].revents != 0)
            break;
        sim_hook_step(
            hooks,
            hooks_n); /* before the clients: what they cause gets descriptors of the next round */
        loop_step_all();
        if ((fds[1].revents & POLLIN) && fds[1].fd == door)
            loop_accept(door);
    }
    while (conns_n > 0)
        sim_conn_free(conns[--conns_n]);
    sim_hook_clear();
    if (door >= 0)
        close(door);
    close(signals);
    return 0;
}
