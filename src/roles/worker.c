/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A worker: one complete request at a time, from the dispatcher's packet to the answer's bytes,
 * which the dispatcher sends to the client. Forked by the master as a role. It never waits for a
 * client and never has a client's connection.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cdefs.h"
#include "base/digest.h"
#include "base/rng.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "ipc/proctitle.h"
#include "ipc/protocol.h"
#include "roles/role_loop.h"
#include "roles/roles.h"
#include "svc/nodes.h"
#include "sys/addrs.h"
#include "sys/log.h"
#include "sys/net.h"

#define FIRST_LOOKUP_MS 1000 /* how long a start waits for the resolver's first pass */
#define FIRST_LOOK_MS 5      /* how often it looks: a lookup takes about as long */
/* The same for its first connection: a start must not take longer than a person waits. */
#define FIRST_CONNECT_MS 1000
/* What may be spent between requests on results that could not be stored. */
#define TIDY_MS 1000
/* At full load there is never an idle moment: four times per second is enough to notice a lost
 * connection. */
#define TIDY_EVERY_MS 250
/* Waits are cut at this, so that no fault of a deadline can let a worker sleep for ever. */
#define IDLE_MS 1000
#define COMPARE_MS 1000  /* one small statement */
#define ARENA_CHUNK 4096 /* of the same: one digest */
#define REPORT_MS 5000   /* a dispatcher that takes nothing for so long is about to be replaced */
/* Results that wait are tried again ten times per second while the database answers. */
#define UNSTORED_MS 100
/* A tenth more or less: workers that started together do not all make room at once. */
#define RECYCLE_JITTER 0.1

struct worker {
    const struct child_env *env;
    struct role_loop loop;
    struct db *db;
    struct ext *ext;
    struct api *api;
    bool retiring;
    int64_t left;   /* requests until it makes room for another; 0: any number */
    bool recycling; /* it has had them all */
    bool connected; /* was, at least once */
    bool compared;  /* its secret with that of other nodes */
    bool unstored;  /* results that the database could not take yet */
    struct deadline tidy_by;
    char packet[PROTOCOL_PACKET_MAX];
};

/* A worker at rest has no budget: it may wait for a request as long as none comes. */
static void rest_stage(const struct worker *w)
{
    scoreboard_budget((struct deadline){{0}});
    scoreboard_stage(w->retiring ? STAGE_DRAINING : STAGE_IDLE, "");
    proctitle_set(w->retiring ? "worker %d draining" : "worker %d idle", w->env->index);
}

/* Waits only when an answer of many parts has filled the pair: the dispatcher never blocks. */
static bool worker_send_report(const struct worker *w, struct protocol_report *r, struct str bytes)
{
    const struct deadline d = deadline_in_ms(REPORT_MS);
    struct protocol_packet p = {.bytes = (char *)(uintptr_t)bytes.p, .len = bytes.n, .fd = -1};
    r->len = bytes.n;
    while (!protocol_send(w->env->queue_fd, r, sizeof(*r), &p)) {
        if (errno != EAGAIN || net_wait(w->env->queue_fd, POLLOUT, d) != 1)
            return false;
    }
    return true;
}

/* In packets and not in a file: neither side needs a descriptor for it. */
static bool worker_send_answer(const struct worker *w, struct protocol_report *done,
                               struct str answer)
{
    struct protocol_report part = {.news = PROTOCOL_PART, .seq = done->seq};
    while (answer.n > PROTOCOL_INLINE_MAX) {
        if (!worker_send_report(w, &part, (struct str){answer.p, PROTOCOL_INLINE_MAX}))
            return false;
        answer.p += PROTOCOL_INLINE_MAX;
        answer.n -= PROTOCOL_INLINE_MAX;
    }
    return worker_send_report(w, done, answer);
}

/* TERM: no more requests. The dispatcher closes the pair once nothing is under way in it, so none
 * can get lost. */
static bool worker_retire_self(struct worker *w)
{
    if (w->retiring)
        return true;
    w->retiring = true;
    rest_stage(w);
    struct protocol_report r = {.news = PROTOCOL_RETIRE};
    return worker_send_report(w, &r, STR(""));
}

/* Called by the api as soon as the route is known; ps(1) and the scoreboard show it. */
static void worker_show_route(void *ctx, const char *name)
{
    const struct worker *w = ctx;
    scoreboard_stage(STAGE_BUSY, name);
    proctitle_set("worker %d executing %s", w->env->index, name);
}

