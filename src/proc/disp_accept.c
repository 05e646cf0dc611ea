/* New connections, as long as there is room for them. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disp_priv.h"
#include "sys/log.h"
#include "sys/metrics.h"

#define ACCEPT_BATCH 64 /* then the others get their turn */
#define PAUSE_MS 100    /* when descriptors or memory have run out */

bool disp_listen(struct disp *d, bool on)
{
    bool good = true;
    for (size_t i = 0; i < d->env->listen_n; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WATCH_KEY(WATCH_LISTEN, 0, i)};
        good &= epoll_ctl(d->ep, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, d->env->listen_fds[i], &ev) == 0;
    }
    d->accepting = on;
    return good;
}

/* There is a client and no room: the oldest idle connection makes some; without one the client is told so. */
static void refuse(struct disp *d, struct conn *c)
{
    METRIC_INC(M_HTTP_SHED, SHED_CONNECTIONS);
    disp_answer_problem(
        d, c,
        &(struct disp_problem){
            .err = ERR_OVERLOADED, .detail = "Too many connections.", .retry_after_s = 1, .close = true});
}

static void admit(struct disp *d, int fd)
{
    if (d->conns_n >= d->conns_max && d->phases[CP_IDLE].head)
        disp_conn_close(d, d->phases[CP_IDLE].head);
    bool room = d->conns_n < d->conns_max;
    struct conn *c = disp_conn_new(d, fd);
    if (!c) {
        METRIC_INC(M_HTTP_SHED, SHED_CONNECTIONS);
        close(fd);
    } else if (!room) {
        refuse(d, c);
    } else {
        /* The request is often here already: one try saves a turn of the loop. */
        disp_readable(d, c);
    }
}

static void pause_listening(struct disp *d)
{
    if (!d->accept_failing)
        LOG(LOG_WARN, "dispatcher.accept_failed",
            F_STR("why", errno == EMFILE || errno == ENFILE ? "descriptors" : "memory"),
            F_INT("connections", d->conns_n));
    d->accept_failing = true; /* said once, until it works again */
    (void)disp_listen(d, false);
    d->accepting = true;
    d->listening_paused = true;
    d->listen_again = deadline_in_ms(PAUSE_MS);
    if (d->phases[CP_IDLE].head)
        disp_conn_close(d, d->phases[CP_IDLE].head);
}

void disp_accept(struct disp *d, unsigned listener)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(d->env->listen_fds[listener], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            d->accept_failing = false;
            admit(d, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_listening(d);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return; /* EAGAIN; a network fault of one client is no fault of the listener */
        }
    }
}

void disp_accept_all(struct disp *d)
{
    for (unsigned i = 0; i < d->env->listen_n; i++)
        disp_accept(d, i);
}
