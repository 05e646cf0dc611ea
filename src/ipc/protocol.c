/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The packets between master, dispatcher and workers, and the words about them in shared memory.
 * Both ends are the same program, but a worker may have been taken over: lengths are checked before
 * use.
 *
 * A packet is a head, a struct that its caller defines, and bytes. Bytes that are too many for a
 * packet go in a memfd, whose descriptor is sent with it.
 */
#include "ipc/protocol.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/ensure.h"
#include "domain/roles.h"
#include "sys/net.h"
#include "sys/shm.h"

/*
 * Searches (http/http_route.h) leave a quarter of the workers to all other requests, and one at
 * least: whoever signs in or books does not wait for them, however many addresses they come from.
 * The only worker serves everything. Each search keeps a processor busy, mostly one of the
 * database's: with more than two per processor they take longer and all others too. How many the
 * database has is not known, so this host's count.
 */
static int64_t protocol_searches(int64_t workers)
{
    cpu_set_t cpus;
    const int n = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    const int64_t most = workers > 1 ? workers - (workers + 3) / 4 : 1;
    return most < 2 * n ? most : 2 * n;
}

/* The dispatcher gets the numbers it needs and no configuration: that holds secrets. */
struct protocol_limits protocol_limits_of(const struct config *cfg)
{
    return (struct protocol_limits){
        .queue = cfg->server.queue,
        .max_connections = cfg->server.max_connections,
        .max_connections_per_address = cfg->server.max_connections_per_address,
        .max_requests_per_address = cfg->server.max_requests_per_address,
        .min_rate = cfg->server.min_rate,
        .searches = protocol_searches(cfg->server.workers),
        .max_head = cfg->server.max_head,
        .max_body = cfg->server.max_body,
        .request_budget_ms = cfg->server.request_budget_ms,
        .queue_timeout_ms = cfg->server.queue_timeout_ms,
        .head_timeout_ms = cfg->server.head_timeout_ms,
        .body_timeout_ms = cfg->server.body_timeout_ms,
        .idle_timeout_ms = cfg->server.idle_timeout_ms,
        .drain_timeout_ms = cfg->server.drain_timeout_ms,
        .log_format = cfg->log.format,
        .log_level = cfg->log.level,
        .log_skip = cfg->log.skip,
    };
}

/* The connection's descriptor comes first, the memfd last; the receiver counts on that order. */
bool protocol_send(int sock, const void *head, size_t head_size, struct protocol_packet *p)
{
    int fds[2], memfd = -1;
    size_t fds_n = 0;
    struct iovec iov[2] = {{.iov_base = (void *)(uintptr_t)head, .iov_len = head_size},
                           {.iov_base = p->bytes, .iov_len = p->len}};
    if (p->fd >= 0)
        fds[fds_n++] = p->fd;
    if (p->len > PROTOCOL_INLINE_MAX) {
        memfd = net_memfd(p->bytes, p->len);
        if (memfd < 0)
            return false;
        fds[fds_n++] = memfd;
        iov[1].iov_len = 0;
    }
    ssize_t sent = net_send_fds(sock, iov, iov[1].iov_len > 0 ? 2 : 1, fds, fds_n);
    int saved = errno;
    if (memfd >= 0)
        close(memfd);
    errno = saved;
    return sent >= 0;
}

#define BUDGET_MAX_NS INT64_C(86400000000000) /* a day: above server.request_budget */

#define KIND(type, member, most)                                                       \
    {                                                                                  \
        .head_size = sizeof(type), .len_at = offsetof(type, member), .len_max = (most) \
    }
const struct protocol_kind protocol_requests =
    KIND(struct protocol_request, len, PROTOCOL_REQUEST_MAX);
/* Inline, so that a dispatcher without descriptors gets answers all the same. */
const struct protocol_kind protocol_reports =
    KIND(struct protocol_report, len, PROTOCOL_INLINE_MAX);
/* Networks and origins: the configuration bounds them far below. */
const struct protocol_kind protocol_orders = KIND(struct protocol_order, len, PROTOCOL_REQUEST_MAX);

