/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "th_ext.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/scoreboard.h"
#include "ext/ext_shared.h"
#include "sys/addrs.h"
#include "sys/shm.h"

/* Two of them, since ext_shared keeps the last configuration to see what it replaces. */
static struct th_ext storage[2];
static unsigned opened;

static void shared_once(const struct config *cfg)
{
    static const char *const names[] = {"p0"};
    static const struct metric_route routes[] = {{"GET", "/", 200}};
    struct metrics_setup metrics = {
        .providers = names, .providers_n = 1, .routes = routes, .routes_n = 1};
    static bool done;
    if (done)
        return;
    done = true;
    signal(SIGPIPE, SIG_IGN);
    /* Slots are known only after scoreboard_init; their number is too small to matter for the sum
     * here.
     */
    metrics.slots = 2 * (TH_EXT_WORKERS + COURIERS_MAX) + 16;
    ck_assert(shm_init(scoreboard_size(TH_EXT_WORKERS) + metrics_size(&metrics) + addrs_size() +
                       ext_shared_size(cfg) + 4096));
    scoreboard_init(TH_EXT_WORKERS);
    ck_assert_uint_le(scoreboard_slots(), metrics.slots);
    metrics_init(&metrics);
    addrs_init(SHM_ANYBODY);
    unsigned slot = scoreboard_first(ROLE_WORKER);
    scoreboard_assign(slot);
    scoreboard_attach(slot);
    scoreboard_stage(STAGE_BUSY, "test");
    metrics_attach(slot);
}

struct th_ext *th_ext_open(const char *scheme, const char *host, int port)
{
    struct th_ext *t = &storage[opened++ % 2];
    *t = (struct th_ext){0};
    snprintf(t->base_url, sizeof(t->base_url), "%s://%s:%d", scheme, host, port);
    snprintf(t->name, sizeof(t->name), "p%u", opened);
    t->p = (struct provider_config){.name = t->name,
                                    .type = PROVIDER_HTTP,
                                    .base_url = t->base_url,
                                    .sender = "BOOKINGS",
                                    .method = "POST",
                                    .path = "/sms",
                                    .connect_timeout_ms = TH_EXT_CONNECT_MS,
                                    .timeout_ms = TH_EXT_TIMEOUT_MS,
                                    .max_concurrent = 3,
                                    .breaker_failures = 5,
                                    .breaker_open_for_ms = 200};
    t->cfg.providers = &t->p;
    t->cfg.providers_n = 1;
    shared_once(&t->cfg);
    ext_shared_init(&t->cfg, scoreboard_slots());
    t->x = ext_new(&t->cfg);
    t->a = arena_new(4096);
    ck_assert_ptr_nonnull(t->x);
    return t;
}

void th_ext_close(struct th_ext *t)
{
    if (!t)
        return;
    ext_free(t->x);
    arena_free(t->a);
    t->x = NULL;
    t->a = NULL;
}

enum err th_ext_post(struct th_ext *t, int64_t budget_ms, struct ext_reply *r)
{
    struct ext_request q = {.op = PROVIDER_OP_SMS_OTP,
                            .method = "POST",
                            .url = arena_printf(t->a, "%s/sms", t->base_url),
                            .body = STR("{}"),
                            .content_type = "application/json",
                            .request_id = "req-1"};
    static const struct ext_result bad = {.err = ERR_PROVIDER_FAILED, .outcome = OUTCOME_FAILED};
    t->result = ext_call(t->x, t->a, &q, deadline_in_ms(budget_ms), r);
    if (t->result.err == ERR_OK)
        ext_judge(t->x, &q, r, r->status >= 200 && r->status <= 299 ? &t->result : &bad, "test");
    return t->result.err;
}

int64_t th_ext_slack_ms(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload") ? 3000 : 100;
}

struct ext_state th_ext_state(void)
{
    struct ext_state s;
    ext_read_state(0, &s);
    return s;
}

void th_ext_address(const char *host, const char *address)
{
    struct addrs_result r = {.n = 1};
    snprintf(r.text[0], sizeof(r.text[0]), "%s", address);
    addrs_register(host);
    for (unsigned i = 0; i < addrs_count(); i++)
        if (strcmp(addrs_name(i), host) == 0)
            addrs_store(i, &r);
}
