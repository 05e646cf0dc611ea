/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Finds the command, reads its options, prints help and errors. Called by main.c. Results go to
 * stdout and errors to stderr, so that a script can use the one and log the other (BEHAVIOUR §8).
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/ensure.h"
#include "cli_priv.h"

/* Gaps for a space and a word, twice: a command has one word or two. */
#define HINT "bookingd: try 'bookingd%s%s%s%s --help'\n"

/* ---- finding the command ---- */

/* The row of one or two words; *group tells whether the first word begins any row. */
static const struct cli_command *cli_find_command(const char *name, const char *sub, bool *group)
{
    *group = false;
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (strcmp(k->name, name) != 0)
            continue;
        if (!k->sub || (sub && strcmp(k->sub, sub) == 0))
            return k;
        *group = true;
    }
    return NULL;
}

/* From the table, so that help cannot miss a command. */
static void cli_print_commands(const char *group)
{
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        char words[64];
        if (group && strcmp(k->name, group) != 0)
            continue;
        (void)snprintf(words, sizeof words, "%s%s%s", k->name, k->sub ? " " : "",
                       k->sub ? k->sub : "");
        printf("  %-26s %s\n", words, k->summary);
    }
}

/* `bookingd staff-key --help` has no command of its own: it lists the commands of the group. */
static int cli_print_group(const char *group)
{
    printf("usage: bookingd [-c FILE] %s COMMAND\n\nCommands:\n", group);
    cli_print_commands(group);
    return cli_done();
}

/* Options before the command were read by main.c; c->argv begins with the command. */
int cli_run(struct cli *c)
{
    bool group;
    if (c->argc == 0) {
        /* The first row is `serve`, the default. */
        c->command = &cli_commands[0];
        return c->command->run(c);
    }
    const char *sub = c->argc > 1 ? c->argv[1] : NULL;
    c->command = cli_find_command(c->argv[0], sub, &group);
    if (group && sub && (strcmp(sub, "--help") == 0 || strcmp(sub, "-h") == 0))
        return cli_print_group(c->argv[0]);
    if (!c->command && group)
        return sub ? cli_usage(NULL, "unknown command '%s %s'", c->argv[0], sub)
                   : cli_usage(NULL, "'%s' needs a second word", c->argv[0]);
    if (!c->command)
        return cli_usage(NULL, "unknown command '%s'", c->argv[0]);
    /* A command of two words sees itself as one: its arguments begin behind the second. */
    if (c->command->sub) {
        c->argc--;
        c->argv++;
    }
    return c->command->run(c);
}

/* ---- help and errors ---- */

/* One screen: what it is, commands, options, exit codes. Details are in each command's own help. */
int cli_help(void)
{
    puts("usage: bookingd [-c FILE] [COMMAND]\n\n"
         "A booking service: signs customers in with one-time passwords, takes bookings\n"
         "and payments, and sends notifications.\n\n"
         "Commands:");
    cli_print_commands(NULL);
    printf("\nOptions:\n"
           "  -c, --config FILE          configuration; see bookingd.yaml(5). The default\n"
           "                             is %s\n"
           "  -h, --help                 this text; after a command, help for it\n"
           "  -V, --version              the version\n\n"
           "Exit codes:\n"
           "   0  done\n"
           "  64  wrong usage\n"
           "  69  the database or the daemon does not answer\n"
           "  78  the configuration has faults\n"
           "   1  any other failure\n",
           cli_default_config);
    return cli_done();
}

/* The summary begins with a verb: in lower case in the list, as a sentence here. */
static int cli_print_help(const struct cli_command *k)
{
    printf("usage: bookingd [-c FILE] %s%s%s%s%s\n\n%c%s.\n", k->name, k->sub ? " " : "",
           k->sub ? k->sub : "", *k->arguments ? " " : "", k->arguments, k->summary[0] - 'a' + 'A',
           k->summary + 1);
    if (*k->help)
        printf("\n%s", k->help);
    return cli_done();
}

static void PRINTF_LIKE(1, 0) cli_print_error(const char *fmt, va_list ap)
{
    fputs("bookingd: ", stderr);
    vfprintf(stderr, fmt,
             ap); /* NOLINT(clang-analyzer-valist.Uninitialized): both callers start it */
    fputc('\n', stderr);
}

/* Every line on stderr begins with the program's name, so that a log of several programs can be
 * read. */
void cli_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cli_print_error(fmt, ap);
    va_end(ap);
}

/* The hint names the command's own help where the command is known. */
int cli_usage(const struct cli_command *command, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cli_print_error(fmt, ap);
    va_end(ap);
    fprintf(stderr, HINT, command ? " " : "", command ? command->name : "",
            command && command->sub ? " " : "", command && command->sub ? command->sub : "");
    return EX_USAGE;
}

/* A full disk behind stdout must not look like success. */
int cli_done(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    cli_error("cannot write the result: %s", strerror(errno));
    return 1;
}

/* ---- options ---- */

/* Long options only, plus -c and -h; ':' first makes getopt_long() tell a missing value from an
 * unknown option. Numbers from 256 on are rows of `options`. */
int cli_options(struct cli *c, const struct cli_option *options, int min_words, int max_words)
{
    struct option longs[CLI_OPTIONS_MAX + 3] = {{"config", required_argument, NULL, 'c'},
                                                {"help", no_argument, NULL, 'h'}};
    size_t n = 0;
    for (; options[n].name; n++) {
        ENSURE(n < CLI_OPTIONS_MAX);
        longs[n + 2] =
            (struct option){options[n].name, options[n].value ? required_argument : no_argument,
                            NULL, 256 + (int)n};
    }
    char **argv = c->argv;
    optind = 0; /* makes getopt_long() start again, see getopt(3) */
    for (int opt; c->argc > 0 && (opt = getopt_long(c->argc, argv, ":c:h", longs, NULL)) != -1;) {
        if (opt == 'h')
            return cli_print_help(c->command);
        if (opt == ':')
            return cli_usage(c->command, "%s needs a value", argv[optind - 1]);
        if (opt == '?')
            return cli_usage(c->command, "unknown option %s", argv[optind - 1]);
        if (opt == 'c') {
            c->config_path = optarg;
            continue;
        }
        const struct cli_option *o = &options[opt - 256];
        if (o->value)
            *o->value = optarg;
        if (o->flag)
            *o->flag = true;
    }
    if (c->argc > 0) {
        c->argc -= optind;
        c->argv += optind;
    }
    if (c->argc > max_words)
        return cli_usage(c->command, "unexpected argument '%s'", c->argv[max_words]);
    if (c->argc < min_words)
        return cli_usage(c->command, "missing argument: %s", c->command->arguments);
    return CLI_GO_ON;
}
