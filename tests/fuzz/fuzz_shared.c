/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Readers of shared memory, when any bytes lie where some other process may write: the scoreboard,
 * counters, addresses, breakers and bulkheads, couriers' records, conditions, the history. Nobody
 * must end, read beyond a text, or show a value that cannot be.
 *
 * An input is a series of writes: part, offset and length, then the bytes, which are repeated when
 * the input has fewer. So a few bytes can fill a page.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* In this file, for the list of parts and their writers. */
#include "../../src/sys/shm.c"

#include "../../src/ext/ext_priv.h"
#include "../../src/monitor/monitor_history.h"
#include "../../src/monitor/monitor_page.h"
#include "../../src/monitor/monitor_status.h"
#include "base/ensure.h"
#include "domain/conditions.h"
#include "domain/config.h"
#include "domain/courier_board.h"
#include "domain/metrics_sum.h"
#include "domain/scoreboard.h"
#include "ext/ext_courier.h"
#include "ext/ext_holder.h"
#include "ext/ext_shared.h"
#include "http/http_head.h"
#include "ipc/master_state.h"
#include "ipc/protocol.h"
#include "monitor/monitor_shared.h"
#include "sys/addrs.h"

#define WORKERS 2
#define ROOM 200 /* slots, more than there are */
#define HOST "sms.example"
#define CONFIG                                                                             \
    "server: {workers: 2}\ndatabase: {url: 'postgresql://127.0.0.1/x'}\n"                  \
    "providers: {sms: {type: taqnyat, base_url: 'https://" HOST "', sender: T, token: t, " \
    "rate: 5/1s}}\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config *cfg;
static unsigned char *as_new; /* what the memory holds when nobody has misbehaved */

