/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A courier: sends notifications outside requests, one at a time (BEHAVIOUR §13). Forked by the
 * master as a role. It waits for work in poll(2): woken by workers of this host, and looking by
 * itself at notifications.poll_interval for what other hosts wrote.
 */
#include <setjmp.h>

#include "base/cdefs.h"
#include "base/rng.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "ext/ext_courier.h"
#include "ipc/proctitle.h"
#include "roles/role_loop.h"
#include "roles/roles.h"
#include "svc/courier.h"
#include "sys/log.h"
#include "sys/wake.h"

#define ARENA_CHUNK ((size_t)32 * 1024)
/* Without a database: db_connect() has pauses of its own; this bounds how late TERM is seen. */
#define AWAY_MS 500
/* A transaction that has written a row commits within this time as a rule. Rows of slower ones, and
 * those that waited long behind another of their booking, are found by looks without a bound. */
#define LATE_COMMIT_US ((int64_t)5 * 1000000)
/* While somebody holds an old snapshot, such a look steps over all rows that were sent since. So
 * the next one waits for this many times as long as the last one took, which leaves it a fiftieth
 * of one session; but for ten seconds at most. */
#define LOOK_PAUSE 50
#define LOOK_EVERYWHERE_MS 10000
/* How long a result may keep a courier that was told to end, while the database is away. */
#define LAST_RESULT_MS 5000
/* Beyond the provider's time limit, for the scoreboard: the master ends who takes longer. */
#define SEND_GRACE_MS 2000
/* A courier that took many signals passes on at most this many: there are no more couriers. */
#define SIGNALS_MAX (COURIERS_MAX - 1)

/* Everything of this process; nothing of it outlives the process but the row's claim and the
 * board. */
struct courier {
    const struct child_env *env;
    struct db *db;
    struct ext *ext;
    struct arena *arena;
    struct role_loop loop;
    bool ending;
    struct deadline end_by;
    struct uuid process;
    struct ext_pass pass;
    struct courier_result result;
    bool has_result;
    bool astray;      /* rows may be claimed in this process's name that it does not know of */
    bool found;       /* the last claim found a row */
    uint64_t signals; /* taken, and not passed on yet */
    struct wall since;
    struct deadline look_everywhere;
    uint32_t deaths; /* as last seen */
};

/* What status pages and ps(1) show between two messages. */
static void courier_rest(const struct courier *c)
{
    scoreboard_budget((struct deadline){{0}});
    scoreboard_stage(c->ending ? STAGE_DRAINING : STAGE_IDLE, "");
    proctitle_set("courier %d %s", c->env->index, c->ending ? "draining" : "idle");
}

/* SIGTERM: no new claim; a result that is not stored yet has a few seconds to be. */
static void courier_note_end(struct courier *c)
{
    if (c->ending)
        return;
    c->ending = true;
    c->end_by = deadline_in_ms(LAST_RESULT_MS);
}

/* Waits until d; woken earlier by a death that leaves rows behind and, when `work` says so, by
 * signals of new work. False: this process has to end at once. */
static bool courier_pause(struct courier *c, struct deadline d, bool work)
{
    struct pollfd polls[ROLE_POLLS + 1];
    const struct role_wait w = {.polls = polls, .polls_n = ARRAY_LEN(polls), .until = d};
    do {
        polls[ROLE_POLLS] = (struct pollfd){.fd = work ? wake_fd() : -1, .events = POLLIN};
        const enum role_news news = role_loop_turn(&c->loop, &w);
        if (news == ROLE_END || news == ROLE_BROKEN)
            return false;
        if (news == ROLE_TERM)
            courier_note_end(c);
        role_loop_tend(&c->loop);
        if (polls[ROLE_POLLS].revents)
            c->signals += wake_take();
    } while (!c->ending && c->signals == 0 && c->deaths == courier_board_deaths() &&
             !deadline_passed(d));
    return true;
}

/* Each message has a request identifier of its own, as requests have: logs can be followed by
 * it. */
static struct svc courier_svc(struct courier *c, struct uuid *id, int64_t limit_ms)
{
    *id = uuid_new();
    return (struct svc){.cfg = c->env->cfg,
                        .db = c->db,
                        .ext = c->ext,
                        .arena = c->arena,
                        .deadline = deadline_in_ms(limit_ms),
                        .request_id = id->s};
}

/* What this process claimed and lost sight of, and what the dead of this host held. */
static enum err courier_give_back(struct courier *c)
{
    struct uuid id;
    struct svc s = courier_svc(c, &id, c->env->cfg->database.statement_timeout_ms);
    const struct courier_hand own = {
        .process = c->process, .called = c->result.id, .called_claim = c->result.claim};
    const uint32_t deaths = courier_board_deaths();
    enum err e = c->astray ? courier_release(&s, &own) : ERR_OK;
    c->astray = c->astray && e != ERR_OK;
    if (e == ERR_OK && deaths != c->deaths)
        e = courier_release_dead(&s);
    if (e == ERR_OK)
        c->deaths = deaths;
    return e;
}

/* The scoreboard's budget is the provider's limit and a little more: the master ends a courier that
 * hangs in a call. */
static void courier_send_row(struct courier *c, const struct courier_row *row)
{
    const struct config *cfg = c->env->cfg;
    const int provider = cfg->notifications.provider;
    const int64_t limit = provider >= 0 ? cfg->providers[provider].timeout_ms : SEND_GRACE_MS;
    struct uuid id;
    struct svc s = courier_svc(c, &id, limit);
    scoreboard_budget(deadline_in_ms(limit + SEND_GRACE_MS));
    scoreboard_stage(STAGE_BUSY, "sending");
    scoreboard_request(id.s);
    proctitle_set("courier %d sending", c->env->index);
    log_set_request(id.s);
    courier_send(&s, row, &c->result);
    log_set_request(NULL);
    c->has_result = true;
    ext_pass_use(&c->pass);
    scoreboard_served();
}

