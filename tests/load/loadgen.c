/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Load for tests/campaigns/load.py: many HTTP/1.1 clients in one process, one epoll, so that two
 * cores are enough for both sides.
 *
 *   loadgen hold PORT IDLE DRIP       holds connections: IDLE that were answered once, DRIP that
 * send a byte a second of a head without end. Says "held", goes on until its stdin ends, and prints
 * how many the server closed. loadgen run PORT [OPTION=N...]    clients=N seconds=N   each sends
 * its next request when the last one is answered rate=N N requests come a second, answered or not;
 * clients: at most once=1                each request of the file once, then the end requests=FILE
 * what to send: "LENGTH\n" and so many bytes, again and again answers=FILE writes a line each
 * answer: microseconds, status, request id Prints what came of it as JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define STATUSES 600
#define ROOM ((size_t)512 * 1024) /* of one answer */
#define GRACE_US 20000000         /* after the last request, for the last answer */

struct bytes {
    const char *p;
    size_t n;
};

struct client {
    int fd;      /* -1: no connection */
    bool busy;   /* a request is out */
    bool reused; /* on a connection that served one before */
    size_t len;
    int64_t sent; /* microseconds */
    char *buf;
    struct client *next; /* of those with nothing to do */
};

struct answer {
    int64_t us;
    int status;
};

static struct {
    struct sockaddr_in to;
    int ep;
    struct bytes *requests;
    size_t requests_n, cursor;
    long clients_n, seconds, rate;
    bool once, over; /* over: no more requests */
    FILE *log;
    struct client *clients, *resting;
    struct answer *answers;
    size_t answers_n, answers_cap;
    unsigned long in_time, in_time_good; /* answers before the time was up; with 2xx */
    unsigned long sent_n, resets, cuts, stale, refused,
        lost; /* lost: open loop, no client was free to send */
} g;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        die("memory");
    return p;
}

static int connect_now(void)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&g.to, sizeof(g.to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void watch(int fd, void *what)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(g.ep, EPOLL_CTL_ADD, fd, &ev) != 0)
        die("epoll_ctl");
}

/* ---- run ---- */

static void note(int64_t us, int status, const char *id, size_t id_n)
{
    if (g.answers_n == g.answers_cap) {
        g.answers_cap = g.answers_cap ? g.answers_cap * 2 : 4096;
        g.answers = must(realloc(g.answers, g.answers_cap * sizeof(*g.answers)));
    }
    g.answers[g.answers_n++] = (struct answer){us, status < STATUSES ? status : 0};
    g.in_time += !g.over;
    g.in_time_good += !g.over && status < 300;
    if (g.log)
        fprintf(g.log, "%" PRId64 " %d %.*s\n", us, status, (int)id_n, id);
}

static void drop(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->busy = c->reused = false;
    c->len = 0;
}

static void rest(struct client *c)
{
    c->next = g.resting;
    g.resting = c;
}

/* False: nothing was sent, and nothing will be by this client. */
static bool send_next(struct client *c)
{
    if (g.once && g.cursor >= g.requests_n)
        return false;
    const struct bytes r = g.requests[g.cursor++ % g.requests_n];
    if (c->fd < 0 && (c->fd = connect_now()) < 0) {
        g.refused++;
        return false;
    }
    if (!c->reused && !c->busy)
        watch(c->fd, c);
    c->sent = now_us();
    c->busy = true;
    g.sent_n++;
    if (send(c->fd, r.p, r.n, MSG_NOSIGNAL) == (ssize_t)r.n)
        return true;
    if (c->reused) { /* closed while it was idle, before this request: not the request's fault */
        g.stale++;
        g.sent_n--;
        g.cursor--;
        drop(c);
        return send_next(c);
    }
    g.resets++;
    drop(c);
    return true;
}

static const char *field(const char *head, size_t n, const char *name, size_t *len)
{
    const size_t name_n = strlen(name);
    for (const char *p = memchr(head, '\n', n); p && (size_t)(p - head) + name_n + 2 < n;) {
        if (strncasecmp(++p, name, name_n) == 0 && p[name_n] == ':') {
            const char *v = p + name_n + 1;
            v += *v == ' ';
            const char *end = memchr(v, '\r', n - (size_t)(v - head));
            *len = end ? (size_t)(end - v) : 0;
            return v;
        }
        p = memchr(p, '\n', n - (size_t)(p - head));
    }
    *len = 0;
    return NULL;
}