/* Reads and does not map: a sender that cuts a mapped file short ends its reader with SIGBUS. */
static bool protocol_read_file(int fd, char *to, size_t len)
{
    for (size_t at = 0; at < len;) {
        const ssize_t n = pread(fd, to + at, len - at, (off_t)at);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Copies the bytes of a memfd. False: it is shorter than it says, or no file. */
static bool protocol_copy_bytes(struct protocol_packet *p, int memfd, size_t len)
{
    struct stat st;
    if (fstat(memfd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < len)
        return false;
    char *copy = malloc(len);
    p->lost = !copy;
    if (p->lost)
        return true;
    p->heap = p->bytes = copy;
    p->len = len;
    return protocol_read_file(memfd, copy, len);
}

/* What is behind the head: the bytes at p->bytes, or those in the last of the descriptors. False:
 * it contradicts the head. */
static bool protocol_unpack_packet(struct protocol_packet *p, uint64_t len, const int *fds,
                                   size_t fds_n)
{
    const bool in_memfd = len > PROTOCOL_INLINE_MAX;
    if (p->lost)
        return true;
    if (in_memfd && (fds_n == 0 || !protocol_copy_bytes(p, fds[fds_n - 1], (size_t)len)))
        return false;
    if (!in_memfd && p->len != len)
        return false;
    if (fds_n > in_memfd && !p->lost)
        p->fd = fds[0];
    return true;
}

/* 1 a packet, 0 none that makes sense (or the other side has ended), -1 with errno. */
int protocol_recv(int sock, const struct protocol_kind *kind, char *buf, void *head,
                  struct protocol_packet *p)
{
    int fds[NET_FDS_MAX];
    size_t fds_n = ARRAY_LEN(fds);
    ssize_t n;
    *p = (struct protocol_packet){.fd = -1};
    do {
        /* ECONNRESET only says that the dead peer left packets unread; those it sent before are
         * still to come. */
        fds_n = ARRAY_LEN(fds);
        n = net_recv_fds(sock, buf, PROTOCOL_PACKET_MAX, fds, &fds_n);
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0)
        return -1;
    /* The head is still there: it names the request, which can then be answered with 503. */
    p->lost = fds_n == NET_FDS_LOST;
    if (p->lost)
        fds_n = 0;
    bool good = n > 0 && (size_t)n >= kind->head_size;
    if (good) {
        uint64_t len = 0;
        memcpy(head, buf, kind->head_size);
        memcpy(&len, buf + kind->len_at, sizeof(len));
        p->bytes = buf + kind->head_size;
        p->len = (size_t)n - kind->head_size;
        good = len <= kind->len_max && protocol_unpack_packet(p, len, fds, fds_n);
    }
    for (size_t i = 0; i < fds_n; i++) {
        if (fds[i] != p->fd)
            close(fds[i]);
    }
    if (p->lost)
        p->len = 0;
    if (!good)
        protocol_drop(p);
    return good ? 1 : 0;
}

/* The bytes of a short packet are in the receiver's own buffer, which is the receiver's to wipe. */
void protocol_drop(struct protocol_packet *p)
{
    if (p->heap)
        digest_wipe(p->heap, p->len);
    free(p->heap);
    p->heap = NULL;
}

/* A cache line each: the master reads them all, once per turn. */
static struct given {
    _Alignas(64) _Atomic int64_t at;
    _Atomic int64_t until;
} * given; /* one per slot, written by the dispatcher */
static unsigned given_n;

size_t protocol_shared_size(unsigned slots)
{
    return shm_round(slots * sizeof(struct given));
}

void protocol_shared_init(unsigned slots)
{
    given_n = slots;
    given = shm_alloc(slots * sizeof(*given), ROLE_BIT(ROLE_DISPATCHER));
}

/* For the master's watch: a worker that died or hung before it took the packet says nothing
 * itself. */
void protocol_give(unsigned slot, struct protocol_given g)
{
    ENSURE(slot < given_n);
    atomic_store_explicit(&given[slot].until, g.until.at.ns, memory_order_relaxed);
    atomic_store_explicit(&given[slot].at, g.at.ns, memory_order_release);
}

/* A reader between the two writes sees the old `at` with the new `until`. That is later than the
 * true limit, so no worker is ended for it. Times that no dispatcher writes count as none. */
struct protocol_given protocol_given(unsigned slot)
{
    ENSURE(slot < given_n);
    const int64_t now = mono_now().ns;
    const int64_t at = atomic_load_explicit(&given[slot].at, memory_order_acquire);
    const int64_t until = atomic_load_explicit(&given[slot].until, memory_order_relaxed);
    if (at < 0 || at > now || until < 0 || until > now + BUDGET_MAX_NS)
        return (struct protocol_given){.at = {0}};
    return (struct protocol_given){{at}, {{until}}};
}
