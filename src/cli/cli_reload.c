/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * `bookingd reload`: sends HUP to the master and waits for the outcome. For systemctl, scripts and
 * people: a HUP alone cannot say whether the new configuration was refused.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/num.h"
#include "cli_priv.h"
#include "sys/json.h"

#define ASK_MS 2000  /* per question; the monitor answers within milliseconds */
#define AGAIN_MS 20  /* a reload takes a second or two: 20 ms adds little to it */
#define TIMEOUT_S 90 /* most reloads take seconds; a slow database or name server adds some */

struct state { /* of the daemon, as its monitor tells it */
    int64_t master, begun_us;
    bool busy, good;
    const char *reason;
};

/* False: no answer, or not that of a monitor. Port 0 was chosen by the daemon's kernel and is
 * unknown here. */
static bool reload_read_state(struct arena *a, const struct listen_addr *at, struct state *out)
{
    struct cli_answer answer;
    if (at->kind == LISTEN_TCP && at->port == 0)
        return false;
    sb_init(&answer.bytes, a, 8192);
    if (!cli_monitor_ask(at, true, deadline_in_ms(ASK_MS), &answer))
        return false;
    const json_t *j = json_parse(a, answer.body), *reload = json_object_get(j, "reload");
    const json_t *master = json_object_get(j, "master"),
                 *begun = json_object_get(reload, "begun_monotonic_usec");
    const char *words = json_string_value(json_object_get(reload, "why"));
    if (!json_is_integer(master) || !json_is_integer(begun))
        return false;
    *out = (struct state){.master = json_integer_value(master),
                          .begun_us = json_integer_value(begun),
                          .busy = json_is_true(json_object_get(reload, "busy")),
                          .good = json_is_true(json_object_get(reload, "successful")),
                          .reason = words ? words : ""};
    return true;
}

/* The reload that was begun after `sent` has ended; or the time is over. The monitor is replaced
 * during a reload, so single answers may fail; only the whole time counts. */
static int reload_wait(struct arena *a, const struct listen_addr *at, int64_t pid, int64_t sent_us,
                       int64_t seconds)
{
    const struct deadline end = deadline_in_ms(seconds * 1000);
    bool answered = false;
    while (!deadline_passed(end)) {
        struct state s;
        arena_reset(a);
        const bool here = reload_read_state(a, at, &s) && s.master == pid;
        answered = answered || here;
        /* Both by the monotonic clock of this machine: an earlier reload's outcome is not taken for
         * ours. */
        if (here && s.begun_us >= sent_us && !s.busy) {
            if (s.good)
                return cli_done();
            cli_error("refused: %s", s.reason);
            return 1;
        }
        /* Signal 0 only asks whether the process exists (kill(2)); without this a dead daemon would
         * be waited for until the time is over. */
        if (kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            cli_error("the daemon has ended");
            return 1;
        }
        (void)poll(NULL, 0, AGAIN_MS);
    }
    /* Two causes, which need different remedies: a slow reload, or another daemon's
     * configuration. */
    cli_error(answered ? "the reload did not end within %d s"
                       : "the monitor at the address of this "
                         "configuration did not answer within %d s",
              (int)seconds);
    return 1;
}

/* Texts as they were given, and what they mean once they are checked. */
struct reload_options {
    const char *pid_text, *timeout_text;
    bool wait;
    int64_t pid, seconds;
};

/* EX_UNAVAILABLE when there is no such process, as when the monitor does not answer. */
static int reload_send_hup(int64_t pid)
{
    if (kill((pid_t)pid, SIGHUP) == 0)
        return CLI_GO_ON;
    cli_error("cannot signal process %d: %s", (int)pid, strerror(errno));
    return errno == ESRCH ? EX_UNAVAILABLE : 1;
}

/* The clock is read before the signal is sent: a reload that began earlier is not ours. */
static int reload_run(struct arena *a, const struct config *cfg, struct reload_options *w)
{
    const struct listen_addr *at = &cfg->monitor.listen;
    struct state before;
    if (w->pid == 0) {
        if (!reload_read_state(a, at, &before)) {
            cli_error("no monitor answers at %s; give the process id of the master with --pid",
                      at->text);
            return EX_UNAVAILABLE;
        }
        w->pid = before.master;
    }
    const int64_t sent_us = mono_now().ns / 1000;
    int code = reload_send_hup(w->pid);
    if (code != CLI_GO_ON)
        return code;
    return w->wait ? reload_wait(a, at, w->pid, sent_us, w->seconds) : cli_done();
}

/* Process 1 and below are never the master, and kill() gives them other meanings. */
int cli_reload(struct cli *c)
{
    struct reload_options w = {.seconds = TIMEOUT_S};
    const struct cli_option options[] = {{.name = "wait", .flag = &w.wait},
                                         {.name = "pid", .value = &w.pid_text},
                                         {.name = "timeout", .value = &w.timeout_text},
                                         CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    if (w.pid_text && !num_range(str_of(w.pid_text), 2, INT32_MAX, &w.pid))
        return cli_usage(c->command, "--pid must be a process id");
    if (w.timeout_text && !num_range(str_of(w.timeout_text), 1, 3600, &w.seconds))
        return cli_usage(c->command, "--timeout must be 1 to 3600 seconds");
    struct config *cfg = cli_config(c, true);
    if (!cfg) {
        /* The daemon is told all the same: it logs the refusal, where its operators look. */
        code = w.pid ? reload_send_hup(w.pid) : CLI_GO_ON;
        return code == CLI_GO_ON ? EX_CONFIG : code;
    }
    struct arena *a = arena_new(16384);
    code = a ? reload_run(a, cfg, &w) : cli_failed(ERR_OUT_OF_MEMORY);
    arena_free(a);
    config_free(cfg);
    return code;
}
