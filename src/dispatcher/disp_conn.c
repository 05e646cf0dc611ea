/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Places of connections, the lists of phases with their limits of time, and what epoll is asked
 * about each. Called by all files of the dispatcher; knows none of them but the peers' table. */
#include "disp_conn.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/ensure.h"
#include "disp_peers.h"
#include "disp_tag.h"
#include "sys/log.h"
#include "sys/net.h"

/* Places beyond max_connections, for those who are told 503 instead of nothing. */
#define REFUSALS 64
#define LINGER_MS 2000 /* several round trips, within which the client sees the answer and ends */
#define OTHER_FDS 64   /* log, epoll, control, memfds in flight; ample */
#define CONNECTIONS_MAX 1048576u /* the limit of server.max_connections in config.def */
#define CONNECTIONS_MIN 16u      /* with fewer descriptors than this the service is of no use */

/* No more connections than descriptors: each needs one, each worker needs one. */
static unsigned disp_conn_count_fds(const struct disp *d)
{
    const rlim_t kept = OTHER_FDS + d->workers_n + LISTENERS_MAX;
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY ||
        r.rlim_cur > CONNECTIONS_MAX + kept)
        return CONNECTIONS_MAX;
    return r.rlim_cur > kept + CONNECTIONS_MIN ? (unsigned)(r.rlim_cur - kept) : CONNECTIONS_MIN;
}

/* Places for all that there can ever be: a reload may ask for more, and pointers to them are
 * everywhere. */
bool disp_conns_init(struct disp *d)
{
    d->conns_cap = disp_conn_count_fds(d) + REFUSALS;
    /* NORESERVE: pages exist once a connection uses them. */
    void *p = mmap(NULL, d->conns_cap * sizeof(*d->conns), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                   0); // cppcheck-suppress invalidFunctionArg
    if (p == MAP_FAILED)
        return false;
    d->conns = p;
    return disp_peers_init(d);
}

/* The time limit of a phase counts from when the connection entered it. */
void disp_conns_limits(struct disp *d)
{
    const struct protocol_limits *l = &d->limits;
    d->conns_max = (unsigned)l->max_connections;
    if (d->conns_max > d->conns_cap - REFUSALS) {
        d->conns_max = d->conns_cap - REFUSALS;
        LOG(LOG_LEVEL_WARN, "dispatcher.connections_capped", F_INT("wanted", l->max_connections),
            F_INT("connections", d->conns_max), F_STR("hint", "raise the limit of open files"));
    }
    d->phases[CP_IDLE].limit_ms = l->idle_timeout_ms;
    d->phases[CP_HEAD].limit_ms = l->head_timeout_ms;
    d->phases[CP_BODY].limit_ms = l->body_timeout_ms;
    d->phases[CP_QUEUED].limit_ms = l->queue_timeout_ms;
    d->phases[CP_RETRY].limit_ms = l->queue_timeout_ms;
    d->phases[CP_WRITING].limit_ms = l->body_timeout_ms;
    d->phases[CP_LINGER].limit_ms = LINGER_MS;
}

/* Doubly linked, so that a connection leaves its list without a search. */
static void disp_conn_unlink(struct phase_list *l, struct conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        l->head = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        l->tail = c->prev;
    c->prev = c->next = NULL;
    l->n--;
}

/* At the tail: a list is in the order of time, so only its head can be over the limit. */
static void disp_conn_append(struct phase_list *l, struct conn *c)
{
    c->prev = l->tail;
    c->next = NULL;
    if (l->tail)
        l->tail->next = c;
    else
        l->head = c;
    l->tail = c;
    l->n++;
}

/* `since` starts anew: each phase has a limit of its own. */
void disp_conn_move(struct disp *d, struct conn *c, enum conn_phase to)
{
    disp_conn_unlink(&d->phases[c->phase], c);
    c->phase = to;
    c->since = d->now;
    disp_conn_append(&d->phases[to], c);
}

static uint64_t disp_conn_tag(const struct disp *d, const struct conn *c)
{
    return DISP_TAG(TAG_CONN, c->generation, c - d->conns);
}

