/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The listening sockets: which of them are used, and whether epoll tells of those who wait in them.
 * A socket is closed here as soon as it is not used any more. Called by disp_accept.c,
 * disp_expire.c and the orders of the master.
 */
#include "disp_listen.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "disp_tag.h"

/* When descriptors or memory have run out: others end within such a time, and trying at once would
 * spin. */
#define LISTEN_PAUSE_MS 100

/* A socket may be here before its epoch has begun. */
bool disp_listen_used(const struct disp *d, unsigned listener)
{
    return d->listen_fds[listener] >= 0 && (d->listen_on >> listener & 1u) != 0;
}

bool disp_listen_watch(struct disp *d, unsigned listener, bool on)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = DISP_TAG(TAG_LISTENER, 0, listener)};
    return epoll_ctl(d->ep, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, d->listen_fds[listener], &ev) == 0;
}

bool disp_listen_all(struct disp *d, bool on)
{
    bool good = true;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (disp_listen_used(d, i))
            good &= disp_listen_watch(d, i, on);
    }
    d->accepting = on;
    return good;
}

/* `accepting` says what is wanted, `listening_paused` that it is suspended. */
void disp_listen_pause(struct disp *d)
{
    (void)disp_listen_all(d, false);
    d->accepting = true;
    d->listening_paused = true;
    d->listen_again = deadline_in_ms(LISTEN_PAUSE_MS);
}

void disp_listen_resume(struct disp *d)
{
    if (!d->listening_paused || !deadline_passed(d->listen_again))
        return;
    d->listening_paused = false;
    (void)disp_listen_all(d, true);
}

/* It is not watched any more: epoll would go on reporting it as long as the master has a copy. */
void disp_listen_close(struct disp *d, unsigned listener)
{
    close(d->listen_fds[listener]);
    d->listen_fds[listener] = -1;
}
