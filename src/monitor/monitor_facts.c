/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Samples the facts of facts.def: one number each, from the metrics registry, the scoreboard, the
 * circuit breakers, and what was last read from the database. Called by monitor.c every two
 * seconds, and for each status page. It has no query of its own. Most facts are counters that only
 * grow: rates and shares are differences of two samples, made where they are needed (facts.c).
 */
#include "monitor_facts.h"

#include <string.h>

#include "domain/conditions.h"
#include "domain/metrics_sum.h"
#include "domain/scoreboard.h"
#include "ext/ext_shared.h"
#include "ipc/master_state.h"
#include "monitor_roles.h"

/* The sum over all outcomes but one: with `but` the success, what went wrong. */
static int64_t monitor_facts_outcomes(enum metric_id id, int n, int but)
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += i == but ? 0 : metric_sum(id, METRIC_ANY, i, METRIC_ANY);
    return sum;
}

/* Draining is left out of the requests turned away: it happens in every restart, on purpose. */
static void monitor_facts_http(struct facts *f)
{
    f->at[FACT_REQUESTS] = metric_sum(M_HTTP_REQUESTS, METRIC_ANY, METRIC_ANY, METRIC_ANY);
    f->at[FACT_CLIENT_ERRORS] = metric_sum_statuses(400, 499);
    /* Apart from those of callers: a client that is wrong is not a service that is down. */
    f->at[FACT_SERVER_ERRORS] = metric_sum_statuses(500, 599);
    for (unsigned i = 0; i < FACT_LATENCIES; i++)
        f->at[FACT_LATENCY_0 + i] = metric_sum_bucket(M_HTTP_DURATION, i);
    for (int i = 0; i < SHED_REASON_COUNT; i++)
        f->at[FACT_SHED] +=
            i == SHED_REASON_DRAINING ? 0 : metric_sum(M_HTTP_SHED, i, METRIC_ANY, METRIC_ANY);
    f->at[FACT_QUEUE] = metric_read(M_HTTP_QUEUE_LENGTH, NULL, 0);
}

/* Over all scopes: only a throttled code has one. */
static int64_t monitor_facts_codes(enum otp_outcome outcome)
{
    return metric_sum(M_OTP, (int)outcome, METRIC_ANY, METRIC_ANY);
}

static int64_t monitor_facts_throttled(enum otp_scope scope)
{
    return metric_sum(M_OTP, OTP_OUTCOME_THROTTLED, (int)scope, METRIC_ANY);
}

/* Texts that left, were lost, or were refused for a limit: notifications and sign-in codes. */
static void monitor_facts_messages(struct facts *f)
{
    f->at[FACT_NOTIFICATIONS_ENDED] =
        metric_sum(M_NOTIFICATIONS, METRIC_ANY, METRIC_ANY, METRIC_ANY);
    f->at[FACT_NOTIFICATIONS_LOST] = monitor_facts_outcomes(
        M_NOTIFICATIONS, NOTIFICATION_OUTCOME_COUNT, NOTIFICATION_OUTCOME_SENT);
    f->at[FACT_CODES_LOST] = monitor_facts_codes(OTP_OUTCOME_SEND_FAILED) +
                             monitor_facts_codes(OTP_OUTCOME_SEND_UNKNOWN);
    f->at[FACT_CODES_ASKED] = f->at[FACT_CODES_LOST] + monitor_facts_codes(OTP_OUTCOME_SENT);
    f->at[FACT_CODES_VERIFIED] = monitor_facts_codes(OTP_OUTCOME_VERIFIED);
    f->at[FACT_THROTTLED_TOTAL] = monitor_facts_throttled(OTP_SCOPE_TOTAL);
    f->at[FACT_THROTTLED_ADDRESS] = monitor_facts_throttled(OTP_SCOPE_PHONE) +
                                    monitor_facts_throttled(OTP_SCOPE_ADDRESS) +
                                    monitor_facts_throttled(OTP_SCOPE_NETWORK);
    f->at[FACT_THROTTLED_FAILURES] = monitor_facts_throttled(OTP_SCOPE_FAILURES);
}

static int64_t monitor_facts_calls(enum provider_outcome outcome)
{
    return metric_sum(M_PROVIDER_REQUESTS, METRIC_ANY, METRIC_ANY, (int)outcome);
}

