/*
 * What the gateway sends by itself: webhooks, six deliveries each until one is answered with 2xx, and the single POST
 * of a paid invoice to its callback_url. Only to literal loopback addresses over plain HTTP: it is a sandbox.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "sim_moyasar.h"

#define DELIVERIES 6
#define EVENTS_MAX 5000
#define ANSWER_LIMIT_MS 10000

static struct {
    char *url, *secret;
    double factor;
    unsigned copies;
    bool callbacks;
} target = {.factor = 1, .copies = 1, .callbacks = true};

/* One message on its way; attempts > 0 means that it is tried again when it fails. */
struct delivery {
    struct delivery *next;
    char *url, *body;
    unsigned attempt, attempts;
    struct mono due;       /* of the next try, or of giving this one up */
    int fd;                /* -1: between tries */
    char *bytes;
    size_t bytes_n, sent, got;
    char answer[16];       /* enough for "HTTP/1.1 200" */
};
static struct delivery *deliveries;

static json_t *events[EVENTS_MAX]; /* without the secret */
static size_t events_n;

void sim_hook_configure(const char *url, const char *secret, double factor, unsigned copies, bool callbacks)
{
    free(target.url);
    free(target.secret);
    target.url = url != NULL ? strdup(url) : NULL;
    target.secret = strdup(secret != NULL ? secret : "");
    target.factor = factor;
    target.copies = copies;
    target.callbacks = callbacks;
}

static void delivery_free(struct delivery *d)
{
    if (d->fd >= 0)
        close(d->fd);
    free(d->url);
    free(d->body);
    free(d->bytes);
    free(d);
}

void sim_hook_clear(void)
{
    while (deliveries != NULL) {
        struct delivery *d = deliveries;
        deliveries = d->next;
        delivery_free(d);
    }
    for (size_t i = 0; i < events_n; i++)
        json_decref(events[i]);
    events_n = 0;
}

static void post_later(const char *url, const json_t *body, unsigned attempts)
{
    struct delivery *d = calloc(1, sizeof *d);
    if (d == NULL)
        return;
    d->fd = -1;
    d->url = strdup(url);
    d->body = json_dumps(body, JSON_COMPACT);
    d->attempts = attempts;
    d->due = mono_now();
    d->next = deliveries;
    deliveries = d;
}

void sim_hook_callback(const char *url, const json_t *invoice)
{
    if (target.callbacks)
        post_later(url, invoice, 1);
}

void sim_hook_event(const char *type, json_t *payment)
{
    char id[SIM_ID_MAX], at[WALL_RFC3339_MAX];
    sim_new_id(id);
    json_t *event = json_pack("{s:s,s:s,s:s,s:s,s:b,s:O}", "id", id, "type", type, "created_at", wall_format(wall_now(), at),
                              "account_name", "Sandbox", "live", 0, "data", payment);
    if (event == NULL)
        return;
    if (events_n < EVENTS_MAX)
        events[events_n++] = json_deep_copy(event);
    if (target.url != NULL) {
        json_object_set_new(event, "secret_token", json_string(target.secret));
        for (unsigned i = 0; i < target.copies; i++)
            post_later(target.url, event, DELIVERIES);
        json_object_del(event, "secret_token");
    }
    json_decref(event);
}

json_t *sim_hook_events(struct arena *a)
{
    json_t *items = json_arr(a);
    for (size_t i = 0; i < events_n; i++)
        json_push(a, items, events[i]);
    return items;
}

/* ---- a delivery's way ---- */

/* "http://127.0.0.1:8080/path" */
static bool parse_url(const char *url, struct sockaddr_in *to, const char **path)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *host = url + sizeof scheme - 1;
    size_t n = strcspn(host, "/?");
    struct str left = {host, n};
    struct str name = str_cut(&left, ':');
    int64_t port = 80;
    char text[64];
    if (name.n == 0 || name.n >= sizeof text || (left.p != NULL && !num_range(left, 1, 65535, &port)))
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    *path = host[n] == '/' ? host + n : "/";
    return inet_pton(AF_INET, text, &to->sin_addr) == 1 && (ntohl(to->sin_addr.s_addr) >> 24) == 127;
}

/* The waits of the gateway's schedule, in minutes. */
static void put_off(struct delivery *d)
{
    static const int minutes[DELIVERIES - 1] = {1, 10, 30, 60, 120};
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
    d->attempt++;
    if (d->attempt >= d->attempts)
        return;
    d->due = deadline_in_ms((int64_t)(minutes[d->attempt - 1] * 60000 * target.factor)).at;
}

static void begin(struct delivery *d)
{
    struct sockaddr_in to;
    const char *path;
    if (!parse_url(d->url, &to, &path)) {
        d->attempt = d->attempts;
        return;
    }
    free(d->bytes);
    size_t room = strlen(d->body) + strlen(path) + 256;
    d->bytes = malloc(room);
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->bytes == NULL || d->fd < 0 || (connect(d->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        put_off(d);
        return;
    }
    int n = snprintf(d->bytes, room,
                     "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                     "User-Agent: Moyasar\r\nConnection: close\r\n\r\n%s",
                     path, ntohs(to.sin_port), strlen(d->body), d->body);
    d->bytes_n = (size_t)n;
    d->sent = d->got = 0;
    d->due = deadline_in_ms(ANSWER_LIMIT_MS).at;
}

static void step(struct delivery *d, short revents)
{
    if (d->sent < d->bytes_n && (revents & (POLLOUT | POLLERR | POLLHUP))) {
        ssize_t n = send(d->fd, d->bytes + d->sent, d->bytes_n - d->sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            put_off(d);
        else if (n > 0)
            d->sent += (size_t)n;
        return;
    }
    if ((revents & (POLLIN | POLLHUP | POLLERR)) == 0)
        return;
    ssize_t n = recv(d->fd, d->answer + d->got, sizeof d->answer - 1 - d->got, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        d->got += (size_t)n;
    if (n > 0 && d->got < 12)
        return;
    if (d->got >= 12 && d->answer[9] == '2') {
        close(d->fd);
        d->fd = -1;
        d->attempt = d->attempts; /* taken */
        return;
    }
    put_off(d);
}

size_t sim_hook_poll(struct pollfd *fds, size_t room, int *wake_ms)
{
    size_t n = 0;
    for (struct delivery *d = deliveries; d != NULL; d = d->next) {
        int ms = deadline_left_ms((struct deadline){d->due});
        if (*wake_ms < 0 || ms < *wake_ms)
            *wake_ms = ms;
        if (d->fd >= 0 && n < room)
            fds[n++] = (struct pollfd){.fd = d->fd, .events = d->sent < d->bytes_n ? POLLOUT : POLLIN};
    }
    return n;
}

static short events_of(const struct pollfd *fds, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i].fd == fd)
            return fds[i].revents;
    return 0;
}

void sim_hook_step(const struct pollfd *fds, size_t n)
{
    for (struct delivery **at = &deliveries; *at != NULL;) {
        struct delivery *d = *at;
        if (d->fd >= 0)
            step(d, events_of(fds, n, d->fd));
        if (d->attempt < d->attempts && deadline_passed((struct deadline){d->due})) {
            if (d->fd >= 0)
                put_off(d); /* no answer in time */
            else
                begin(d);
        }
        if (d->attempt >= d->attempts) {
            *at = d->next;
            delivery_free(d);
        } else {
            at = &d->next;
        }
    }
}