/* A whole answer? Then it is noted, and the client is ready for more. */
static bool answered(struct client *c)
{
    const char *end = memmem(c->buf, c->len, "\r\n\r\n", 4);
    size_t n = 0, id_n = 0;
    if (!end)
        return false;
    const size_t head = (size_t)(end - c->buf) + 4;
    const char *length = field(c->buf, head, "Content-Length", &n);
    const size_t whole = head + (length ? strtoul(length, NULL, 10) : 0);
    if (c->len < whole)
        return false;
    const char *id = field(c->buf, head, "X-Request-Id", &id_n);
    note(now_us() - c->sent, atoi(c->buf + 9), id ? id : "-", id ? id_n : 1);
    const char *connection = field(c->buf, head, "Connection", &n);
    c->len = 0;
    c->busy = false;
    c->reused = true;
    if (connection && strncasecmp(connection, "close", 5) == 0)
        drop(c);
    return true;
}

static void next_or_rest(struct client *c)
{
    if (g.rate || g.over)
        rest(c);
    else
        (void)send_next(c);
}

/* The connection ended under this client. */
static void ended(struct client *c, bool reset)
{
    const bool waited = c->busy, stale = c->reused && c->len == 0 && !reset;
    drop(c);
    if (!waited)
        return; /* an idle connection closed in order, or not: nobody waited */
    if (reset)
        g.resets++;
    else if (stale)
        g.stale++; /* the close and the request crossed: no byte of an answer, no reset */
    else
        g.cuts++;
    next_or_rest(c);
}

static void readable(struct client *c)
{
    if (c->fd < 0)
        return;
    if (!c->buf)
        c->buf = must(malloc(ROOM));
    ssize_t n = recv(c->fd, c->buf + c->len, ROOM - c->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        ended(c, n < 0);
        return;
    }
    c->len += (size_t)n;
    if (c->busy && answered(c))
        next_or_rest(c);
}

/* Requests that are due by now, in the open loop. */
static void arrive(int64_t began, int64_t now, uint64_t *arrived)
{
    const uint64_t due = (uint64_t)(now - began) * (uint64_t)g.rate / 1000000;
    for (; *arrived < due; ++*arrived) {
        struct client *c = g.resting;
        if (!c) {
            g.lost++;
            continue;
        }
        g.resting = c->next;
        if (!send_next(c))
            rest(c);
    }
}

static bool anyone_waits(void)
{
    for (long i = 0; i < g.clients_n; i++) {
        if (g.clients[i].busy)
            return true;
    }
    return false;
}

static int by_time(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    return (x->us > y->us) - (x->us < y->us);
}

static void print_times(int status)
{
    int64_t p50 = 0, p99 = 0, most = 0;
    size_t n = 0, at = 0;
    for (size_t i = 0; i < g.answers_n; i++)
        n += status == 0 || g.answers[i].status == status;
    for (size_t i = 0; i < g.answers_n; i++) {
        if (status != 0 && g.answers[i].status != status)
            continue;
        if (at == n / 2)
            p50 = g.answers[i].us;
        if (at == n * 99 / 100)
            p99 = g.answers[i].us;
        most = g.answers[i].us;
        at++;
    }
    printf("{\"n\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", n, (double)p50 / 1e3,
           (double)p99 / 1e3, (double)most / 1e3);
}

static void print_result(int64_t us)
{
    bool seen[STATUSES] = {false};
    const char *comma = "";
    qsort(g.answers, g.answers_n, sizeof(*g.answers), by_time);
    printf("{\"seconds\": %.3f, \"sent\": %lu, \"in_time\": %lu, \"in_time_good\": %lu, ",
           (double)us / 1e6, g.sent_n, g.in_time, g.in_time_good);
    printf("\"resets\": %lu, \"cuts\": %lu, \"stale\": %lu, \"refused\": %lu, \"lost\": %lu, "
           "\"all\": ",
           g.resets, g.cuts, g.stale, g.refused, g.lost);
    print_times(0);
    printf(", \"by_status\": {");
    for (size_t i = 0; i < g.answers_n; i++)
        seen[g.answers[i].status] = true;
    for (int s = 1; s < STATUSES; s++) {
        if (!seen[s])
            continue;
        printf("%s\"%d\": ", comma, s);
        print_times(s);
        comma = ", ";
    }
    printf("}}\n");
}

static int run(void)
{
    struct epoll_event events[EVENTS];
    const int64_t began = now_us(), until = began + g.seconds * 1000000;
    int64_t ended_at = 0;
    uint64_t arrived = 0;
    g.clients = must(calloc((size_t)g.clients_n, sizeof(*g.clients)));
    for (long i = 0; i < g.clients_n; i++) {
        g.clients[i].fd = -1;
        next_or_rest(&g.clients[i]);
    }
    for (;;) {
        int n = epoll_wait(g.ep, events, EVENTS, g.rate ? 1 : 50);
        for (int i = 0; i < n; i++)
            readable(events[i].data.ptr);
        const int64_t now = now_us();
        if (!g.over && (now >= until || (g.once && g.cursor >= g.requests_n))) {
            g.over = true;
            ended_at = now;
        }
        if (g.rate && !g.over)
            arrive(began, now, &arrived);
        if (!g.over && !g.rate && n == 0 && !anyone_waits())
            break; /* nobody can connect any more */
        if (g.over && (!anyone_waits() || now > ended_at + GRACE_US))
            break;
    }
    for (long i = 0; i < g.clients_n; i++)
        g.cuts += g.clients[i].busy; /* never answered */
    print_result((ended_at ? ended_at : now_us()) - began);
    return 0;
}