/* Nobody is told when such a call is refused: a browser that comes back gets its page all the same,
 * and the keeper asks again. */
static int64_t monitor_facts_reads_refused(void)
{
    static const enum provider_op reads[] = {PROVIDER_OP_INVOICE_FETCH, PROVIDER_OP_INVOICE_FIND,
                                             PROVIDER_OP_PAYMENT_FETCH, PROVIDER_OP_PAYMENT_FIND};
    int64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        sum +=
            metric_sum(M_PROVIDER_REQUESTS, METRIC_ANY, (int)reads[i], PROVIDER_OUTCOME_REJECTED);
    return sum;
}

/* A refusal of one message or card is no fault of the provider's. */
static void monitor_facts_providers(const struct config *cfg, struct facts *f)
{
    struct ext_state state;
    f->at[FACT_PROVIDER_ACCOUNT] = monitor_facts_calls(PROVIDER_OUTCOME_ACCOUNT);
    f->at[FACT_PROVIDER_FAULTS] = monitor_facts_calls(PROVIDER_OUTCOME_FAILED) +
                                  monitor_facts_calls(PROVIDER_OUTCOME_TIMEOUT) +
                                  monitor_facts_calls(PROVIDER_OUTCOME_UNAVAILABLE) +
                                  f->at[FACT_PROVIDER_ACCOUNT];
    f->at[FACT_PROVIDER_CALLS] = f->at[FACT_PROVIDER_FAULTS] +
                                 monitor_facts_calls(PROVIDER_OUTCOME_OK) +
                                 monitor_facts_calls(PROVIDER_OUTCOME_REJECTED);
    f->at[FACT_GATEWAY_READS_REFUSED] = monitor_facts_reads_refused();
    f->at[FACT_PROVIDER_UNREAD] = metric_sum(M_PROVIDER_UNREAD, METRIC_ANY, METRIC_ANY, METRIC_ANY);
    for (size_t i = 0; i < cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        /* Half open counts as open: one probe is let through, and all other calls still fail at
         * once. */
        f->at[FACT_CIRCUITS_OPEN] += state.down;
        f->at[FACT_IN_FLIGHT] += state.in_flight;
    }
}

/* A worker that was replaced after its share of requests (recycled) is not a restart that anybody
 * must look at; each other way of ending is. */
static void monitor_facts_processes(const struct config *cfg, struct facts *f)
{
    struct scoreboard_view slot;
    /* Half of the slots are empty but for the time of a reload. */
    const unsigned first = scoreboard_first(ROLE_WORKER);
    for (unsigned i = 0; i < scoreboard_count(ROLE_WORKER); i++) {
        scoreboard_read(first + i, &slot);
        f->at[FACT_WORKERS] += slot.stage != STAGE_DOWN;
        f->at[FACT_WORKERS_BUSY] += slot.stage == STAGE_BUSY;
        /* A worker that is down has no connection either, and is counted as missing instead. */
        f->at[FACT_WORKERS_WITHOUT_DATABASE] += slot.stage != STAGE_DOWN && !slot.database;
    }
    /* TTIN starts more workers than are configured, and those are not missing: never below 0. */
    if (cfg->server.workers > f->at[FACT_WORKERS])
        f->at[FACT_WORKERS_MISSING] = cfg->server.workers - f->at[FACT_WORKERS];
    for (enum role r = ROLE_MASTER; r < ROLE_COUNT; r++)
        f->at[FACT_ROLES_MISSING] += !monitor_roles_up(cfg, r);
    f->at[FACT_VIOLATIONS] =
        metric_sum(M_PROCESS_RESTARTS, METRIC_ANY, EXIT_REASON_VIOLATION, METRIC_ANY);
    f->at[FACT_ADDRESS_LIMITED] =
        metric_sum(M_HTTP_CLOSED, CONN_CLOSED_ADDRESS, METRIC_ANY, METRIC_ANY);
    f->at[FACT_WEBHOOKS_REFUSED] =
        metric_sum(M_WEBHOOKS, METRIC_ANY, WEBHOOK_OUTCOME_REFUSED, METRIC_ANY);
    f->at[FACT_WEBHOOKS_MISMATCHED] =
        metric_sum(M_WEBHOOKS, METRIC_ANY, WEBHOOK_OUTCOME_MISMATCH, METRIC_ANY);
    f->at[FACT_REFUSED] =
        metric_sum(M_PROCESS_RESTARTS, METRIC_ANY, EXIT_REASON_REFUSED, METRIC_ANY);
    f->at[FACT_RESTARTS] =
        monitor_facts_outcomes(M_PROCESS_RESTARTS, EXIT_REASON_COUNT, EXIT_REASON_RECYCLE);
    f->at[FACT_LOG_DROPPED] = metric_sum(M_LOG_DROPPED, METRIC_ANY, METRIC_ANY, METRIC_ANY);
}

