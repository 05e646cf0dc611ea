/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The program `bookingd`: options before the command; the rest is the command's row of the table.
 * The only file that knows both the command line and the master. */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/cli.h"
#include "db/db_url.h"
#include "ipc/proctitle.h"
#include "master/master.h"

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/*
 * Whoever started us may have closed standard input, output or error. The next socket would get
 * their number, and log records would go to a client.
 */
static bool main_fill_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return fcntl(STDERR_FILENO, F_GETFD) >= 0; /* no /dev/null, and none was missing */
    return close(fd) == 0;
}

int main(int argc, char **argv)
{
    struct cli c = {.config_path = cli_default_config, .serve = master_run};
    if (!main_fill_descriptors())
        return EX_OSERR;
    /* First: it moves the environment, and nobody may hold a pointer into it. */
    proctitle_init(argc, argv);
    config_set_url_check(db_url_fault);
    /* Errors are printed by cli_usage(), all in one form. */
    opterr = 0;
    for (int opt; (opt = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1;) {
        switch (opt) {
        case 'c':
            c.config_path = optarg;
            break;
        case 'h':
            return cli_help();
        case 'V':
            return cli_print_version();
        case ':':
            return cli_usage(NULL, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage(NULL, "unknown option %s", argv[optind - 1]);
        }
    }
    c.argc = argc - optind;
    c.argv = argv + optind;
    return cli_run(&c);
}
