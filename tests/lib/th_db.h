/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A migrated database for each test, in the cluster of tests/lib/with-pg. main() of a test program
 * calls th_db_main() first: without a cluster it starts itself again under with-pg, so that `make
 * check` needs nothing else.
 *
 *     static struct th_db t;                         // checked fixture, runs in the test's own
 * process static void setup(void) { th_db_open(&t); db = db_new(&t.cfg); }
 */
#ifndef BOOKINGD_TESTS_TH_DB_H
#define BOOKINGD_TESTS_TH_DB_H

#include <libpq-fe.h>

#include "db/db.h"
#include "domain/config.h"

struct th_db {
    char name[64];
    char conninfo[512]; /* of a superuser */
    struct config cfg;  /* zero but for `database`, which points here with limits that suit tests */
    PGconn *conn;       /* plain libpq, for the test's own SQL */
};

/* own: a cluster that no other test sees, because this program stops it. */
void th_db_main(int argc, char **argv, int own);
/* A new database with the newest schema, made from a template that the first caller migrates. */
void th_db_open(struct th_db *t);
/* The same, empty. */
void th_db_open_empty(struct th_db *t);
void th_db_close(struct th_db *t);

/* SQL on t->conn; a failure fails the test. The value is the first column of the first row, "" when
 * NULL or none; lives until the next call. */
void th_db_exec(struct th_db *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *th_db_value(struct th_db *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* SQLSTATE of what must fail; "" when it did not. */
const char *th_db_sqlstate(struct th_db *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A further connection to the same database. */
PGconn *th_db_connect(const struct th_db *t);
/* As the event loop of a worker does it, until it is connected, or is not. False: the limit came
 * first. */
bool th_db_idle_until(struct db *db, bool connected, int limit_ms);
/* pg_ctl on a cluster of one's own: th_db_ctl("-m fast stop"), th_db_ctl("start"). */
void th_db_ctl(const char *args);

#endif