/* While the database is away its last figures stand: what had failed has failed. */
static void monitor_facts_database(const struct monitor_view *v, struct facts *f)
{
    const struct db_gauges *g = &v->gauges;
    f->at[FACT_DATABASE_UP] = v->database_up;
    f->at[FACT_DATABASE_NOT_SYNCHRONOUS] = v->database_up && v->replication_fault;
    f->at[FACT_NODES_DIFFERING] = v->database_up ? (int64_t)v->nodes.differing : 0;
    f->at[FACT_DATABASE_WRITABLE] = v->database_up && g->writable;
    /* Before the first reading there is no age, and a large one would raise an alert at each
     * start. */
    if (v->read_at.us != 0)
        f->at[FACT_LEDGER_AGE] = wall_us_between(v->read_at, wall_now()) / 1000000;
    for (unsigned t = 0; t < NOTIFICATION_TEMPLATE_COUNT; t++) {
        f->at[FACT_PENDING] += g->rows[NOTIFICATION_PENDING][t];
        for (unsigned c = 0; c < NOTIFICATION_OUTCOME_COUNT; c++)
            f->at[FACT_FAILED] += g->failed[t][c];
    }
    f->at[FACT_OLDEST_PENDING] = (int64_t)g->oldest_pending_s;
    f->at[FACT_DUE] = g->due;
    f->at[FACT_WAITING] = g->waiting;
    f->at[FACT_OLDEST_DUE] = (int64_t)g->oldest_due_s;
    f->at[FACT_NOTIFICATION_ATTEMPTS] =
        metric_sum(M_NOTIFICATION_ATTEMPTS, METRIC_ANY, METRIC_ANY, METRIC_ANY);
    f->at[FACT_PAYMENTS_UNKNOWN] = g->payments[PAYMENT_UNKNOWN];
    f->at[FACT_PAYMENTS_MISMATCHED] = g->payments[PAYMENT_MISMATCH];
    f->at[FACT_PAYMENTS_UNSETTLED] = g->payments_unsettled;
    f->at[FACT_REFUNDS_OPEN] = g->refunds_open;
    for (unsigned i = 0; i < DB_ERROR_CLASS_COUNT; i++)
        f->at[FACT_DATABASE_ERRORS] += metric_sum(M_DB_ERRORS, (int)i, METRIC_ANY, METRIC_ANY);
    f->at[FACT_DATABASE_ASKED] = metric_read(M_DB_DURATION, NULL, 0);
}

/* Facts that no line sets stay 0, which every condition reads as "nothing is wrong". */
void monitor_facts(const struct monitor_view *v, struct facts *f)
{
    struct reload_view reload;
    memset(f, 0, sizeof(*f));
    monitor_facts_http(f);
    monitor_facts_messages(f);
    monitor_facts_providers(v->cfg, f);
    monitor_facts_processes(v->cfg, f);
    monitor_facts_database(v, f);
    f->at[FACT_PAYMENTS_PAID] =
        metric_sum(M_PAYMENT_ACTS, PAYMENT_ACT_PAID, METRIC_ANY, METRIC_ANY);
    f->at[FACT_PAYMENTS_FAILED] =
        metric_sum(M_PAYMENT_ACTS, PAYMENT_ACT_FAILED, METRIC_ANY, METRIC_ANY);
    master_state_reload(&reload);
    f->at[FACT_RELOAD_REFUSED] = reload.ended.us != 0 && !reload.good;
    f->at[FACT_EPOCH] = reload.epoch;
    f->at[FACT_ALERTS_UNSENT] = conditions_unsent();
}
