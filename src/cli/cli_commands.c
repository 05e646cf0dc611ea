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
#define FILTERS_HELP                                                                   \
    "  --template NAME    booking_confirmed, booking_cancelled, booking_rescheduled, " \
    "booking_expired, "                                                                \
    "payment_refunded, payment_link, booking_reminder\n"                               \
    "  --error-code CODE  provider_timeout, interrupted ...\n"                         \
    "  --booking ID\n"                                                                 \
    "  --since TIME       RFC 3339; written at this time or later\n"                   \
    "  --until TIME       ... or earlier\n"

/* In the order in which help lists them. `serve` is first: it is the default. */
const struct cli_command cli_commands[] = {
    {"serve", NULL, cli_serve, "", "run the daemon (the default)",
     "Signals: TERM and INT stop in order, HUP reads the configuration again, USR1 logs the "
     "scoreboard,\n"
     "TTIN and TTOU add and remove a worker.\n"},
    {"init", NULL, cli_init, "[--superuser-url URL]",
     "make roles, database, secrets, configuration and the first staff key",
     "Leaves alone what is there, so it can be repeated. The key is printed on stdout, once.\n"
     "  --superuser-url URL  who may make roles and databases; as root by default the account\n"
     "                       postgres, through the local socket\n"},
    {"check-config", NULL, cli_check_config, "[--without-secrets] [--print]",
     "read the configuration and say what is wrong with it",
     "Prints 'configuration ok', or each fault as FILE:LINE:COLUMN: KEY: WHAT with exit code "
     "78.\nWhat is unsafe is a warning on stderr and does not change the exit code.\n"
     "  --without-secrets  do not look for secrets, which only the service's account may read\n"
     "  --print            print what is in force as YAML, defaults included, secrets masked\n"},
    {"migrate", NULL, cli_migrate, "[--grant-to ROLE]",
     "bring the database's schema to this version",
     "  --grant-to ROLE    then give ROLE what 'serve' needs, and no more\n"},
    {"staff-key", "create", cli_staff_create, "--name NAME [--role ROLE] [--venue ID]",
     "make a staff key and print it; it is never shown again",
     "  --name NAME   1 to 64 characters, never used before\n"
     "  --role ROLE   admin (default), agent or viewer\n"
     "  --venue ID    a key for this venue only\n"},
    {"staff-key", "list", cli_staff_list, "",
     "list staff keys: name, role, venue, times; never the key", ""},
    {"staff-key", "revoke", cli_staff_revoke, "NAME", "revoke a staff key at once", ""},
    {"desk-link", NULL, cli_desk_link, "--name NAME [--role ROLE] [--venue ID]",
     "print a link that opens the desk page without a key",
     "It is valid once, for five minutes; the session that it opens lasts twelve hours.\n"
     "  --name NAME   who it is for; the audit log names it\n"
     "  --role ROLE   admin, agent (default) or viewer\n"
     "  --venue ID    for this venue only\n"},
    {"notifications", "list", cli_notifications_list, "[FILTER...] [--limit N]",
     "list notifications, newest first",
     "  --status STATUS    PENDING, SENT or FAILED\n" FILTERS_HELP
     "  --limit N          1 to 1000, default 50\n"},
    {"notifications", "resend", cli_notifications_resend,
     "ID | --all [FILTER...] [--limit N] [--dry-run]",
     "send a FAILED notification again, or all that match",
     FILTERS_HELP "  --limit N          at most so many, default 100\n"
                  "  --dry-run          count only, send nothing\n"},
    {"notifications", "acknowledge", cli_notifications_acknowledge, "ID... | --all [FILTER...]",
     "take FAILED notifications out of the alert", FILTERS_HELP},
    {"status", NULL, cli_status, "[--json | --check]", "show the scoreboard of the running daemon",
     "  --check            say what is wrong; exit code 0 when nothing is, 1 for what can wait,\n"
     "                     2 for what hurts customers now (a daemon that does not answer, too)\n"},
    {"doctor", NULL, cli_doctor, "[--send PHONE]",
     "compare what the service needs with what is there",
     "Reads only, below ten seconds: database, providers, certificates, clock, kernel, texts.\n"
     "Exit code 1 when something is wrong; each such line says what to do.\n"
     "  --send PHONE       send one SMS, too\n"},
    {"alert-test", NULL, cli_alert_test, "", "send a test message to each place that alerts names",
     "Exit code 69 when one cannot be reached, 78 when alerts names none.\n"},
    {"reload", NULL, cli_reload, "[--wait] [--pid PID] [--timeout SECONDS]",
     "make the running daemon read its configuration again",
     "  --wait             wait until it is done; exit code 0, or 1 and the reason when the "
     "daemon\n"
     "                     keeps the old configuration\n"
     "  --pid PID          process id of the master; default: ask the monitor at monitor.listen\n"
     "  --timeout SECONDS  longest wait, default 90\n"},
    {"version", NULL, cli_version, "[--verbose]", "print the version",
     "  --verbose          and the version and date of the table of mobile numbers\n"},
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
    log_init((enum log_format)cfg->log.format, (enum log_level)cfg->log.level);
    return c->serve(cfg);
}
