/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "th_db.h"

#include <check.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "db/db_migrate.h"

#ifndef TH_WITH_PG
#error "TH_WITH_PG: path of tests/lib/with-pg"
#endif

void th_db_main(int argc, char **argv, int own)
{
    if (getenv("BOOKINGD_TEST_PG") && (!own || getenv("TH_DB_OWN")))
        return;
    char **args = calloc((size_t)argc + 3, sizeof(*args));
    int n = 0;
    args[n++] = (char *)(uintptr_t)TH_WITH_PG;
    if (own) {
        args[n++] = (char *)(uintptr_t) "--own";
        setenv("TH_DB_OWN", "1", 1);
    }
    memcpy(args + n, argv, (size_t)argc * sizeof(*args));
    execv(TH_WITH_PG, args);
    perror(TH_WITH_PG);
    exit(99);
}

static void no_notice(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static PGconn *connect_to(const char *conninfo)
{
    PGconn *c = PQconnectdb(conninfo);

    PQsetNoticeProcessor(c, no_notice, NULL);
    ck_assert_msg(PQstatus(c) == CONNECTION_OK, "%s", PQerrorMessage(c));
    return c;
}

static void must(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);

    ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK,
                  "%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
}

static void name_database(struct th_db *t, const char *name)
{
    snprintf(t->name, sizeof(t->name), "%s", name);
    /* The last dbname of a connection string counts. */
    snprintf(t->conninfo, sizeof(t->conninfo), "%s dbname=%s", getenv("BOOKINGD_TEST_PG"), name);
    t->cfg.database.url = t->conninfo;
    t->cfg.database.connect_timeout_ms = 3000;
    t->cfg.database.statement_timeout_ms = 3000;
    t->cfg.database.prepared = PREPARED_AUTO;
}

static void migrate_template(struct th_db *t, const char *name)
{
    struct db_migrate_report report;
    struct arena *a = arena_new(4096);

    name_database(t, name);
    struct db *db = db_new(&t->cfg);
    enum err e = db_migrate(db, a, deadline_in_ms(30000), NULL, &report);
    ck_assert_msg(e == ERR_OK, "migrate: %s", report.fault ? report.fault : err_code(e));
    db_free(db);
    arena_free(a);
}

/* One template a state of the migrations. The lock is for test programs that run at the same time.
 */
static void ensure_template(struct th_db *t, PGconn *admin, const char *name)
{
    char sql[256];

    must(admin, "SELECT pg_advisory_lock(4711)");
    snprintf(sql, sizeof(sql), "SELECT 1 FROM pg_database WHERE datname = '%s'", name);
    PGresult *r = PQexec(admin, sql);
    int known = PQntuples(r);
    PQclear(r);
    if (!known) {
        char making[80];
        snprintf(making, sizeof(making), "%s_new", name);
        snprintf(sql, sizeof(sql), "CREATE DATABASE %s", making);
        must(admin, sql);
        migrate_template(t, making);
        /* The rename says that it is whole; a session that is just ending may stand in its way. */
        snprintf(sql, sizeof(sql), "ALTER DATABASE %s RENAME TO %s", making, name);
        for (int i = 0; i < 50 && PQresultStatus(r = PQexec(admin, sql)) != PGRES_COMMAND_OK; i++) {
            PQclear(r);
            usleep(20000);
        }
        PQclear(r);
    }
    must(admin, "SELECT pg_advisory_unlock(4711)");
}

static void create(struct th_db *t, int empty)
{
    static int counter;
    char sql[256], name[32], template[32] = "template0";
    PGconn *admin = connect_to(getenv("BOOKINGD_TEST_PG"));

    memset(t, 0, sizeof(*t));
    if (!empty) {
        snprintf(template, sizeof(template), "th_%.16s",
                 db_migrations[db_migrations_n - 1].checksum);
        ensure_template(t, admin, template);
    }
    snprintf(name, sizeof(name), "t_%d_%d", (int)getpid(), counter++);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name, template);
    must(admin, sql);
    PQfinish(admin);
    name_database(t, name);
    t->conn = connect_to(t->conninfo);
}

void th_db_open(struct th_db *t)
{
    create(t, 0);
}

void th_db_open_empty(struct th_db *t)
{
    create(t, 1);
}

void th_db_close(struct th_db *t)
{
    char sql[128];

    PQfinish(t->conn);
    t->conn = NULL;
    PGconn *admin = connect_to(getenv("BOOKINGD_TEST_PG"));
    snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", t->name);
    must(admin, sql);
    PQfinish(admin);
}

PRINTF_LIKE(2, 0) static PGresult *query(struct th_db *t, const char *fmt, va_list ap)
{
    static char sql[65536];

    vsnprintf(sql, sizeof(sql), fmt, ap);
    return PQexec(t->conn, sql);
}

static void check_ok(struct th_db *t, const PGresult *r)
{
    ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK,
                  "%s", PQerrorMessage(t->conn));
}

void th_db_exec(struct th_db *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    PGresult *r = query(t, fmt, ap);
    va_end(ap);
    check_ok(t, r);
    PQclear(r);
}

const char *th_db_value(struct th_db *t, const char *fmt, ...)
{
    static char value[65536];
    va_list ap;

    va_start(ap, fmt);
    PGresult *r = query(t, fmt, ap);
    va_end(ap);
    check_ok(t, r);
    snprintf(value, sizeof(value), "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    return value;
}

const char *th_db_sqlstate(struct th_db *t, const char *fmt, ...)
{
    static char state[6];
    va_list ap;

    va_start(ap, fmt);
    PGresult *r = query(t, fmt, ap);
    va_end(ap);
    const char *s = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    snprintf(state, sizeof(state), "%s", s ? s : "");
    PQclear(r);
    return state;
}

PGconn *th_db_connect(const struct th_db *t)
{
    return connect_to(t->conninfo);
}

void th_db_ctl(const char *args)
{
    char command[1024];

    snprintf(command, sizeof(command), "'%s' --ctl %s", TH_WITH_PG, args);
    ck_assert_msg(system(command) == 0, "pg_ctl %s", args);
}

bool th_db_idle_until(struct db *db, bool connected, int limit_ms)
{
    struct deadline limit = deadline_in_ms(limit_ms);

    for (db_idle(db); db_connected(db) != connected && !deadline_passed(limit); db_idle(db)) {
        short events = 0;
        struct pollfd p = {.fd = db_fd(db, &events)};
        p.events = events;
        (void)poll(&p, 1, deadline_left_ms(deadline_min(limit, db_idle_at(db))));
    }
    return db_connected(db) == connected;
}
