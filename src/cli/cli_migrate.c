/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd migrate`: brings the schema to the version of this program, and grants what `serve`
 * needs to another role. The work is db/db_migrate.c's; this file reports it. */
#include <stdio.h>
#include <sysexits.h>

#include "cli_priv.h"
#include "db/db_migrate.h"

/* Half an hour: a change of a large table takes minutes, and a second `migrate` waits for the
 * first. */
#define MIGRATE_MS (INT64_C(30) * 60 * 1000)

struct migrate_options {
    const char *role; /* to give the rights of `serve` to; NULL */
    enum db_migrate_phase phase;
};

/* Printed at once: whoever looks at a command that waits wants to know for whom. */
static void migrate_tell(const char *text)
{
    cli_error("%s", text);
}

/* A fault of a migration and a missing right look alike as an error code; the report has the
 * words. */
static int migrate_end(enum err e, const struct db_migrate_report *report)
{
    if (report->fault)
        cli_error("%s", report->fault);
    if (report->hint)
        cli_error("hint: %s", report->hint);
    /* The report has said what is wrong, and cli_failed() would say "run migrate". */
    return e == ERR_DB_SCHEMA ? EX_CONFIG : cli_failed(e);
}

/* The result, for people: `bookingd init` has its own lines on stdout. */
static void migrate_print(FILE *to, const struct db_migrate_report *report, const char *role)
{
    if (report->applied)
        fprintf(to, "schema is at version %d, was %d\n", report->to, report->from);
    else
        fprintf(to, "schema is already at version %d\n", report->to);
    if (report->left)
        fprintf(to,
                "%d more to be done by 'bookingd migrate --contract', once no older version runs\n",
                report->left);
    if (role)
        fprintf(to, "the role %s may serve\n", role);
}

/* The grants are made anew each time: a migration may have brought tables. */
static int migrate_run(struct cli *c, const struct migrate_options *o, FILE *to, bool *applied)
{
    const struct db_migrate_order order = {o->phase, migrate_tell};
    const char *role = o->role;
    struct cli_session s;
    struct db_migrate_report report, granted = {0};
    /* The only command that accepts another schema: it is there to change it. */
    int code = cli_session_open(&s, c, CLI_ANY_SCHEMA, MIGRATE_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = db_migrate(s.svc.db, s.arena, s.svc.deadline, &order, &report);
    if (e == ERR_OK && role)
        e = db_migrate_grant(s.svc.db, s.arena, s.svc.deadline, role, &granted);
    *applied = e == ERR_OK && report.applied > 0;
    if (e == ERR_OK)
        migrate_print(to, &report, role);
    code = e == ERR_OK ? cli_done() : migrate_end(e, granted.fault ? &granted : &report);
    cli_session_close(&s);
    return code;
}

int cli_migrate_for_init(struct cli *c, const char *role, bool *applied)
{
    return migrate_run(c, &(struct migrate_options){role, DB_MIGRATE_ALL}, stderr, applied);
}

int cli_migrate(struct cli *c)
{
    struct migrate_options options_in_use = {NULL, DB_MIGRATE_ALL};
    bool expand = false, contract = false, applied;
    const struct cli_option options[] = {{"grant-to", &options_in_use.role, NULL},
                                         {"expand", NULL, &expand},
                                         {"contract", NULL, &contract},
                                         CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    /* Both are what no option means; but whoever writes both has not understood one of them. */
    if (expand && contract)
        return cli_usage(c->command, "give --expand or --contract, or neither for both");
    options_in_use.phase = expand     ? DB_MIGRATE_EXPAND
                           : contract ? DB_MIGRATE_CONTRACT
                                      : DB_MIGRATE_ALL;
    return migrate_run(c, &options_in_use, stdout, &applied);
}
