/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The command line of `bookingd` (BEHAVIOUR §8): a table of commands, and what they share. A
 * command prints its result on stdout and what went wrong on stderr, and returns the exit code.
 */
#ifndef BOOKINGD_CLI_CLI_H
#define BOOKINGD_CLI_CLI_H

#include "base/cdefs.h"
#include "domain/config.h"

struct cli_command;

struct cli {
    const char *config_path;
    const struct cli_command *command;
    int argc; /* the command's own words; argv[0] is its name, or the second word of two */
    char **argv;
    int (*serve)(struct config *cfg); /* runs the daemon; takes cfg over; returns the exit code */
};

struct cli_command {
    const char *name;
    const char *sub;           /* second word: "create" of "staff-key create"; NULL */
    int (*run)(struct cli *c); /* returns the exit code */
    const char *arguments;     /* for the usage line: "[--role ROLE] --name NAME" */
    const char *summary;       /* one line of `bookingd --help` */
    const char *help; /* the rest of `bookingd COMMAND --help`; "" when there is no more to say */
};
/* The first is the default; ends with a row without name. */
extern const struct cli_command cli_commands[];

/* SYSCONFDIR/bookingd/bookingd.yaml */
extern const char cli_default_config[];

/* Finds the command that the words name and runs it; no words: the default. Returns the exit code.
 */
int cli_run(struct cli *c) MUST_CHECK;
/* `bookingd --help`, to stdout; returns 0. */
int cli_help(void) MUST_CHECK;
/* "bookingd: text" and a hint at --help to stderr; returns EX_USAGE. command NULL: of
 * bookingd itself. */
int cli_usage(const struct cli_command *command, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* `bookingd --version`; returns 0. */
int cli_print_version(void) MUST_CHECK;

#endif
