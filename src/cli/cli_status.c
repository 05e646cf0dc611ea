/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd status`: prints the scoreboard of the running daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "cli_priv.h"

#define STATUS_MS 5000 /* the monitor reads shared memory alone and answers at once */

static int status_print(struct arena *a, const struct listen_addr *at, bool json)
{
    struct deadline d = deadline_in_ms(STATUS_MS);
    struct sb answer;
    struct str body;
    const char *why;
    if (at->kind == LISTEN_TCP && at->port == 0) {
        cli_error(
            "monitor.listen has port 0: the daemon chose the port, and only its log says which");
        return EX_UNAVAILABLE;
    }
    sb_init(&answer, a, 8192);
    if (!cli_monitor_ask(at, json, d, &answer, &body, &why)) {
        cli_error("the monitor at %s %s%s", at->text,
                  why ? why : "does not answer: ", why ? "" : strerror(errno));
        return EX_UNAVAILABLE;
    }
    printf("%.*s%s", STR_ARG(body), body.n && body.p[body.n - 1] == '\n' ? "" : "\n");
    return cli_done();
}

/* Without secrets: the status needs none, and its caller may not be allowed to read them. */
int cli_status(struct cli *c)
{
    bool json = false;
    const struct cli_option options[] = {{.name = "json", .flag = &json}, CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    struct config *cfg = cli_config(c, true);
    if (!cfg)
        return EX_CONFIG;
    struct arena *a = arena_new(16384);
    if (a)
        code = status_print(a, &cfg->monitor.listen, json);
    else
        code = cli_failed(ERR_OUT_OF_MEMORY);
    arena_free(a);
    config_free(cfg);
    return code;
}
