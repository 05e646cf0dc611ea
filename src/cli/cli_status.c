/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd status`: prints the scoreboard of the running daemon as text or JSON, or with --check
 * only what is wrong. It asks the monitor over HTTP at monitor.listen and looks at nothing else, so
 * it says what the daemon itself knows. With --check the exit code is that of monitoring plugins
 * (0, 1, 2), and a monitor that does not answer counts as the worst. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "cli_priv.h"
#include "sys/json.h"

#define STATUS_MS 5000 /* the monitor reads shared memory alone and answers at once */

/* As the severities of alerts: a page means that customers are hurt now. The values are the exit
 * codes of monitoring plugins (0 ok, 1 warning, 2 critical). */
enum { STATUS_GOOD = 0, STATUS_TICKET = 1, STATUS_PAGE = 2 };

/* Workers that can take a request. */
static unsigned status_count_workers(const json_t *top, bool *draining)
{
    size_t i;
    const json_t *slot;
    unsigned n = 0;
    json_array_foreach(json_object_get(top, "slots"), i, slot)
    {
        const char *role = json_string_value(json_object_get(slot, "role"));
        const char *stage = json_string_value(json_object_get(slot, "stage"));
        if (!role || !stage)
            continue;
        bool drains = strcmp(stage, "draining") == 0;
        *draining |= drains && strcmp(role, "dispatcher") == 0;
        n += strcmp(role, "worker") == 0 && !drains && strcmp(stage, "down") != 0 &&
             strcmp(stage, "starting") != 0;
    }
    return n;
}

/* What the monitor has found to hold, which needs some seconds; what must be said at once is
 * status_check()'s own. Returns the worst severity. */
static int status_print_conditions(const json_t *conditions, int worst)
{
    size_t i;
    const json_t *c;
    json_array_foreach(conditions, i, c)
    {
        const char *name = json_string_value(json_object_get(c, "name"));
        const char *severity = json_string_value(json_object_get(c, "severity"));
        const char *summary = json_string_value(json_object_get(c, "summary"));
        const char *action = json_string_value(json_object_get(c, "action"));
        if (!name || !severity || !summary || !action)
            continue;
        int level = strcmp(severity, "page") == 0 ? STATUS_PAGE : STATUS_TICKET;
        printf("%s: %s: %s\n    %s\n", severity, name, summary, action);
        worst = level > worst ? level : worst;
    }
    return worst;
}

/* Prints every condition that holds, the worst first, and returns the worst. It reads the JSON,
 * whose members never change, not the text. */
static int status_check(struct arena *a, struct str body)
{
    const json_t *top = json_parse(a, body);
    bool draining = false;
    /* Judged here and now: the monitor's conditions hold only after some seconds, and a script that
     * has just started the service asks at once. */
    unsigned workers = status_count_workers(top, &draining);
    const struct {
        bool holds;
        int severity;
        const char *text;
    } conditions[] = {
        {!json_is_object(top), STATUS_PAGE, "the monitor's answer is not a status"},
        {workers == 0, STATUS_PAGE, "no worker"},
        {!json_is_true(json_object_get(top, "database_up")), STATUS_PAGE, "the database is away"},
        {json_is_false(json_object_get(top, "database_writable")) &&
             json_is_true(json_object_get(top, "database_up")),
         STATUS_PAGE, "the database is read-only"},
        {draining, STATUS_PAGE, "draining"},
        {json_is_false(json_object_get(json_object_get(top, "reload"), "successful")),
         STATUS_TICKET, "the last reload was refused"},
    };
    int worst = STATUS_GOOD;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        if (!conditions[i].holds)
            continue;
        printf("%s: %s\n", conditions[i].severity == STATUS_PAGE ? "page" : "ticket",
               conditions[i].text);
        worst = conditions[i].severity > worst ? conditions[i].severity : worst;
    }
    worst = status_print_conditions(json_object_get(top, "conditions"), worst);
    /* A plugin must print a line in any case. */
    if (worst == STATUS_GOOD)
        puts("ok");
    return cli_done() == 0 ? worst : STATUS_PAGE;
}

/* Exit code EX_UNAVAILABLE when the monitor does not answer; with --check STATUS_PAGE, because a
 * plugin's caller knows no other code. */
static int status_print(struct arena *a, const struct listen_addr *at, bool json, bool check)
{
    struct deadline d = deadline_in_ms(STATUS_MS);
    struct cli_answer answer;
    /* Port 0 lets the kernel choose, which tests use. */
    if (at->kind == LISTEN_TCP && at->port == 0) {
        cli_error(
            "monitor.listen has port 0: the daemon chose the port, and only its log says which");
        return EX_UNAVAILABLE;
    }
    sb_init(&answer.bytes, a, 8192);
    if (!cli_monitor_ask(at, json || check, d, &answer)) {
        cli_error("the monitor at %s %s%s", at->text,
                  answer.reason ? answer.reason : "does not answer: ",
                  answer.reason ? "" : strerror(errno));
        return check ? STATUS_PAGE : EX_UNAVAILABLE;
    }
    if (check)
        return status_check(a, answer.body);
    printf("%.*s%s", STR_ARG(answer.body),
           answer.body.n && answer.body.p[answer.body.n - 1] == '\n' ? "" : "\n");
    return cli_done();
}

/* Without secrets: the status needs none, and its caller may not be allowed to read them. */
int cli_status(struct cli *c)
{
    bool json = false, check = false;
    const struct cli_option options[] = {
        {.name = "json", .flag = &json}, {.name = "check", .flag = &check}, CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    struct config *cfg = cli_config(c, true);
    if (!cfg)
        return EX_CONFIG;
    struct arena *a = arena_new(16384);
    if (a)
        code = status_print(a, &cfg->monitor.listen, json, check);
    else
        code = cli_failed(ERR_OUT_OF_MEMORY);
    arena_free(a);
    config_free(cfg);
    return code;
}
