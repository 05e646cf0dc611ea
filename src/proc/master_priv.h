/* The master's inside, shared by master.c and master_*.c alone. */
#ifndef BOOKINGD_PROC_MASTER_PRIV_H
#define BOOKINGD_PROC_MASTER_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "proc/child_table.h"
#include "sys/config.h"

#define LISTEN_MAX 32

struct master {
    const struct config *cfg;
    pid_t pid;
    int sig_fd;
    int life[2]; /* pipe: its write end is open in the master alone */
    int control; /* to the dispatcher; -1 while there is none */
    int listen_fds[LISTEN_MAX];
    size_t listen_n;
    int monitor_fd;

    struct child *children; /* by slot of the board */
    unsigned children_n;

    struct mono started;
    bool ready; /* READY=1 was told */
    bool stopping;
    bool forced; /* a second TERM, or the time is up: by force */
    struct mono forced_at;
    struct deadline stop_by;
    int exit_code;
    struct deadline watchdog_due;
    char status[128]; /* last told */
};

/* master_setup.c: what is done once, before the first fork. False after saying why; m->exit_code is set. */
bool master_setup(struct master *m);
/* Closes the listening sockets (drain), and removes unix paths that this process made. */
void master_close_listeners(struct master *m);

/* master_child.c: starting and burying. Calls nothing in master.c. */
void master_children_init(struct master *m);
void master_want(struct master *m, struct child *c);
/* Starts what is due. */
void master_launch_due(struct master *m);
void master_reap(struct master *m);
/* Tells a child to end in order; again is harmless. */
void master_tell_stop(struct child *c);
unsigned master_alive(const struct master *m, enum role role);
unsigned master_in_state(const struct master *m, enum role role, enum child_state state);

/* master_watch.c: what the board says about the children: checked in, overdue, scoreboard, status words. */
void master_watch(struct master *m);
bool master_serving(const struct master *m);
void master_scoreboard(const struct master *m);
void master_tell_status(struct master *m);
bool master_healthy(const struct master *m);

#endif
