/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the gateway sends by itself: webhooks, six deliveries each until one is answered with 2xx,
 * and the single POST of a paid invoice to its callback_url. Only to literal loopback addresses
 * over plain HTTP: it is a sandbox.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "sim_hook.h"
#include "sim_moyasar.h"

#define DELIVERIES 6
#define EVENTS_MAX 2000   /* the newest are kept */
#define ATTEMPTS_MAX 1000 /* likewise */
#define WAITING_MAX 5000  /* messages on their way; more are lost */
#define IN_FLIGHT_MAX 200
#define ANSWER_LIMIT_MS 10000
#define ANSWER_MAX 2048 /* what is kept of an answer */

struct sim_webhook sim_webhooks[SIM_WEBHOOKS_MAX];

const char *const sim_event_names[SIM_EVENT_COUNT] = {
    "payment_paid",     "payment_faild", /* as it is delivered */
    "payment_refunded", "payment_voided",    "payment_authorized", "payment_captured",
    "payment_verified", "payment_abandoned", "payment_expired",    "balance_transferred"};

/* What the control API ordered. */
static struct {
    struct sim_webhook hook; /* beside the registered ones; url NULL: none */
    double factor;
    unsigned copies;
    bool no_callbacks;
} target = {
    .hook = {.method = "post", .events = (1u << SIM_EVENT_COUNT) - 1}, .factor = 1, .copies = 1};

/* One message on its way; one with attempts == 1 is not tried again. */
struct delivery {
    struct delivery *next;
    char *url, *body, *bytes;
    char method[8], webhook_id[SIM_ID_MAX],
        event_id[SIM_ID_MAX]; /* webhook_id "" : an invoice's callback */
    enum sim_event event;
    unsigned attempt, attempts;
    struct mono due; /* of the next try, or of giving this one up */
    int fd;          /* -1: between tries */
    size_t bytes_n, sent, got;
    char answer[ANSWER_MAX + 1];
};
static struct delivery *deliveries, **deliveries_tail = &deliveries; /* oldest first */
static size_t waiting_n, in_flight_n;

static char *events[EVENTS_MAX]; /* JSON texts, without the secret */
static json_t *tries[ATTEMPTS_MAX];
static size_t events_n, tries_n; /* ever */

/* ---- where to ---- */

/* "http://127.0.0.1:8080/path" */
static bool hook_parse_url(const char *url, struct sockaddr_in *to, const char **path)
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
    if (str_eq(name, STR("localhost")))
        name = STR("127.0.0.1");
    if (name.n == 0 || name.n >= sizeof text ||
        (left.p != NULL && !num_range(left, 1, 65535, &port)))
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    *path = host[n] == '/' ? host + n : "/";
    for (const char *c = *path; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return false;
    return inet_pton(AF_INET, text, &to->sin_addr) == 1 &&
           (ntohl(to->sin_addr.s_addr) >> 24) == 127;
}

bool sim_hook_url_fit(const char *url)
{
    struct sockaddr_in to;
    const char *path;
    return hook_parse_url(url, &to, &path);
}

bool sim_hook_configure(const struct sim_hook_order *order)
{
    if (order->url != NULL && !sim_hook_url_fit(order->url))
        return false;
    free(target.hook.url);
    free(target.hook.secret);
    if (target.hook.id[0] == '\0')
        sim_new_id(target.hook.id);
    target.hook.url = sim_copy(order->url);
    target.hook.secret = sim_copy(order->secret != NULL ? order->secret : "");
    target.factor = order->factor;
    target.copies = order->copies;
    target.no_callbacks = order->no_callbacks;
    return true;
}

/* ---- what is sent ---- */

static void hook_close(struct delivery *d)
{
    if (d->fd < 0)
        return;
    close(d->fd);
    d->fd = -1;
    in_flight_n--;
}

static void hook_free(struct delivery *d)
{
    hook_close(d);
    free(d->url);
    free(d->body);
    free(d->bytes);
    free(d);
    waiting_n--;
}

void sim_hook_clear(void)
{
    while (deliveries != NULL) {
        struct delivery *d = deliveries;
        deliveries = d->next;
        hook_free(d);
    }
    deliveries_tail = &deliveries;
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        free(events[i]);
        events[i] = NULL;
    }
    for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
        json_decref(tries[i]);
        tries[i] = NULL;
    }
    events_n = tries_n = 0;
    (void)sim_hook_configure(&(struct sim_hook_order){.factor = 1, .copies = 1});
}

