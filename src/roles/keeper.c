/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The keeper: runs the table of periodic tasks (svc/keeper_tasks.c), one at a time, each within its
 * own deadline. Forked by the master as a role. There is one keeper per node; several nodes may run
 * the same task, since each task claims its rows in the database.
 */
#include "base/arena.h"
#include "base/rng.h"
#include "base/uuid.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "ipc/proctitle.h"
#include "roles/role_loop.h"
#include "roles/roles.h"
#include "svc/keeper_tasks.h"
#include "sys/log.h"

/* More than there are tasks; keeper_main() refuses to start with more. */
#define TASKS_MAX 32
#define ARENA_CHUNK (32 * 1024)
/* db_connect() has pauses of its own; this only bounds how late a task begins. */
#define AWAY_MS 1000 /* next look while the database is away */

struct keeper {
    const struct child_env *env;
    struct role_loop loop;
    struct db *db;
    struct ext *ext;
    struct arena *arena;
    struct deadline next[TASKS_MAX];
};

/* A task ran out of memory or not: either way its arena and its transaction are gone afterwards. */
static enum err keeper_run_guarded(struct keeper *k, const struct keeper_task *task, struct svc *s)
{
    jmp_buf oom;
    if (setjmp(oom) != 0) {
        db_drop(k->db);
        return ERR_OUT_OF_MEMORY;
    }
    arena_on_oom(k->arena, &oom);
    return task->run(s);
}

/* A task gets a request id of its own, so that its rows of history lead to its log records. */
static void keeper_run_task(struct keeper *k, const struct keeper_task *task)
{
    struct uuid id = uuid_new();
    struct svc s = {.cfg = k->env->cfg,
                    .db = k->db,
                    .ext = k->ext,
                    .arena = k->arena,
                    .deadline = deadline_in_ms(KEEPER_TASK_RUN_MS),
                    .request_id = id.s};
    struct mono begun = mono_now();
    scoreboard_budget(s.deadline);
    scoreboard_stage(STAGE_BUSY, task->name);
    proctitle_set("keeper executing %s", task->name);
    log_set_request(id.s);
    enum err e = keeper_run_guarded(k, task, &s);
    arena_on_oom(k->arena, NULL);
    db_clean(k->db, deadline_in_ms(1000));
    arena_reset(k->arena);
    if (e != ERR_OK)
        LOG(LOG_LEVEL_WARN, "keeper.task_failed", F_STR("task", task->name), F_ERR(e),
            F_MS("took", mono_ms_since(begun)));
    else
        LOG(LOG_LEVEL_DEBUG, "keeper.task", F_STR("task", task->name),
            F_MS("took", mono_ms_since(begun)));
    log_set_request(NULL);
    scoreboard_served();
    scoreboard_stage(STAGE_IDLE, "");
    proctitle_set("keeper");
}

/* A minute at most, should the table ever be empty. */
static struct deadline keeper_soonest_deadline(const struct keeper *k)
{
    struct deadline d = deadline_in_ms(60000);
    for (size_t i = 0; i < keeper_tasks_n; i++)
        d = deadline_min(d, k->next[i]);
    return d;
}

/* One at a time: the caller looks at the signals between two tasks. */
static void keeper_run_due_task(struct keeper *k)
{
    for (size_t i = 0; i < keeper_tasks_n; i++) {
        if (!deadline_passed(k->next[i]) || (!db_connected(k->db) && !keeper_tasks[i].offline))
            continue;
        keeper_run_task(k, &keeper_tasks[i]);
        k->next[i] = deadline_in_ms(rng_jitter_ms(keeper_tasks[i].interval_ms, 0.1));
        return;
    }
}

static int keeper_run_loop(struct keeper *k)
{
    /* The first runs are spread over two seconds: what a crash left is found soon, and not by all
     * tasks at once. */
    for (size_t i = 0; i < keeper_tasks_n; i++)
        k->next[i] = deadline_in_ms((int64_t)rng_below(2000));
    for (;;) {
        enum role_news news = role_loop_sleep(&k->loop, keeper_soonest_deadline(k));
        /* It may be the first to see a database that does not fit, and then its words are the only
         * ones. */
        if (news == ROLE_TURNED && !db_connected(k->db) && role_loop_connect(&k->loop) != ERR_OK)
            news = role_loop_sleep(&k->loop, deadline_in_ms(AWAY_MS));
        if (news != ROLE_TURNED)
            return news == ROLE_BROKEN;
        /* Without a database only what needs none: alerts say that it is away. */
        keeper_run_due_task(k);
    }
}

/* ext_new() is needed because expired holds and refunds call providers. */
int keeper_main(const struct child_env *env)
{
    struct keeper k = {.env = env};
    k.db = db_new(env->cfg);
    k.ext = ext_new(env->cfg);
    k.arena = arena_new(ARENA_CHUNK);
    if (!k.db || !k.ext || !k.arena || keeper_tasks_n > TASKS_MAX ||
        !role_loop_open(&k.loop, env, k.db, "keeper.schema_refused"))
        return 1;
    db_require_schema(k.db, true);
    scoreboard_stage(STAGE_IDLE, "");
    proctitle_set("keeper");
    int rc = keeper_run_loop(&k);
    role_loop_close(&k.loop);
    ext_free(k.ext);
    db_free(k.db);
    arena_free(k.arena);
    return rc;
}