static struct config *shared_config(void)
{
    char path[32];
    struct config_report *report;
    const int fd = memfd_create("config", 0);
    ENSURE(fd >= 0 && write(fd, CONFIG, sizeof(CONFIG) - 1) == sizeof(CONFIG) - 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct config *c = config_load(path, &report);
    close(fd);
    ENSURE(c);
    return c;
}

/* As the master does it (master_setup.c). */
static void shared_set_up(void)
{
    static const struct metric_route routes[] = {{"GET", "/v1/venues", 200}};
    static const char *const names[] = {"sms"};
    const struct addrs_result address = {1, {"192.0.2.7"}};
    struct metrics_setup metrics = {
        .slots = ROOM, .providers = names, .providers_n = 1, .routes = routes, .routes_n = 1};
    cfg = shared_config();
    ENSURE(shm_init(scoreboard_size(WORKERS) + metrics_size(&metrics) + addrs_size() +
                    ext_shared_size(cfg) + protocol_shared_size(ROOM) + master_state_size() +
                    conditions_size() + monitor_shared_size() + courier_board_size(ROOM)));
    scoreboard_init(WORKERS);
    metrics.slots = scoreboard_slots();
    ENSURE(metrics.slots <= ROOM);
    metrics_init(&metrics);
    addrs_init(ROLE_BIT(ROLE_RESOLVER));
    ENSURE(addrs_register(HOST));
    addrs_store(0, &address);
    ext_shared_init(cfg, scoreboard_slots());
    protocol_shared_init(scoreboard_slots());
    master_state_init();
    conditions_init();
    monitor_shared_init();
    courier_board_init();
    for (unsigned slot = 0; slot < scoreboard_slots(); slot++)
        (void)scoreboard_assign(slot);
    scoreboard_attach(scoreboard_first(ROLE_WORKER));
    metrics_attach(scoreboard_first(ROLE_WORKER));
    as_new = malloc(used);
    ENSURE(as_new);
    memcpy(as_new, base, used);
}

/* One write into the n-th part that a child may write. */
static void shared_write(unsigned n, size_t at, size_t len, const uint8_t *bytes, size_t bytes_n)
{
    unsigned hostile[PARTS_MAX], hostile_n = 0;
    for (unsigned i = 0; i < parts_n; i++)
        if (parts[i].stride > 0 || parts[i].writers != SHM_MASTER)
            hostile[hostile_n++] = i;
    const struct part *p = &parts[hostile[n % hostile_n]];
    for (size_t i = 0; i < len && bytes_n > 0; i++)
        base[p->at + (at + i) % p->size] = bytes[i % bytes_n];
}

static void shared_misbehave(const uint8_t *data, size_t size)
{
    enum { HEAD = 6 };
    while (size > HEAD) {
        const size_t at = data[1] | (size_t)data[2] << 8 | (size_t)(data[5] & 15) << 16;
        const size_t len = data[3] | (size_t)(data[4] & 31) << 8;
        const size_t rest = size - HEAD;
        const size_t take = len < rest ? len : rest;
        shared_write(data[0], at, len, data + HEAD, take);
        data += HEAD + take;
        size = rest - take;
    }
}

/* ---- readers ---- */

static void check_text(const char *s, size_t size)
{
    ENSURE(memchr(s, '\0', size) != NULL);
    for (; *s; s++)
        ENSURE(*s >= ' ' && *s <= '~');
}

static void check_scoreboard(void)
{
    const struct mono now = mono_now();
    for (unsigned slot = 0; slot < scoreboard_slots(); slot++) {
        struct scoreboard_view v;
        char words[SCOREBOARD_LAST_WORDS_MAX];
        scoreboard_read(slot, &v);
        ENSURE((unsigned)v.role < ROLE_COUNT && (unsigned)v.stage < STAGE_COUNT);
        ENSURE(v.generation == 1 && v.pid == 0); /* the master alone writes them */
        ENSURE(v.since.ns >= 0 && v.turned.ns >= v.since.ns);
        ENSURE(mono_ms_between(v.since, now) > -60000);
        check_text(v.what, sizeof(v.what));
        check_text(v.request, sizeof(v.request));
        check_text(v.call, sizeof(v.call));
        check_text(v.last_words, sizeof(v.last_words));
        (void)protocol_given(slot);
        (void)scoreboard_holds(slot, 1);
        /* The master buries it, and the next process finds the slot as new. */
        if (v.role == ROLE_COURIER)
            courier_board_bury(slot);
        scoreboard_release(slot, words, sizeof(words));
        check_text(words, sizeof(words));
        metrics_release(slot);
    }
    for (unsigned i = 0; i < COURIER_GRAVES; i++) {
        struct courier_hand h;
        if (courier_board_grave(i, &h))
            ENSURE(strlen(h.process.s) <= UUID_LEN && strlen(h.called.s) <= UUID_LEN);
    }
    (void)courier_board_wanted();
}

static void check_addresses(void)
{
    struct addrs_result r;
    unsigned char raw[16];
    (void)addrs_first_pass();
    if (!addrs_find(HOST, &r))
        return;
    ENSURE(r.n >= 1 && r.n <= ADDRS_PER_NAME);
    for (unsigned i = 0; i < r.n; i++) {
        char *scope = strchr(r.text[i], '%');
        check_text(r.text[i], sizeof(r.text[i]));
        if (scope)
            *scope = '\0';
        ENSURE(inet_pton(strchr(r.text[i], ':') ? AF_INET6 : AF_INET, r.text[i], raw) == 1);
    }
}

/* Whoever calls a provider: is asked by state, takes the probe or a place, and gives it back. */
static void check_providers(void)
{
    struct ext_state state;
    struct ext_cell *cell = ext_cell(0);
    const struct ext_breaker_limits limits = ext_breaker_limits_of(&cfg->providers[0]);
    ext_read_state(0, &state);
    ENSURE((unsigned)state.circuit <= CIRCUIT_HALF_OPEN && state.in_flight <= EXT_PLACES_MAX);
    ENSURE(state.retry_after_s >= 0 && state.retry_after_s <= limits.open_for_ms / 1000 + 1);
    ENSURE(!state.last_fault || strlen(state.last_fault) < 64);
    struct ext_ticket ticket;
    (void)ext_breaker_would_enter(&cell->breaker, &limits);
    if (ext_breaker_enter(&cell->breaker, &limits, &ticket))
        (void)ext_breaker_failure(&cell->breaker, &limits, &ticket, 1, ERR_PROVIDER_FAILED);
    const int place = ext_bulkhead_enter(&cell->bulkhead, 4);
    ENSURE(place >= -1 && place < 4);
    if (place >= 0)
        ext_bulkhead_leave(&cell->bulkhead, place);
    struct ext_pass pass = ext_pass_none(0);
    int64_t wait_ms = 0;
    if (!ext_pass_take(cfg, &pass, &wait_ms))
        ENSURE(wait_ms >= 0);
    ext_pass_give_back(cfg, &pass);
}

static void check_conditions(struct arena *a)
{
    struct conditions c;
    const struct wall now = wall_now();
    conditions_read(&c);
    for (unsigned i = 0; i < CONDITION_COUNT; i++) {
        ENSURE(c.at[i].holds <= 1 && c.at[i].seen <= 1 && isfinite(c.at[i].value));
        ENSURE(c.at[i].since.us >= 0 && c.at[i].since.us <= now.us + 60000000);
        ENSURE(condition_summary(a, (enum condition)i, c.at[i].value, LOCALE_AR));
    }
    (void)conditions_unsent();
}

/* What people and Prometheus read of all that, each page whole. */
static void check_pages(struct arena *a)
{
    static const char *const paths[] = {"/metrics", "/status", "/", "/healthz"};
    struct monitor_view v = {.cfg = cfg, .master = 1};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct http_head head = {.path = str_of(paths[i])};
        struct http_resp resp;
        http_resp_init(&resp, a);
        monitor_answer(&v, &head, &resp);
        ENSURE(resp.status == 200 && resp.body.n > 0);
        ENSURE(memchr(resp.body.p, '\0', resp.body.n) == NULL);
    }
    ENSURE(monitor_status_text(&v, a).n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!cfg)
        shared_set_up();
    memcpy(base, as_new, used);
    shared_misbehave(data, size);
    struct arena *a = arena_new(64 * 1024);
    ENSURE(a);
    check_conditions(a);
    check_addresses();
    ENSURE(metric_sum_statuses(200, 599) >= 0);
    /* The pages add up the cells of every slot, which takes a hundred times as long as all else. */
    if (size > 0 && (data[size - 1] & 31) == 0)
        check_pages(a);
    check_providers();
    check_scoreboard();
    arena_free(a);
    return 0;
}
