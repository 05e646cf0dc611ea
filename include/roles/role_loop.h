/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The poll loop that worker, keeper, monitor and resolver share: it notices the master's death
 * and SIGTERM, tells the master that the role turns, and looks after the role's database
 * connection. What a role waits for besides is the role's own.
 */
#ifndef BOOKINGD_ROLES_ROLE_LOOP_H
#define BOOKINGD_ROLES_ROLE_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "base/err.h"
#include "ipc/child.h"

struct db;

struct role_loop {
    const struct child_env *env;
    struct db *db; /* borrowed; NULL: the role has none */
    int sig_fd;    /* -1: signals end the process by their default action */
    bool db_due;   /* after a turn: role_loop_tend() is wanted */
    bool refused;  /* the database does not fit, and that was said */
    const char *refused_event;
};

enum role_news {
    ROLE_TURNED, /* something is ready, or the time is up */
    ROLE_TERM,   /* SIGTERM: finish what is in hand */
    ROLE_END,    /* the master is gone: nobody would replace or drain this process */
    ROLE_BROKEN, /* poll() itself fails: exit with 1 */
};

/*
 * Opens the signal descriptor; false when there is none to be had. A database that does not fit is
 * asked again within each second, since in an upgrade the schema is another one for a while; what
 * is wrong is logged under `refused_event` once, and again only after a success.
 */
bool role_loop_open(struct role_loop *l, const struct child_env *env, struct db *db,
                    const char *refused_event) MUST_CHECK;
void role_loop_close(struct role_loop *l);

/* One wait. `polls` begins with ROLE_POLLS entries that the loop fills; the role's own follow. */
#define ROLE_POLLS 3
struct role_wait {
    struct pollfd *polls;
    size_t polls_n;        /* of all entries */
    struct deadline until; /* SCOREBOARD_BEAT_MS at most, whatever it says */
    bool db_busy;          /* called while `db` waits for an answer: its connection is left alone */
};
enum role_news role_loop_turn(struct role_loop *l, const struct role_wait *w) MUST_CHECK;
/* Between turns: notices a closed connection, goes on connecting, shows the state on the
 * scoreboard. Never waits. */
void role_loop_tend(struct role_loop *l);

/* Turns, tending the database, until `d` (ROLE_TURNED) or until the role has to end. */
enum role_news role_loop_sleep(struct role_loop *l, struct deadline d) MUST_CHECK;
/* Connects within database.connect_timeout. ERR_DB_SCHEMA: it does not fit. Others: it is away. */
enum err role_loop_connect(struct role_loop *l) MUST_CHECK;

#endif
