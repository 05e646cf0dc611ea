/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Holds each embedded statement against the migrated schema: it can be prepared, its head names its
 * parameters and columns, and the index that it promises is used. One database serves all of them,
 * and all faults are printed before the test fails.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "svc/svc_sql.h"

static struct th_db t;
static int faults;

static void set_up(void)
{
    th_db_open(&t);
    /* The tables are empty, so that the planner would read them whole; and a generic plan does not
     * fold the NULLs that stand for parameters. */
    th_db_exec(&t, "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan");
}

static void tear_down(void)
{
    th_db_close(&t);
}

static void statements_fault(const struct db_stmt_head *h, const char *what, const char *text)
{
    fprintf(stderr, "%s: %s: %s\n", h->stmt->name, what, text);
    faults++;
}

/* "a, b" from the description of a prepared statement; "nothing" when it returns no rows. */
static void statements_columns(const PGresult *r, char *out, size_t size)
{
    size_t n = 0;

    snprintf(out, size, "nothing");
    for (int i = 0; i < PQnfields(r) && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "", PQfname(r, i));
}

static void statements_describe(const struct db_stmt_head *h)
{
    PGresult *r = PQdescribePrepared(t.conn, h->stmt->name);
    char text[2048];

    snprintf(text, sizeof text, "%d, and the head says %d", PQnparams(r), h->params_n);
    if (PQnparams(r) != h->params_n)
        statements_fault(h, "parameters", text);
    statements_columns(r, text, sizeof text);
    if (strcmp(text, h->returns) != 0)
        statements_fault(h, "returns", text);
    PQclear(r);
}

/* Whether the plan reads this index, whose name has n bytes. */
static bool statements_plan_has(const PGresult *r, const char *index, size_t n)
{
    for (int i = 0; i < PQntuples(r); i++)
        for (const char *p = PQgetvalue(r, i, 0); (p = strchr(p, ' ')); p++)
            if (strncmp(p + 1, index, n) == 0 && (p[n + 1] == ' ' || p[n + 1] == '\0'))
                return true;
    return false;
}

/* The first of the names that the plan does not read; NULL: it reads them all. */
static const char *statements_find_unread(const PGresult *r, const char *names)
{
    for (const char *p = names; *p; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " ");
        if (!statements_plan_has(r, p, n))
            return p;
        p += n;
    }
    return NULL;
}

static void statements_explain(const struct db_stmt_head *h)
{
    char sql[512];
    size_t n = (size_t)snprintf(sql, sizeof sql, "EXPLAIN EXECUTE %s", h->stmt->name);

    for (int i = 0; i < h->params_n; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, "%sNULL", i ? ", " : " (");
    snprintf(sql + n, sizeof sql - n, "%s", h->params_n ? ")" : "");
    PGresult *r = PQexec(t.conn, sql);
    const char *unread = NULL;
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        statements_fault(h, "EXPLAIN", PQresultErrorMessage(r));
    else if ((unread = statements_find_unread(r, h->index))) {
        statements_fault(h, "its plan does not use", unread);
        for (int i = 0; i < PQntuples(r); i++)
            fprintf(stderr, "    %s\n", PQgetvalue(r, i, 0));
    }
    PQclear(r);
}

static void statements_check(const struct db_stmt_head *heads, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct db_stmt_head *h = &heads[i];
        PGresult *r = PQprepare(t.conn, h->stmt->name, h->stmt->sql, 0, NULL);
        if (PQresultStatus(r) != PGRES_COMMAND_OK) {
            /* A name that exists already is refused here, too: names are unique in the program. */
            statements_fault(h, "PREPARE", PQresultErrorMessage(r));
        } else {
            statements_describe(h);
            if (h->index)
                statements_explain(h);
        }
        PQclear(r);
    }
}

START_TEST(every_statement_fits_the_schema_and_its_head)
{
    ck_assert_uint_gt(svc_sql_n, 0);
    statements_check(svc_sql, svc_sql_n);
    ck_assert_int_eq(faults, 0);
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    Suite *s = suite_create("statements");
    TCase *tc = th_case(s, "statements");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, every_statement_fits_the_schema_and_its_head);
    return th_run(s);
}