struct conn *disp_conn_new(struct disp *d, int fd, const struct sockaddr_storage *from)
{
    /* The generation tells an event of epoll for this connection from one for its predecessor in
     * the place. */
    struct conn *c = d->free;
    if (c)
        d->free = c->next;
    /* Places that were used before come first: their memory is in the cache, and the rest of the
     * array is never touched. */
    else if (d->conns_used < d->conns_cap)
        c = &d->conns[d->conns_used++];
    else
        return NULL;
    *c = (struct conn){.fd = fd,
                       .generation = c->generation + 1,
                       .phase = CP_IDLE,
                       .since = d->now,
                       .watched = EPOLLIN};
    net_address_text(from, c->address, sizeof(c->address));
    /* Input stays watched while a request is under way: most clients are silent then, and nothing
     * has to be asked of epoll. The others are muted. */
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = disp_conn_tag(d, c)};
    if (epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev) != 0) {
        c->phase = CP_FREE;
        c->next = d->free;
        d->free = c;
        return NULL;
    }
    disp_conn_append(&d->phases[CP_IDLE], c);
    d->conns_n++;
    return c;
}

/* Requests hold tokens and one-time codes. */
void disp_conn_drop_input(struct conn *c)
{
    if (c->buf)
        digest_wipe(c->buf, c->cap);
    free(c->buf);
    c->buf = NULL;
    c->len = c->cap = 0;
}

/* Answers hold tokens and names. */
void disp_conn_drop_output(struct conn *c)
{
    if (c->out)
        digest_wipe(c->out, c->out_len);
    free(c->out);
    c->out = NULL;
}

void disp_conn_close(struct disp *d, struct conn *c)
{
    ENSURE(c->phase != CP_FREE);
    disp_peers_end(d, c->req);
    disp_peers_leave(d, c);
    disp_conn_unlink(&d->phases[c->phase], c);
    /* By name: a worker may still hold a copy of the descriptor, and epoll watches the open file,
     * not the number. */
    (void)epoll_ctl(d->ep, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    free(c->req);
    disp_conn_drop_input(c);
    disp_conn_drop_output(c);
    *c = (struct conn){.fd = -1, .generation = c->generation, .phase = CP_FREE, .next = d->free};
    d->free = c;
    d->conns_n--;
}

/* False: epoll has no memory; the caller closes the connection. */
bool disp_conn_want(struct disp *d, struct conn *c, uint32_t events)
{
    if (c->watched == events)
        return true;
    c->watched = events;
    struct epoll_event ev = {.events = events, .data.u64 = disp_conn_tag(d, c)};
    return epoll_ctl(d->ep, EPOLL_CTL_MOD, c->fd, &ev) == 0;
}

/* A broken connection is reported whatever is asked, hence one shot: once more at most. Without
 * memory for it the worst is another report in the next turn. */
void disp_conn_mute(struct disp *d, struct conn *c)
{
    if (c->watched != 0)
        c->watched = disp_conn_want(d, c, EPOLLONESHOT) ? 0 : EPOLLIN;
}

/* NULL for an event that is older than the connection now in the place. */
struct conn *disp_conn_find(struct disp *d, uint64_t tag)
{
    struct conn *c = &d->conns[DISP_TAG_INDEX(tag)];
    return c->phase != CP_FREE && (c->generation & 0xffffff) == DISP_TAG_GENERATION(tag) ? c : NULL;
}

/* Valid until the buffer grows or is dropped. */
struct str disp_conn_path(const struct conn *c)
{
    return (struct str){c->buf + c->req->path_at, c->req->path_n};
}

static int64_t disp_conn_left_ms(const struct disp *d, const struct phase_list *l)
{
    return l->limit_ms - mono_ms_between(l->head->since, d->now);
}

/* Only the heads of the lists are looked at: behind them everybody is younger. */
int disp_conn_wait_ms(const struct disp *d, int most_ms)
{
    int64_t wait = most_ms;
    for (int p = 0; p < CP_COUNT; p++) {
        const struct phase_list *l = &d->phases[p];
        if (l->head && l->limit_ms > 0 && disp_conn_left_ms(d, l) < wait)
            wait = disp_conn_left_ms(d, l);
    }
    return wait < 0 ? 0 : (int)wait + 1; /* a millisecond late rather than a turn too early */
}

/* A limit of 0 is none: such a phase ends by an event alone. */
struct conn *disp_conn_expired(struct disp *d, enum conn_phase p)
{
    const struct phase_list *l = &d->phases[p];
    return l->head && l->limit_ms > 0 && disp_conn_left_ms(d, l) <= 0 ? l->head : NULL;
}