/* The order at the end matters: mark, send, report, wipe. A death between any two of them leaves
 * the dispatcher enough to know what became of the answer. */
static bool worker_serve_request(struct worker *w, const struct protocol_request *q,
                                 struct protocol_packet *p)
{
    scoreboard_budget(q->deadline);
    scoreboard_stage(STAGE_BUSY, "a request"); /* until its route is known */
    scoreboard_request(q->request_id);

    const struct api_input in = {.bytes = p->bytes,
                                 .len = p->len,
                                 .peer = q->peer,
                                 .request_id = q->request_id,
                                 .deadline = q->deadline,
                                 .queue_seconds = q->queue_seconds,
                                 .answer_max = PROTOCOL_ANSWER_MAX,
                                 .on_route = worker_show_route,
                                 .ctx = w,
                                 .close = q->close != 0};
    struct api_output out = {.keep_alive = false};
    api_serve(w->api, &in, &out);

    scoreboard_served();
    w->unstored = true;
    w->recycling = w->recycling || (w->left > 0 && --w->left == 0);
    w->retiring = w->retiring || w->recycling;
    rest_stage(w);
    /* The report comes before the arena is wiped: the answer lies there. */
    struct protocol_report r = {.news = PROTOCOL_DONE,
                                .flags = (out.keep_alive ? PROTOCOL_KEEP_ALIVE : 0) |
                                         (w->retiring ? PROTOCOL_RETIRING : 0),
                                .seq = q->seq};
    const bool told = worker_send_answer(w, &r, out.bytes);
    protocol_drop(p);
    api_release(w->api);
    return told;
}

/* Its bytes did not come with it, since this process has no descriptors or memory left. It lives
 * on: the next may find some. */
static bool worker_refuse_request(const struct worker *w, const struct protocol_request *q)
{
    struct protocol_report r = {.news = PROTOCOL_REFUSED, .seq = q->seq};
    LOG(LOG_LEVEL_WARN, "worker.request_lost", F_STR("request_id", q->request_id),
        F_STR("reason", "no descriptors or memory to take it"));
    rest_stage(w); /* anew: it was looked at */
    return worker_send_report(w, &r, STR(""));
}

/* Takes a request from the pair. False: the dispatcher closed it, nothing more will come. */
static bool worker_take_request(struct worker *w)
{
    struct protocol_request q;
    struct protocol_packet p;
    int got = protocol_recv(w->env->queue_fd, &protocol_requests, w->packet, &q, &p);
    if (got < 0)
        return errno == EAGAIN || net_pause_after_error(errno);
    if (got > 0 && p.fd >= 0)
        close(p.fd); /* nobody sends one */
    q.request_id[sizeof(q.request_id) - 1] = q.peer[sizeof(q.peer) - 1] = '\0';
    if (got > 0 && p.lost)
        return worker_refuse_request(w, &q);
    const size_t len = p.heap ? 0 : p.len;
    bool good = got > 0 && worker_serve_request(w, &q, &p);
    /* The packet holds tokens and codes. */
    digest_wipe(w->packet + sizeof(q), len);
    return good;
}

/* The codes that another node sent would be wrong here, and limits per phone would count twice. The
 * whole remedy is in the line, since it is read when nothing works. */
static void worker_tell_secret(void)
{
    LOG(LOG_LEVEL_ERROR, "worker.secret_refused", F_STR("key", "otp.secret"),
        F_STR("detail", "otp.secret is not that of the other nodes on this database"),
        F_STR("hint", "give this node their otp.secret; if it was changed on purpose: stop all "
                      "nodes, DELETE FROM node_secret in the database, start them"));
}

/* Once per worker, with its first connection. False: the secret is another. Where the answer does
 * not come it is asked again with the next look. */
static bool worker_compare_secret(struct worker *w)
{
    struct arena *a = arena_new(ARENA_CHUNK);
    struct svc s = {.cfg = w->env->cfg,
                    .db = w->db,
                    .arena = a,
                    .deadline = deadline_in_ms(COMPARE_MS),
                    .request_id = "worker"};
    jmp_buf oom;
    bool same = true;
    if (!a)
        return true;
    if (setjmp(oom) != 0) {
        arena_free(a);
        db_drop(w->db);
        return true;
    }
    arena_on_oom(a, &oom);
    w->compared = nodes_compare_secret(&s, &same) == ERR_OK;
    arena_free(a);
    return same;
}