static void load_requests(const char *path)
{
    FILE *f = must(fopen(path, "rb"));
    size_t cap = 0, n;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, f) > 0 && (n = strtoul(line, NULL, 10)) > 0) {
        char *p = must(malloc(n));
        if (fread(p, 1, n, f) != n)
            die("requests");
        if (g.requests_n == cap)
            g.requests =
                must(realloc(g.requests, (cap = cap ? cap * 2 : 64) * sizeof(*g.requests)));
        g.requests[g.requests_n++] = (struct bytes){p, n};
    }
    free(line);
    (void)fclose(f);
    if (g.requests_n == 0)
        die("no requests");
}

/* ---- hold ---- */

static int hold(long idle, long drip)
{
    static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: idle\r\n\r\n",
                      head[] = "GET /healthz HTTP/1.1\r\nHost: drip\r\nX-Slow: ";
    int *fds = must(calloc((size_t)(idle + drip), sizeof(*fds)));
    char sink[4096];
    for (long i = 0; i < idle + drip; i++) {
        const bool slow = i >= idle;
        if ((fds[i] = connect_now()) < 0 ||
            send(fds[i], slow ? "G" : ask, slow ? 1 : sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
            die("connect");
        if (!slow && recv(fds[i], sink, sizeof(sink), 0) <= 0)
            die("answer");
    }
    puts("held");
    (void)fflush(stdout);
    watch(STDIN_FILENO, NULL);
    size_t step = 1;
    int64_t began = now_us();
    for (long i = 0;;
         i = (i + 1) %
             (drip ? drip : 1)) { /* spread over the second, as so many clients would be */
        struct epoll_event ev;
        const int64_t due = began + (drip ? i * 1000000 / drip : 1000000),
                      wait = (due - now_us()) / 1000;
        if (epoll_wait(g.ep, &ev, 1, wait > 0 ? (int)wait : 0) > 0)
            break;
        if (drip)
            (void)send(fds[idle + i], step < sizeof(head) - 1 ? &head[step] : "x", 1, MSG_NOSIGNAL);
        if (i + 1 >= drip) {
            step++;
            began += 1000000;
        }
    }
    long closed = 0;
    for (long i = 0; i < idle + drip; i++) {
        ssize_t n = recv(fds[i], sink, sizeof(sink), MSG_DONTWAIT);
        closed += n >= 0 || errno != EAGAIN;
    }
    printf("{\"closed\": %ld}\n", closed);
    return 0;
}

/* ---- arguments ---- */

static bool option(const char *arg)
{
    static const struct {
        const char *name;
        long *into;
    } numbers[] = {{"clients=", &g.clients_n}, {"seconds=", &g.seconds}, {"rate=", &g.rate}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const size_t n = strlen(numbers[i].name);
        if (strncmp(arg, numbers[i].name, n) == 0) {
            *numbers[i].into = atol(arg + n);
            return true;
        }
    }
    if (strncmp(arg, "requests=", 9) == 0)
        load_requests(arg + 9);
    else if (strncmp(arg, "answers=", 8) == 0)
        g.log = must(fopen(arg + 8, "w"));
    else if (strcmp(arg, "once=1") == 0)
        g.once = true;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
    g.ep = epoll_create1(EPOLL_CLOEXEC);
    g.clients_n = 1;
    g.seconds = 1;
    if (argc < 3) {
        fputs("usage: loadgen hold PORT IDLE DRIP | loadgen run PORT requests=FILE [OPTION=N...]\n",
              stderr);
        return 64;
    }
    g.to = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[2])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (strcmp(argv[1], "hold") == 0 && argc == 5)
        return hold(atol(argv[3]), atol(argv[4]));
    for (int i = 3; i < argc; i++) {
        if (!option(argv[i])) {
            fprintf(stderr, "loadgen: what is %s?\n", argv[i]);
            return 64;
        }
    }
    if (g.requests_n == 0) {
        fputs("loadgen: requests=FILE is missing\n", stderr);
        return 64;
    }
    int rc = run();
    if (g.log)
        (void)fclose(g.log);
    return rc;
}
