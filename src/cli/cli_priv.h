/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For src/cli alone: options of commands, and what commands that reach the database share. */
#ifndef BOOKINGD_CLI_CLI_PRIV_H
#define BOOKINGD_CLI_CLI_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "svc/svc.h"

/* ---- options (cli.c) ---- */

struct cli_option {
    const char *name;
    const char **value; /* where a value goes; NULL: none is taken */
    bool *flag;         /* set when the option is there */
};
#define CLI_OPTIONS_END \
    {                   \
        .name = NULL    \
    }
#define CLI_OPTIONS_MAX 12
#define CLI_GO_ON (-1)

/*
 * Reads the command's options (and -c, -h, --help), anywhere among its words; the words that are
 * left begin at argv[0] of *c and number argc. CLI_GO_ON, or the exit code to end with (help,
 * usage).
 */
int cli_options(struct cli *c, const struct cli_option *options, int min_words,
                int max_words) MUST_CHECK;

/* "bookingd: text" to stderr. */
void cli_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* ---- sessions (cli_session.c) ---- */

/* Loads the configuration; on faults prints them and returns NULL. The caller frees it with
 * config_free(). offline: provider secrets may be missing. */
struct config *cli_config(const struct cli *c, bool offline) MUST_CHECK;

/* Prints the faults, frees the report, and returns NULL. */
struct config *cli_config_refused(const struct cli *c, struct config_report *report);

struct cli_session {
    struct config *cfg;
    struct arena *arena;
    struct svc svc; /* db and arena of it; ext when asked for */
    bool shared;
};
enum cli_needs { CLI_ANY_SCHEMA, CLI_DATABASE, CLI_PROVIDERS, CLI_NO_DATABASE /* providers */ };
/* Everything that the command needs, with `ms` for all of it. CLI_GO_ON, or the exit code after a
 * message. */
int cli_session_open(struct cli_session *s, const struct cli *c, enum cli_needs needs,
                     int64_t ms) MUST_CHECK;
/* The same with a configuration of the caller's, which is taken over. */
int cli_session_start(struct cli_session *s, struct config *cfg, enum cli_needs needs,
                      int64_t ms) MUST_CHECK;
/* As `serve` connects: the schema must fit. ERR_DB_SCHEMA (db_unfit() says more), or as of
 * db_connect(). */
enum err cli_session_connect(struct svc *s, struct deadline d) MUST_CHECK;
void cli_session_close(struct cli_session *s);

/* Around a connection: root becomes the account that is named like the URL's role, where the URL
 * is a socket's and libpq has no password. Otherwise nothing changes. */
void cli_become_role(const char *conninfo);
/* Root becomes this account; without such an account nothing changes. */
void cli_become_account(const char *name);
void cli_become_root(void);

/* Says what failed and returns the exit code for it: 69 when the database does not answer, 78 for
 * the schema, 1 else. */
int cli_failed(enum err e) MUST_CHECK;
/* Flushes stdout: 0, or 1 and a message when it cannot be written (a full disk, a closed pipe). */
int cli_done(void) MUST_CHECK;

/* Commands by file. */
int cli_serve(struct cli *c) MUST_CHECK;
int cli_check_config(struct cli *c) MUST_CHECK;
int cli_version(struct cli *c) MUST_CHECK;
int cli_migrate(struct cli *c) MUST_CHECK;
/* The same as `migrate --grant-to ROLE` (NULL: no grant), reported on stderr. */
int cli_migrate_for_init(struct cli *c, const char *role, bool *applied) MUST_CHECK;
int cli_init(struct cli *c) MUST_CHECK;
int cli_staff_create(struct cli *c) MUST_CHECK; /* cli_staff.c */
int cli_staff_list(struct cli *c) MUST_CHECK;
int cli_staff_revoke(struct cli *c) MUST_CHECK;
int cli_notifications_list(struct cli *c) MUST_CHECK; /* cli_notifications.c */
int cli_notifications_resend(struct cli *c) MUST_CHECK;
int cli_notifications_acknowledge(struct cli *c) MUST_CHECK;
int cli_status(struct cli *c) MUST_CHECK;
int cli_alert_test(struct cli *c) MUST_CHECK;
int cli_doctor(struct cli *c) MUST_CHECK;
int cli_desk_link(struct cli *c) MUST_CHECK;
int cli_reload(struct cli *c) MUST_CHECK;

/* cli_monitor.c: /status of the monitor there, into out->bytes, which the caller has initialised.
 * False: out->reason says what is wrong with the answer, or is NULL and errno why there was none.
 */
struct cli_answer {
    struct sb bytes; /* all of the answer */
    struct str body; /* in bytes */
    const char *reason;
};
bool cli_monitor_ask(const struct listen_addr *at, bool json, struct deadline d,
                     struct cli_answer *out) MUST_CHECK;

#endif