/*
 * False, and the reason is in the log: the secret is not that of the other nodes, or the database
 * does not fit a service that starts, or a configuration on trial. Of a service that was ready a
 * worker stays instead, whether it had a connection yet or not, and answers 503 until the schema
 * fits: in an upgrade, or while a database is brought back step by step, that passes.
 */
static bool worker_tidy(struct worker *w)
{
    w->tidy_by = deadline_in_ms(TIDY_EVERY_MS);
    role_loop_tend(&w->loop);
    w->connected = w->connected || db_connected(w->db);
    if (w->env->on_trial && !w->connected && db_refused(w->db))
        return false;
    if (!w->compared && db_connected(w->db) && !worker_compare_secret(w)) {
        worker_tell_secret();
        return false;
    }
    if (w->unstored && db_connected(w->db))
        w->unstored = api_idle(w->api, deadline_in_ms(TIDY_MS));
    return true;
}

static struct deadline worker_next_tidy(const struct worker *w)
{
    return deadline_in_ms(w->unstored && db_connected(w->db) ? UNSTORED_MS : IDLE_MS);
}

/* One poll for all that can happen. Requests, the master's death, signals and the database come in
 * this order, so that nothing is begun that nobody would collect. */
static int worker_run_loop(struct worker *w)
{
    struct pollfd polls[ROLE_POLLS + 1];
    struct pollfd *pair = &polls[ROLE_POLLS];
    for (;;) {
        *pair = (struct pollfd){.fd = w->env->queue_fd, .events = POLLIN};
        const struct role_wait wait = {
            .polls = polls, .polls_n = ARRAY_LEN(polls), .until = worker_next_tidy(w)};
        const enum role_news news = role_loop_turn(&w->loop, &wait);
        if (news == ROLE_END || news == ROLE_BROKEN)
            return news == ROLE_BROKEN;
        if (news == ROLE_TERM && !worker_retire_self(w))
            return 0;
        if (pair->revents && !worker_take_request(w))
            return 0;
        /* Work first: a request that is here does not wait for worker_tidy(), unless that was put
         * off long enough. */
        const bool free = !(pair->revents & POLLIN);
        if ((free || w->loop.db_due || deadline_passed(w->tidy_by)) && !worker_tidy(w))
            return EX_CONFIG;
    }
}

/* The first lookups take a moment; without them a name in database.url has no address yet. */
static void worker_await_addresses(struct worker *w)
{
    struct deadline d = deadline_in_ms(FIRST_LOOKUP_MS);
    struct role_loop no_db = {.env = w->env, .sig_fd = -1};
    while (addrs_count() > 0 && !addrs_first_pass() && !deadline_passed(d) &&
           role_loop_sleep(&no_db, deadline_in_ms(FIRST_LOOK_MS)) == ROLE_TURNED)
        ;
}

int worker_main(const struct child_env *env)
{
    static struct worker w; /* static: it holds the packet buffer */
    w.env = env;
    w.db = db_new(env->cfg);
    w.ext = ext_new(env->cfg);
    if (!w.db || !w.ext || !role_loop_open(&w.loop, env, w.db, "worker.schema_refused"))
        return 1;
    w.api = api_new(env->cfg, w.db, w.ext);
    if (!w.api)
        return 1;
    db_require_schema(w.db, true);
    worker_await_addresses(&w);
    /* Briefly: requests are answered without a database too, and the attempt goes on between them.
     */
    w.connected = db_connect(w.db, deadline_in_ms(FIRST_CONNECT_MS)) == ERR_OK;
    if (!worker_tidy(&w))
        return EX_CONFIG;
    rest_stage(&w);
    struct protocol_report ready = {.news = PROTOCOL_READY};
    /* With jitter, so that not all are replaced at once. */
    w.left = rng_jitter_ms(env->cfg->server.worker_max_requests, RECYCLE_JITTER);
    int rc = worker_send_report(&w, &ready, STR("")) ? worker_run_loop(&w) : 0;
    if (rc == 0 && w.recycling)
        rc = EXIT_RECYCLE_CODE;
    else if (rc == 0 && !w.retiring) /* the pair was closed, and not because this worker asked */
        rc = EXIT_ORPHAN_CODE;
    role_loop_close(&w.loop);
    api_free(w.api);
    ext_free(w.ext);
    db_free(w.db);
    return rc;
}
