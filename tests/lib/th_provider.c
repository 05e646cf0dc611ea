/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "th_provider.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 65536

struct thp {
    struct thp_script scripts[8];
    size_t scripts_n;
    bool over_and_over;
    int listener, stop[2], port;
    int held[16]; /* connections that fill the queue of a black hole */
    size_t held_n;
    pthread_t thread;
    bool running;
    SSL_CTX *tls;
    atomic_uint connections, requests, closed;
    pthread_mutex_t lock;
    char last[REQUEST_MAX + 1], copy[REQUEST_MAX + 1];
};

struct conn {
    struct thp *t;
    int fd;
    SSL *ssl;
};

/* Ready for `events`, or false when the test is over. */
static bool ready(const struct conn *c, short events, int timeout_ms, bool *timed_out)
{
    struct pollfd p[2] = {{.fd = c->fd, .events = events}, {.fd = c->t->stop[0], .events = POLLIN}};
    int n = poll(p, 2, timeout_ms);
    if (timed_out)
        *timed_out = n == 0;
    return n > 0 && p[1].revents == 0;
}

static ssize_t take(struct conn *c, char *p, size_t n)
{
    if (!c->ssl)
        return ready(c, POLLIN, -1, NULL) ? recv(c->fd, p, n, 0) : -1;
    for (;;) {
        int got = SSL_read(c->ssl, p, (int)n);
        if (got > 0)
            return got;
        if (SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ || !ready(c, POLLIN, -1, NULL))
            return -1;
    }
}

static bool give(struct conn *c, const char *p, size_t n)
{
    while (n > 0) {
        if (!ready(c, POLLOUT, -1, NULL))
            return false;
        ssize_t put = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (put < 0 && !c->ssl && errno == EAGAIN)
            continue;
        if (put <= 0)
            return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

static bool read_request(struct conn *c, bool head_only)
{
    char *buf = malloc(REQUEST_MAX + 1);
    size_t n = 0;
    bool whole = false;
    while (!whole && n < REQUEST_MAX) {
        ssize_t got = take(c, buf + n, REQUEST_MAX - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        buf[n] = '\0';
        const char *end = strstr(buf, "\r\n\r\n");
        if (!end)
            continue;
        const char *length = strcasestr(buf, "\r\nContent-Length:");
        size_t want = length && length < end && !head_only ? strtoul(length + 17, NULL, 10) : 0;
        whole = n >= (size_t)(end + 4 - buf) + want;
    }
    if (whole) {
        pthread_mutex_lock(&c->t->lock);
        memcpy(c->t->last, buf, n + 1);
        pthread_mutex_unlock(&c->t->lock);
        atomic_fetch_add(&c->t->requests, 1);
    }
    free(buf);
    return whole;
}

static void until_gone(struct conn *c)
{
    char sink[4096];
    while (take(c, sink, sizeof(sink)) > 0)
        continue;
}

static bool drip(struct conn *c, const struct thp_step *s)
{
    for (size_t i = 0;; i = s->text[i + 1] ? i + 1 : 0) {
        bool timed_out;
        if (!give(c, s->text + i, 1))
            return false;
        (void)ready(c, POLLIN, s->n, &timed_out);
        if (!timed_out)
            return false;
    }
}

/* In blocks: a call for each copy would be the slowest part of the test. */
static bool repeat(struct conn *c, const struct thp_step *s)
{
    char block[4096];
    size_t len = strlen(s->text), block_n = sizeof(block) / len * len, sent = 0;
    for (size_t i = 0; i < block_n; i++)
        block[i] = s->text[i % len];
    for (size_t n = block_n; s->n == 0 || sent < (size_t)s->n; sent += n) {
        if (s->n != 0 && (size_t)s->n - sent < n)
            n = (size_t)s->n - sent;
        if (!give(c, block, n))
            return false;
    }
    return true;
}

static bool handshake(struct conn *c)
{
    c->ssl = SSL_new(c->t->tls);
    SSL_set_fd(c->ssl, c->fd);
    for (;;) {
        int done = SSL_accept(c->ssl);
        if (done == 1)
            return true;
        if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ || !ready(c, POLLIN, -1, NULL))
            return false;
    }
}

/* One step; false ends the connection. */
static bool act(struct conn *c, const struct thp_step *s)
{
    switch (s->what) {
    case THP_REQUEST:
    case THP_HEAD:
        return read_request(c, s->what == THP_HEAD);
    case THP_SEND:
        return give(c, s->text, strlen(s->text));
    case THP_DRIP:
        return drip(c, s);
    case THP_REPEAT:
        return repeat(c, s);
    case THP_TLS:
        return handshake(c);
    case THP_SHUT:
        shutdown(c->fd, SHUT_WR);
        until_gone(c);
        return false;
    case THP_HANG:
        until_gone(c);
        return false;
    case THP_RESET:
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        return false;
    case THP_END:
        break;
    }
    return false;
}

static void serve(struct thp *t, int fd)
{
    unsigned i = atomic_fetch_add(&t->connections, 1);
    struct conn c = {.t = t, .fd = fd};
    const struct thp_script *script = &t->scripts[i < t->scripts_n ? i : t->scripts_n - 1];
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (size_t step = 0; step < THP_STEPS_MAX; step++)
        if (!act(&c, &script->steps[step]))
            break;
        else if (t->over_and_over && step == 1)
            step = (size_t)-1;
    if (c.ssl)
        SSL_free(c.ssl);
    close(fd);
    atomic_fetch_add(&t->closed, 1);
}

static void *run(void *arg)
{
    struct thp *t = arg;
    for (;;) {
        struct conn listener = {.t = t, .fd = t->listener};
        if (!ready(&listener, POLLIN, -1, NULL))
            return NULL;
        int fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve(t, fd);
    }
}

static struct thp *listen_on_loopback(int backlog)
{
    struct thp *t = calloc(1, sizeof(*t));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(t->listener, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(t->listener, backlog), 0);
    ck_assert_int_eq(getsockname(t->listener, (struct sockaddr *)&at, &size), 0);
    ck_assert_int_eq(pipe2(t->stop, O_CLOEXEC), 0);
    t->port = ntohs(at.sin_port);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

static struct thp *start(struct thp *t, const struct thp_script *scripts, size_t n)
{
    ck_assert_uint_le(n, sizeof(t->scripts) / sizeof(t->scripts[0]));
    memcpy(t->scripts, scripts, n * sizeof(*scripts));
    t->scripts_n = n;
    t->running = pthread_create(&t->thread, NULL, run, t) == 0;
    ck_assert(t->running);
    return t;
}

struct thp *thp_start_tls(const struct thp_script *scripts, size_t n, const char *pem)
{
    struct thp *t = listen_on_loopback(64);
    t->tls = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(t->tls, pem), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(t->tls, pem, SSL_FILETYPE_PEM), 1);
    return start(t, scripts, n);
}

struct thp *thp_start(const struct thp_script *scripts, size_t n)
{
    return start(listen_on_loopback(64), scripts, n);
}

struct thp *thp_start_answer(const char *answer)
{
    struct thp_script script = {{{THP_REQUEST, NULL, 0}, {THP_SEND, answer, 0}}};
    struct thp *t = listen_on_loopback(64);
    t->over_and_over = true;
    return start(t, &script, 1);
}

struct thp *thp_start_black_hole(void)
{
    struct thp *t = listen_on_loopback(0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)t->port)};
    while (t->held_n <
           4) { /* a queue of length 0 takes one or two; further ones stay in SYN_SENT */
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fd, (struct sockaddr *)&at, sizeof(at));
        t->held[t->held_n++] = fd;
        (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 50);
    }
    return t;
}

