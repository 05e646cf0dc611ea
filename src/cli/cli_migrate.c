/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd migrate`: brings the schema to the version of this program. */
#include <stdio.h>
#include <sysexits.h>

#include "cli_priv.h"
#include "db/db_migrate.h"

/* Half an hour: a change of a large table takes minutes, and a second `migrate` waits for the
 * first. */
#define MIGRATE_MS (INT64_C(30) * 60 * 1000)

int cli_migrate(struct cli *c)
{
    static const struct cli_option options[] = {CLI_OPTIONS_END};
    struct cli_session s;
    struct db_migrate_report report;
    int code = cli_options(c, options, 0, 0);
    if (code == CLI_GO_ON)
        /* The only command that accepts another schema: it is there to change it. */
        code = cli_session_open(&s, c, CLI_ANY_SCHEMA, MIGRATE_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = db_migrate(s.svc.db, s.arena, s.svc.deadline, &report);
    if (e == ERR_OK && report.applied)
        printf("schema is at version %d, was %d\n", report.to, report.from);
    else if (e == ERR_OK)
        printf("schema is already at version %d\n", report.to);
    else if (report.fault)
        cli_error("%s", report.fault);
    if (e == ERR_OK)
        code = cli_done();
    else if (e == ERR_DB_SCHEMA) /* the report says what is wrong; cli_failed() would say "run
                                    migrate" */
        code = EX_CONFIG;
    else
        code = cli_failed(e);
    cli_session_close(&s);
    return code;
}
