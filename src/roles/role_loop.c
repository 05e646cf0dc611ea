/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One poll loop for all roles but the dispatcher, which has epoll and thousands of descriptors.
 * Called by each role's main function. That a role ends with its master, and is seen to turn, does
 * not depend on the role's own code in this way. A turn waits for the role's descriptors, the
 * parent, signals and the idle database connection, and says which news there is.
 */
#include "roles/role_loop.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/ensure.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "domain/scoreboard.h"
#include "sys/log.h"
#include "sys/net.h"
#include "sys/sig.h"

/* The loop's own entries of `polls`. */
enum { POLL_PARENT, POLL_SIGNAL, POLL_DB };
_Static_assert(POLL_DB + 1 == ROLE_POLLS, "an entry for each of the loop's descriptors");

/* SIGTERM is blocked and read from a descriptor: it arrives between two turns, never inside one. */
bool role_loop_open(struct role_loop *l, const struct child_env *env, struct db *db,
                    const char *refused_event)
{
    *l = (struct role_loop){.env = env, .db = db, .refused_event = refused_event};
    l->sig_fd = sig_open((const int[]){SIGTERM, 0});
    return l->sig_fd >= 0;
}

void role_loop_close(struct role_loop *l)
{
    if (l->sig_fd >= 0)
        close(l->sig_fd);
    l->sig_fd = -1;
}

/* The wait ends after SCOREBOARD_BEAT_MS at the latest, so that the master sees the process live.
 * The parent's end is looked at before everything else: without a master nothing must go on. */
enum role_news role_loop_turn(struct role_loop *l, const struct role_wait *w)
{
    ENSURE(w->polls_n >= ROLE_POLLS);
    const bool tends = l->db && !w->db_busy;
    short events = 0;
    const int db = tends ? db_fd(l->db, &events) : -1;
    struct deadline until = deadline_cap(w->until, SCOREBOARD_BEAT_MS);
    if (tends)
        until = deadline_min(until, db_idle_at(l->db));
    /* poll() passes over descriptors below 0. */
    w->polls[POLL_PARENT] = (struct pollfd){.fd = l->env->parent_fd, .events = POLLIN};
    w->polls[POLL_SIGNAL] = (struct pollfd){.fd = l->sig_fd, .events = POLLIN};
    w->polls[POLL_DB] = (struct pollfd){.fd = db, .events = events};
    scoreboard_beat();
    const int ready = poll(w->polls, (nfds_t)w->polls_n, deadline_left_ms(until));
    /* What poll() left in the entries after an error means nothing. */
    for (size_t i = 0; ready < 0 && i < w->polls_n; i++)
        w->polls[i].revents = 0;
    if (ready < 0 && !net_pause_after_error(errno))
        return ROLE_BROKEN;
    l->db_due = tends && (w->polls[POLL_DB].revents || deadline_passed(db_idle_at(l->db)));
    if (w->polls[POLL_PARENT].revents)
        return ROLE_END;
    if (w->polls[POLL_SIGNAL].revents && sig_next(l->sig_fd, NULL) == SIGTERM)
        return ROLE_TERM;
    return ROLE_TURNED;
}

/* Logged once per refusal: the same sentence every second would hide the rest. A server that could
 * not be reached in between counts as still refusing. */
static void role_loop_tell_refusal(struct role_loop *l)
{
    const struct db_unfit *u = db_unfit(l->db);
    if (db_refused(l->db) && !l->refused)
        LOG(LOG_LEVEL_ERROR, l->refused_event, F_INT("needs_version", db_schema_needed()),
            F_STR("reason", u->reason), F_STR("detail", u->sentence), F_STR("hint", u->command));
    l->refused = (l->refused || db_refused(l->db)) && !db_connected(l->db);
}

/* For a role that found db_due set: notices a closed connection, and reconnects in the
 * background. */
void role_loop_tend(struct role_loop *l)
{
    db_idle(l->db);
    role_loop_tell_refusal(l);
    scoreboard_database(db_connected(l->db));
}

/* Between two attempts of anything, without missing the parent's end or SIGTERM. */
enum role_news role_loop_sleep(struct role_loop *l, struct deadline d)
{
    struct pollfd polls[ROLE_POLLS];
    do {
        enum role_news news = role_loop_turn(
            l, &(struct role_wait){.polls = polls, .polls_n = ROLE_POLLS, .until = d});
        if (news != ROLE_TURNED)
            return news;
        if (l->db)
            role_loop_tend(l);
    } while (!deadline_passed(d));
    return ROLE_TURNED;
}

/* For a role that has nothing to do without a database. */
enum err role_loop_connect(struct role_loop *l)
{
    struct deadline d = deadline_in_ms(l->env->cfg->database.connect_timeout_ms);
    scoreboard_budget(d);
    scoreboard_stage(STAGE_BUSY, "database connect");
    const enum err e = db_connect(l->db, d);
    role_loop_tell_refusal(l);
    scoreboard_database(e == ERR_OK);
    scoreboard_stage(STAGE_IDLE, "");
    return e;
}