/* NULL: too many are on their way, or memory is out. */
static struct delivery *hook_post_later(const char *url, const char *method, const json_t *body,
                                        unsigned attempts)
{
    struct delivery *d = waiting_n < WAITING_MAX ? calloc(1, sizeof *d) : NULL;
    if (d == NULL)
        return NULL;
    d->fd = -1;
    d->url = sim_copy(url);
    d->body = json_dumps(body, JSON_COMPACT);
    d->attempts = attempts;
    d->due = mono_now();
    snprintf(d->method, sizeof d->method, "%s", method);
    for (char *c = d->method; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    *deliveries_tail = d;
    deliveries_tail = &d->next;
    waiting_n++;
    return d;
}

void sim_hook_callback(const char *url, const json_t *invoice)
{
    if (!target.no_callbacks)
        (void)hook_post_later(url, "post", invoice, 1);
}

static void hook_post_event(const struct sim_webhook *w, json_t *event, enum sim_event kind,
                            const char *id)
{
    if (w->url == NULL || (w->events & 1u << kind) == 0)
        return;
    json_object_set_new(event, "secret_token", json_string(w->secret));
    for (unsigned i = 0; i < target.copies; i++) {
        struct delivery *d = hook_post_later(w->url, w->method, event, DELIVERIES);
        if (d == NULL)
            break;
        d->event = kind;
        memcpy(d->webhook_id, w->id, sizeof d->webhook_id);
        memcpy(d->event_id, id, sizeof d->event_id);
    }
    json_object_del(event, "secret_token");
}

void sim_hook_event(enum sim_event kind, json_t *payment)
{
    char id[SIM_ID_MAX];
    struct arena *a = arena_new(1024);
    if (a == NULL)
        return;
    sim_new_id(id);
    json_t *event = json_obj(a);
    json_put_str(a, event, "id", id);
    json_put_str(a, event, "type", sim_event_names[kind]);
    json_put_str(a, event, "created_at", sim_time_text(a, wall_now()));
    json_put_str(a, event, "account_name", "Sandbox");
    json_put_bool(a, event, "live", false);
    json_put(a, event, "data", payment);
    char **place = &events[events_n++ % EVENTS_MAX];
    free(*place);
    *place = json_dumps(event, JSON_COMPACT);
    hook_post_event(&target.hook, event, kind, id);
    for (size_t i = 0; i < SIM_WEBHOOKS_MAX; i++)
        hook_post_event(&sim_webhooks[i], event, kind, id);
    arena_free(a);
}

json_t *sim_hook_events(struct arena *a)
{
    json_t *items = json_arr(a);
    for (size_t i = events_n > EVENTS_MAX ? events_n - EVENTS_MAX : 0; i < events_n; i++)
        if (events[i % EVENTS_MAX] != NULL)
            json_push(a, items, json_parse(a, str_of(events[i % EVENTS_MAX])));
    return items;
}

json_t *sim_hook_attempt(size_t i)
{
    return i < tries_n && i < ATTEMPTS_MAX ? tries[(tries_n - 1 - i) % ATTEMPTS_MAX] : NULL;
}

/* ---- a delivery's way ---- */

/* The status in what came, 0 when that is no answer. */
static int hook_read_status(const struct delivery *d)
{
    int64_t status;
    bool http = d->got >= 12 && memcmp(d->answer, "HTTP/1.", 7) == 0;
    return http && num_range((struct str){d->answer + 9, 3}, 100, 599, &status) ? (int)status : 0;
}

/* Notes a try of a webhook. */
static void hook_note_try(const struct delivery *d, bool good)
{
    char id[SIM_ID_MAX];
    struct arena *a = arena_new(1024);
    int status = hook_read_status(d);
    if (d->webhook_id[0] == '\0' || a == NULL) {
        arena_free(a);
        return;
    }
    const char *blank = memmem(d->answer, d->got, "\r\n\r\n", 4);
    size_t head = blank != NULL ? (size_t)(blank - d->answer) : d->got;
    sim_new_id(id);
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", id);
    json_put_str(a, j, "webhook_id", d->webhook_id);
    json_put_str(a, j, "event_id", d->event_id);
    json_put_str(a, j, "event_type", sim_event_names[d->event]);
    json_put_int(a, j, "retry_number", d->attempt + 1);
    json_put_str(a, j, "result", good ? "success" : "failed");
    json_put_str(a, j, "message",
                 good ? "Webhook message was delivered successfully"
                      : "Webhook message was not delivered");
    json_put(a, j, "response_code", status != 0 ? json_integer(status) : json_null());
    json_put_str(a, j, "response_headers", arena_strndup(a, d->answer, head));
    json_put_str(a, j, "response_body",
                 blank != NULL ? arena_strndup(a, blank + 4, d->got - head - 4) : "");
    json_put_str(a, j, "created_at", sim_time_text(a, wall_now()));
    json_t **place = &tries[tries_n++ % ATTEMPTS_MAX];
    json_decref(*place);
    *place = json_incref(j);
    arena_free(a);
}

/* A try has ended: done with, or put off by the waits of the gateway's schedule, in minutes. */
static void hook_end_try(struct delivery *d)
{
    static const int minutes[DELIVERIES - 1] = {1, 10, 30, 60, 120};
    bool good = hook_read_status(d) / 100 == 2;
    hook_note_try(d, good);
    hook_close(d);
    d->attempt = good ? d->attempts : d->attempt + 1;
    if (d->attempt < d->attempts)
        d->due = deadline_in_ms((int64_t)(minutes[d->attempt - 1] * 60000 * target.factor)).at;
}

static void hook_start_try(struct delivery *d)
{
    struct sockaddr_in to;
    const char *path;
    d->sent = d->got = 0;
    d->answer[0] = '\0';
    if (d->body == NULL || !hook_parse_url(d->url, &to, &path)) {
        hook_end_try(d);
        return;
    }
    free(d->bytes);
    size_t room = strlen(d->body) + strlen(path) + 256;
    d->bytes = malloc(room);
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    in_flight_n += d->fd >= 0;
    if (d->bytes == NULL || d->fd < 0 ||
        (connect(d->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        hook_end_try(d);
        return;
    }
    int n = snprintf(d->bytes, room,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\n"
                     "User-Agent: Moyasar\r\nConnection: close\r\n\r\n%s",
                     d->method, path, ntohs(to.sin_port), strlen(d->body), d->body);
    d->bytes_n = (size_t)n;
    d->due = deadline_in_ms(ANSWER_LIMIT_MS).at;
}

static void hook_send_some(struct delivery *d)
{
    ssize_t n = send(d->fd, d->bytes + d->sent, d->bytes_n - d->sent, MSG_NOSIGNAL);
    if (n > 0)
        d->sent += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        hook_end_try(d);
}

/* Whether all of the answer is here that is kept, by its own length or because there is no more
 * room. */
static bool hook_is_whole(const struct delivery *d)
{
    static const char name[] = "\r\ncontent-length:";
    const char *blank = strstr(d->answer, "\r\n\r\n"), *length = strcasestr(d->answer, name);
    int64_t n;
    if (d->got == ANSWER_MAX)
        return true;
    if (blank == NULL || length == NULL || length > blank)
        return false;
    length += sizeof name - 1;
    return num_i64(str_trim((struct str){length, strcspn(length, "\r")}), &n) &&
           d->got - (size_t)(blank + 4 - d->answer) >= (size_t)n;
}

static void hook_receive_some(struct delivery *d)
{
    ssize_t n = recv(d->fd, d->answer + d->got, ANSWER_MAX - d->got, 0);
    if (n > 0) {
        d->got += (size_t)n;
        d->answer[d->got] = '\0';
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || (n > 0 && hook_is_whole(d)))
        hook_end_try(d);
}

static void hook_step_delivery(struct delivery *d, short revents)
{
    if (revents == 0)
        return;
    if (d->sent < d->bytes_n)
        hook_send_some(d);
    else
        hook_receive_some(d);
}

static bool hook_is_due(const struct delivery *d)
{
    return d->fd < 0 && in_flight_n < IN_FLIGHT_MAX;
}

size_t sim_hook_poll(struct pollfd *fds, size_t room, int *wake_ms)
{
    size_t n = 0;
    for (struct delivery *d = deliveries; d != NULL; d = d->next) {
        int ms = deadline_left_ms((struct deadline){d->due});
        if ((d->fd >= 0 || hook_is_due(d)) && (*wake_ms < 0 || ms < *wake_ms))
            *wake_ms = ms;
        if (d->fd >= 0 && n < room)
            fds[n++] =
                (struct pollfd){.fd = d->fd, .events = d->sent < d->bytes_n ? POLLOUT : POLLIN};
    }
    return n;
}

static short hook_list_events(const struct pollfd *fds, size_t n, int fd)
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
            hook_step_delivery(d, hook_list_events(fds, n, d->fd));
        if (d->attempt < d->attempts && deadline_passed((struct deadline){d->due})) {
            if (d->fd >= 0)
                hook_end_try(d); /* no answer in time */
            else if (hook_is_due(d))
                hook_start_try(d);
        }
        if (d->attempt >= d->attempts) {
            *at = d->next;
            if (*at == NULL)
                deliveries_tail = at;
            hook_free(d);
        } else {
            at = &d->next;
        }
    }
}