/* Rows come oldest first. So what is left is not older than this row, or than a look that found
 * none; the exceptions are those of LATE_COMMIT_US. */
static void courier_note_look(struct courier *c, const struct courier_turn *t, struct mono begun)
{
    c->since.us = t->due.us - LATE_COMMIT_US;
    if (t->since.us != 0)
        return;
    const int64_t pause = LOOK_PAUSE * mono_ms_between(begun, mono_now());
    c->look_everywhere = deadline_in_ms(pause < LOOK_EVERYWHERE_MS ? pause : LOOK_EVERYWHERE_MS);
}

/* This courier took all signals at once. When there was work, it passes the others on. */
static void courier_pass_signals(struct courier *c, bool found)
{
    if (found && c->signals > 1)
        wake_signal((unsigned)(c->signals - 1 < SIGNALS_MAX ? c->signals - 1 : SIGNALS_MAX));
    c->signals = 0;
}

/* One round trip: stores the result, claims the next row if there may be one, and sends that. */
static enum err courier_work(struct courier *c, bool claim)
{
    struct uuid id;
    struct svc s = courier_svc(c, &id, c->env->cfg->database.statement_timeout_ms);
    struct courier_turn t = {
        .result = c->has_result ? &c->result : NULL, .claim = claim, .process = &c->process};
    const struct mono begun = mono_now();
    t.since = deadline_passed(c->look_everywhere) ? (struct wall){0} : c->since;
    scoreboard_budget(s.deadline);
    scoreboard_stage(STAGE_BUSY, "storing and claiming");
    const bool stored = c->has_result;
    enum err e = courier_take_turn(&s, &t);
    if (e != ERR_OK) {
        c->result.in_doubt |= e == ERR_COMMIT_UNKNOWN;
        c->astray = c->astray || claim;
        return e;
    }
    c->has_result = false;
    if (claim)
        courier_note_look(c, &t, begun);
    courier_pass_signals(c, t.got);
    /* Behind a result one more look: a later row of the same booking waited for it. */
    c->found = t.got || (claim && stored);
    if (t.got)
        courier_send_row(c, &t.row);
    return ERR_OK;
}

/* Memory that runs out ends the turn. A row that was claimed and not called for is given back; one
 * that was called for ends as interrupted, since its result is lost. */
static enum err courier_work_guarded(struct courier *c, bool claim)
{
    jmp_buf oom;
    if (setjmp(oom) != 0) {
        db_drop(c->db);
        c->astray = true;
        arena_on_oom(c->arena, NULL);
        return ERR_OUT_OF_MEMORY;
    }
    arena_on_oom(c->arena, &oom);
    enum err e = c->astray || c->deaths != courier_board_deaths() ? courier_give_back(c) : ERR_OK;
    if (e == ERR_OK)
        e = courier_work(c, claim);
    arena_on_oom(c->arena, NULL);
    return e;
}

/* A claim that has found nothing: until there is a signal, or time to look by itself. Not all
 * couriers at once. */
static bool courier_await_work(struct courier *c)
{
    ext_pass_give_back(c->env->cfg, &c->pass);
    courier_rest(c);
    return courier_pause(
        c, deadline_in_ms(rng_jitter_ms(c->env->cfg->notifications.poll_interval_ms, 0.1)), true);
}

/* False: the end. */
static bool courier_turn_loop(struct courier *c)
{
    int64_t wait_ms = AWAY_MS;
    if (c->ending && (!c->has_result || deadline_passed(c->end_by)))
        return false;
    if (!db_connected(c->db) && role_loop_connect(&c->loop) != ERR_OK) {
        courier_rest(c);
        return courier_pause(c, deadline_in_ms(AWAY_MS), false);
    }
    const bool claim = !c->ending && ext_pass_take(c->env->cfg, &c->pass, &wait_ms);
    if (!claim && !c->has_result) {
        ext_pass_give_back(c->env->cfg, &c->pass);
        courier_rest(c);
        return courier_pause(c, deadline_in_ms(wait_ms), false);
    }
    enum err e = courier_work_guarded(c, claim);
    arena_reset(c->arena);
    if (e != ERR_OK) {
        LOG(LOG_LEVEL_WARN, "courier.failed", F_ERR(e));
        courier_rest(c);
        return courier_pause(c, deadline_in_ms(AWAY_MS), false);
    }
    /* TERM, and the master's end, are looked at between two messages too. */
    return c->has_result || c->found ? courier_pause(c, deadline_in_ms(0), false)
                                     : courier_await_work(c);
}

int courier_main(const struct child_env *env)
{
    struct courier c = {.env = env,
                        .process = uuid_new(),
                        .pass = ext_pass_none(env->cfg->notifications.provider),
                        .deaths = courier_board_deaths()};
    c.db = db_new(env->cfg);
    c.ext = ext_new(env->cfg);
    c.arena = arena_new(ARENA_CHUNK);
    if (!c.db || !c.ext || !c.arena ||
        !role_loop_open(&c.loop, env, c.db, "courier.schema_refused"))
        return 1;
    db_require_schema(c.db, true);
    courier_board_enter(&c.process);
    courier_rest(&c);
    while (courier_turn_loop(&c))
        ;
    role_loop_close(&c.loop);
    ext_pass_give_back(env->cfg, &c.pass);
    if (!c.has_result && !c.astray)
        courier_board_leave();
    ext_free(c.ext);
    db_free(c.db);
    arena_free(c.arena);
    return 0;
}
