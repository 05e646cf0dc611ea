/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The table of commands, and those of a line or two. A command is a row here and a function.
 * --help, the man page and the tests are held against this table, so a command cannot be added
 * without its description. Rows of one command with several actions (staff-key, notifications)
 * stand together.
 */
#include <stdio.h>
#include <sysexits.h>

#include "cli_priv.h"
#include "domain/phone_table.h"
#include "sys/log.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#include "revision.h"
#endif

#ifndef BD_SYSCONFDIR
#define BD_SYSCONFDIR "/etc"
#endif

const char cli_default_config[] = BD_SYSCONFDIR "/bookingd/bookingd.yaml";

/* Shared by three commands, whose filters are read by one function (cli_notifications.c). */
#define FILTERS_HELP                                                  \
    "  --template NAME    a template, such as booking_confirmed;\n"   \
    "                     all are listed in bookingd.yaml(5)\n"       \
    "  --error-code CODE  provider_timeout, interrupted and others\n" \
    "  --booking ID       those of one booking\n"                     \
    "  --since TIME       written at this time (RFC 3339) or later\n" \
    "  --until TIME       written at this time or earlier\n"

/* In the order in which help lists them. `serve` is first: it is the default. */
const struct cli_command cli_commands[] = {
    {"serve", NULL, cli_serve, "", "run the daemon (the default)",
     "Signals to the master process:\n"
     "  TERM, INT          finish the requests that are running, then stop\n"
     "  HUP                read the configuration again\n"
     "  USR1               write what each process is doing to the log\n"
     "  TTIN, TTOU         start or stop one worker\n"},
    {"init", NULL, cli_init, "[--superuser-url URL]",
     "set up a database, a configuration and a staff key",
     "What is there already stays as it is, so the command can be repeated.\n"
     "It prints the staff key on standard output. The key is not shown again.\n"
     "  --superuser-url URL  connect to PostgreSQL as a role that may make roles\n"
     "                       and databases. The default, when run as root, is the\n"
     "                       account postgres through the local socket\n"},
    {"check-config", NULL, cli_check_config, "[--without-secrets] [--print]",
     "list the faults of the configuration",
     "Prints 'configuration ok', or one line for each fault and exit code 78:\n"
     "    FILE:LINE:COLUMN: KEY: WHAT IS WRONG\n"
     "Warnings about unsafe settings go to standard error. They do not change the\n"
     "exit code.\n"
     "  --without-secrets  do not read secrets: often only the service's account\n"
     "                     may\n"
     "  --print            show the configuration in force as YAML: defaults\n"
     "                     included, secrets masked\n"},
    {"migrate", NULL, cli_migrate, "[--expand | --contract] [--grant-to ROLE]",
     "bring the database's schema to this version",
     "It may run beside the service: a lock that it does not get within a second is\n"
     "let go, and tried again for up to 30 minutes. The second of two waits for the\n"
     "first.\n"
     "  --expand           only what this version needs; nodes of the version before\n"
     "                     go on serving\n"
     "  --contract         the rest, once every node has this version: it takes away\n"
     "                     what only older ones need\n"
     "  --grant-to ROLE    then give ROLE the rights that 'serve' needs, and no\n"
     "                     others\n"},
    {"staff-key", "create", cli_staff_create, "--name NAME [--role ROLE] [--venue ID]",
     "make a staff key and show it, this once",
     "  --name NAME        1 to 64 characters that no other key has or had\n"
     "  --role ROLE        admin (the default), agent or viewer\n"
     "  --venue ID         the key works for this venue only\n"},
    {"staff-key", "list", cli_staff_list, "", "list staff keys with name, role, venue and times",
     "The keys themselves are not stored, so they cannot be listed.\n"},
    {"staff-key", "revoke", cli_staff_revoke, "NAME", "end a staff key at once",
     "Requests with the key get 401 from now on. Its name cannot be used again.\n"},
    {"desk-link", NULL, cli_desk_link, "--name NAME [--role ROLE] [--venue ID]",
     "print a link that opens the desk page without a key",
     "The link works once, for five minutes. The session that it opens lasts twelve\n"
     "hours.\n"
     "  --name NAME        who uses it; the audit log shows the name\n"
     "  --role ROLE        admin, agent (the default) or viewer\n"
     "  --venue ID         the session works for this venue only\n"},
    {"notifications", "list", cli_notifications_list, "[FILTER...] [--limit N]",
     "list notifications, newest first",
     "Filters:\n"
     "  --status STATUS    PENDING, SENT or FAILED\n" FILTERS_HELP "How many:\n"
     "  --limit N          1 to 1000; the default is 50\n"},
    {"notifications", "resend", cli_notifications_resend,
     "ID | --all [FILTER...] [--limit N] [--dry-run]",
     "send a FAILED notification again, or all that match",
     "Prints how it ended; exit code 1 when a message failed again.\n"
     "Filters, with --all:\n" FILTERS_HELP "How many:\n"
     "  --limit N          at most N; the default is 100\n"
     "  --dry-run          only count, and send nothing\n"},
    {"notifications", "acknowledge", cli_notifications_acknowledge, "ID... | --all [FILTER...]",
     "stop alerting about FAILED notifications",
     "Somebody has seen to these customers. The notifications stay FAILED.\n"
     "Filters, with --all:\n" FILTERS_HELP},
    {"status", NULL, cli_status, "[--json | --check]", "show what the running daemon is doing",
     "  --json             the same as JSON\n"
     "  --check            show only what is wrong. Exit code 0: nothing;\n"
     "                     1: something that can wait; 2: something that affects\n"
     "                     customers now, or no answer from the daemon\n"},
    {"doctor", NULL, cli_doctor, "[--send PHONE]",
     "compare what the service needs with what is there",
     "Checks database, providers, certificates, clock, kernel and texts in less\n"
     "than ten seconds. It changes nothing. Exit code 1 when something is wrong;\n"
     "each such line says what to do.\n"
     "  --send PHONE       also send one SMS to this number\n"},
    {"alert-test", NULL, cli_alert_test, "", "send a test message to each receiver of alerts",
     "Exit code 69: one cannot be reached; 78: the section `alerts` names none.\n"},
    {"reload", NULL, cli_reload, "[--wait] [--pid PID] [--timeout SECONDS]",
     "make the daemon read its configuration again",
     "  --wait             wait for the end. Exit code 0: the new configuration is\n"
     "                     in force; 1, with the reason: the old one stays\n"
     "  --pid PID          process id of the master; without it the monitor at\n"
     "                     monitor.listen is asked\n"
     "  --timeout SECONDS  longest wait; the default is 90\n"},
    {"version", NULL, cli_version, "[--verbose]", "print the version",
     "  --verbose          also the version and date of the table of mobile numbers\n"},
    {.name = NULL},
};

static const struct cli_option commands_no_options[] = {CLI_OPTIONS_END};

/* The revision is empty in a release. */
int cli_print_version(void)
{
    printf("bookingd %s%s%s\n", PACKAGE_VERSION, *BD_REVISION ? " " : "", BD_REVISION);
    return cli_done();
}

/* --verbose says how old the table of mobile numbers is: the usual reason for a refused new
 * number. */
int cli_version(struct cli *c)
{
    bool verbose = false;
    const struct cli_option options[] = {{.name = "verbose", .flag = &verbose}, CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    code = cli_print_version();
    if (!verbose || code != 0)
        return code;
    printf("phone numbers: libphonenumber %s\n", phone_metadata);
    return cli_done();
}

/* With secrets: a file that cannot be read is a fault that an operator wants to hear of now. */
int cli_serve(struct cli *c)
{
    int code = cli_options(c, commands_no_options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    struct config *cfg = cli_config(c, false);
    if (!cfg)
        return EX_CONFIG;
    /* From here on faults are events of the log, in the form that the configuration asks for. */
    log_init((enum log_format)cfg->log.format, (enum log_level)cfg->log.level);
    return c->serve(cfg);
}