int thp_closed_port(void)
{
    struct thp *t = listen_on_loopback(1);
    int port = t->port;
    thp_stop(t);
    return port;
}

int thp_port(const struct thp *t)
{
    return t->port;
}
unsigned thp_connections(const struct thp *t)
{
    return atomic_load(&t->connections);
}
unsigned thp_requests(const struct thp *t)
{
    return atomic_load(&t->requests);
}

bool thp_wait_closed(const struct thp *t, unsigned n)
{
    for (int ms = 0; ms < 5000 && atomic_load(&t->closed) < n; ms++)
        usleep(1000);
    return atomic_load(&t->closed) >= n;
}

const char *thp_request(struct thp *t)
{
    pthread_mutex_lock(&t->lock);
    memcpy(t->copy, t->last, sizeof(t->copy));
    pthread_mutex_unlock(&t->lock);
    return t->copy;
}

void thp_stop(struct thp *t)
{
    if (!t)
        return;
    (void)!write(t->stop[1], "x", 1);
    if (t->running)
        pthread_join(t->thread, NULL);
    for (size_t i = 0; i < t->held_n; i++)
        close(t->held[i]);
    close(t->listener);
    close(t->stop[0]);
    close(t->stop[1]);
    SSL_CTX_free(t->tls);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

const char *thp_json(int status, const char *body)
{
    static char buf[16][4096];
    static unsigned next;
    char *at = buf[next++ % 16];
    snprintf(at, sizeof(buf[0]),
             "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(body), body);
    return at;
}
