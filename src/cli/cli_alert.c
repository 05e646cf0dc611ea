/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd alert-test`: sends a test message to each place that `alerts` names. */
#include <stdio.h>
#include <sysexits.h>

#include "cli_priv.h"
#include "svc/alert.h"

/* The webhook's and the SMS provider's time limits, and a lookup of names. */
#define ALERT_MS 30000

static const struct cli_option alert_no_options[] = {CLI_OPTIONS_END};

/* Prints how it went; false when it was not sent. */
static bool alert_try(struct cli_session *s, enum alert_channel channel, const char *name,
                      unsigned *used)
{
    const char *detail;
    enum err e = alert_test(&s->svc, channel, &detail);
    /* Not configured, which is no fault as long as the other one is. */
    if (e == ERR_NOT_FOUND)
        return true;
    ++*used;
    printf("%s: %s%s%s\n", name, e == ERR_OK ? "sent" : err_code(e), detail ? ", " : "",
           detail ? detail : "");
    return e == ERR_OK;
}

/* Both channels are tried, also when the first one fails: an operator wants to know of both.
 * Without a database, since alerts are sent without one too. */
int cli_alert_test(struct cli *c)
{
    struct cli_session s;
    unsigned used = 0;
    int code = cli_options(c, alert_no_options, 0, 0);
    if (code == CLI_GO_ON)
        code = cli_session_open(&s, c, CLI_NO_DATABASE, ALERT_MS);
    if (code != CLI_GO_ON)
        return code;
    bool good = alert_try(&s, ALERT_WEBHOOK, "webhook", &used);
    good = alert_try(&s, ALERT_SMS, "sms", &used) && good;
    code = cli_done();
    if (used == 0) {
        cli_error("the section `alerts` names neither a webhook nor phones");
        code = EX_CONFIG;
    } else if (!good) {
        code = EX_UNAVAILABLE;
    }
    cli_session_close(&s);
    return code;
}
