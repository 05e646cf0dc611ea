/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * /metrics: the registry, and the families that are computed when asked for. Called by
 * monitor_status.c for the path. All families of metrics.def appear, whatever the configuration.
 * Order matters to readers of both formats: a family's header comes directly before its samples.
 */
#include "config.h"
#include "revision.h"

#include <stdio.h>

#include "domain/conditions.h"
#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "ext/ext_shared.h"
#include "monitor_page.h"
#include "monitor_process.h"
#include "monitor_roles.h"

/* A page of a usual node fits without growing. */
#define PAGE_FIRST ((size_t)128 * 1024)
#define LABELS_FIRST 128

/* Labels are made at each scrape: their values come from the configuration and the database. */
static const char *monitor_page_label(struct arena *a, const char *name, const char *value)
{
    struct sb sb;
    sb_init(&sb, a, LABELS_FIRST);
    metrics_label(&sb, name, value);
    return sb.p;
}

/* Two labels in the order of `names`. */
static const char *monitor_page_labels(struct arena *a, const char *const *names, const char *first,
                                       const char *second)
{
    struct sb sb;
    sb_init(&sb, a, LABELS_FIRST);
    metrics_label(&sb, names[0], first);
    metrics_label(&sb, names[1], second);
    return sb.p;
}

/* A gauge without labels, header and sample. */
static void monitor_page_gauge(struct metrics_page *page, enum metric_computed id, double value)
{
    metrics_computed_header(page, id);
    metrics_computed_sample(page, id, NULL, value);
}

/* The value is always 1: the labels are the information (Prometheus, "Exposing the software
 * version"). */
static void monitor_page_build_info(struct metrics_page *page)
{
    static const char *const names[] = {"version", "revision"};
    const char *revision = *BD_REVISION ? BD_REVISION : "unknown";
    metrics_computed_header(page, COMPUTED_BUILD_INFO);
    metrics_computed_sample(page, COMPUTED_BUILD_INFO,
                            monitor_page_labels(page->sb->arena, names, PACKAGE_VERSION, revision),
                            1);
}

/* Slots that are down are no workers: half of them exist for reloads only. */
static void monitor_page_workers(struct metrics_page *page, const struct config *cfg)
{
    unsigned n[STAGE_COUNT] = {0}, without = 0;
    struct scoreboard_view slot;
    const unsigned first = scoreboard_first(ROLE_WORKER);
    for (unsigned i = 0; i < scoreboard_count(ROLE_WORKER); i++) {
        scoreboard_read(first + i, &slot);
        n[slot.stage]++;
        without += slot.stage != STAGE_DOWN && !slot.database;
    }
    metrics_computed_header(page, COMPUTED_WORKERS);
    for (unsigned s = STAGE_DOWN + 1; s < STAGE_COUNT; s++)
        metrics_computed_sample(page, COMPUTED_WORKERS,
                                monitor_page_label(page->sb->arena, "state", stage_names[s]), n[s]);
    monitor_page_gauge(page, COMPUTED_WORKERS_WITHOUT_DATABASE, without);
    monitor_page_gauge(page, COMPUTED_WORKERS_CONFIGURED, (double)cfg->server.workers);
}

/* A role that was refused (exit code 78) is not started again, and may be missed by nobody. */
static void monitor_page_roles(struct metrics_page *page, const struct config *cfg)
{
    metrics_computed_header(page, COMPUTED_PROCESS_UP);
    for (enum role r = ROLE_MASTER; r < ROLE_COUNT; r++)
        metrics_computed_sample(page, COMPUTED_PROCESS_UP,
                                monitor_page_label(page->sb->arena, "role", role_names[r]),
                                monitor_roles_up(cfg, r));
}

/* As for workers, but couriers never serve requests, so their database is not counted. */
static void monitor_page_couriers(struct metrics_page *page)
{
    unsigned n[STAGE_COUNT] = {0};
    struct scoreboard_view slot;
    const unsigned first = scoreboard_first(ROLE_COURIER);
    for (unsigned i = 0; i < scoreboard_count(ROLE_COURIER); i++) {
        scoreboard_read(first + i, &slot);
        n[slot.stage]++;
    }
    metrics_computed_header(page, COMPUTED_COURIERS);
    for (unsigned s = STAGE_DOWN + 1; s < STAGE_COUNT; s++)
        metrics_computed_sample(page, COMPUTED_COURIERS,
                                monitor_page_label(page->sb->arena, "state", stage_names[s]), n[s]);
}

/* Two passes, because a family's samples must follow its header without others in between. */
static void monitor_page_providers(struct metrics_page *page, const struct config *cfg)
{
    struct ext_state state;
    /* No header without samples, as for families of the registry. */
    if (cfg->providers_n == 0)
        return;
    metrics_computed_header(page, COMPUTED_CIRCUIT_OPEN);
    for (size_t i = 0; i < cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        metrics_computed_sample(
            page, COMPUTED_CIRCUIT_OPEN,
            monitor_page_label(page->sb->arena, "provider", cfg->providers[i].name), state.down);
    }
    metrics_computed_header(page, COMPUTED_IN_FLIGHT);
    for (size_t i = 0; i < cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        metrics_computed_sample(
            page, COMPUTED_IN_FLIGHT,
            monitor_page_label(page->sb->arena, "provider", cfg->providers[i].name),
            state.in_flight);
    }
}

/* Sent ones are left out while they could not be counted; the others are always there. */
static void monitor_page_notifications(struct metrics_page *page, const struct db_gauges *l)
{
    static const char *const names[] = {"status", "template"};
    metrics_computed_header(page, COMPUTED_NOTIFICATION_ROWS);
    for (unsigned s = 0; s < NOTIFICATION_STATUS_COUNT; s++)
        for (unsigned t = 0;
             t < NOTIFICATION_TEMPLATE_COUNT && (s != NOTIFICATION_SENT || l->has_sent); t++)
            metrics_computed_sample(page, COMPUTED_NOTIFICATION_ROWS,
                                    monitor_page_labels(page->sb->arena, names,
                                                        db_gauges_status_names[s],
                                                        notification_template_names[t]),
                                    (double)l->rows[s][t]);
}

/* Every combination, zeros too: an alert on an increase needs the series before the first
 * failure. */
static void monitor_page_failed(struct metrics_page *page, const struct db_gauges *l)
{
    static const char *const names[] = {"template", "error_code"};
    metrics_computed_header(page, COMPUTED_NOTIFICATIONS_FAILED);
    for (unsigned t = 0; t < NOTIFICATION_TEMPLATE_COUNT; t++)
        for (unsigned c = NOTIFICATION_OUTCOME_SENT + 1; c < NOTIFICATION_OUTCOME_COUNT; c++)
            metrics_computed_sample(page, COMPUTED_NOTIFICATIONS_FAILED,
                                    monitor_page_labels(page->sb->arena, names,
                                                        notification_template_names[t],
                                                        notification_outcome_names[c]),
                                    (double)l->failed[t][c]);
}

/* States without rows are shown as 0: a rule can then tell "none" from "not known". */
static void monitor_page_payments(struct metrics_page *page, const struct db_gauges *l)
{
    metrics_computed_header(page, COMPUTED_PAYMENT_ROWS);
    for (unsigned s = 0; s < PAYMENT_STATE_COUNT; s++)
        metrics_computed_sample(
            page, COMPUTED_PAYMENT_ROWS,
            monitor_page_label(page->sb->arena, "status", payment_state_names[s]),
            (double)l->payments[s]);
    monitor_page_gauge(page, COMPUTED_PAYMENTS_MISMATCHED, (double)l->payments[PAYMENT_MISMATCH]);
    monitor_page_gauge(page, COMPUTED_PAYMENTS_UNSETTLED, (double)l->payments_unsettled);
    monitor_page_gauge(page, COMPUTED_REFUNDS_OPEN, (double)l->refunds_open);
}

/*
 * Every node reads the same database, so every node says the same: rules take max, not sum. While
 * the database is away there is no figure at all, since both 0 and the last one would be wrong.
 */
static void monitor_page_database(struct metrics_page *page, const struct monitor_view *v)
{
    monitor_page_gauge(page, COMPUTED_DATABASE_UP, v->database_up);
    monitor_page_gauge(page, COMPUTED_DATABASE_WRITABLE, v->database_up && v->gauges.writable);
    if (v->database_up && v->replication_known)
        monitor_page_gauge(page, COMPUTED_DATABASE_SYNCHRONOUS, !v->replication_fault);
    /* With this one. */
    monitor_page_gauge(page, COMPUTED_NODES, v->database_up ? (double)v->nodes.n + 1 : 0);
    monitor_page_gauge(page, COMPUTED_NODES_DIFFERING,
                       v->database_up ? (double)v->nodes.differing : 0);
    if (v->read_at.us != 0)
        monitor_page_gauge(page, COMPUTED_LEDGER_READ, (double)v->read_at.us / 1e6);
    if (!v->database_up || v->gauges.age_ms < 0)
        return;
    monitor_page_notifications(page, &v->gauges);
    monitor_page_failed(page, &v->gauges);
    monitor_page_payments(page, &v->gauges);
    monitor_page_gauge(page, COMPUTED_OLDEST_FAILED, v->gauges.oldest_failed_s);
    monitor_page_gauge(page, COMPUTED_OLDEST_PENDING, v->gauges.oldest_pending_s);
    monitor_page_gauge(page, COMPUTED_NOTIFICATIONS_DUE, (double)v->gauges.due);
    monitor_page_gauge(page, COMPUTED_NOTIFICATIONS_WAITING, (double)v->gauges.waiting);
    monitor_page_gauge(page, COMPUTED_OLDEST_DUE, v->gauges.oldest_due_s);
}

/* All of them, so that an alert on one has its series before it first holds. */
static void monitor_page_conditions(struct metrics_page *page)
{
    static const char *const names[] = {"condition", "severity"};
    struct conditions c;
    conditions_read(&c);
    metrics_computed_header(page, COMPUTED_CONDITION);
    for (unsigned i = 0; i < CONDITION_COUNT; i++)
        metrics_computed_sample(page, COMPUTED_CONDITION,
                                monitor_page_labels(page->sb->arena, names, condition_rows[i].name,
                                                    severity_names[condition_rows[i].severity]),
                                c.at[i].holds);
}

/* Figures of the database before those of the registry: if a scraper cuts the page, alerts
 * survive. */
struct str monitor_metrics_page(const struct monitor_view *v, struct arena *a,
                                enum metrics_format format)
{
    struct sb sb;
    struct metrics_page page = {.sb = &sb, .format = format};
    sb_init(&sb, a, PAGE_FIRST);
    monitor_page_build_info(&page);
    monitor_page_conditions(&page);
    monitor_page_database(&page, v);
    monitor_page_workers(&page, v->cfg);
    monitor_page_roles(&page, v->cfg);
    monitor_page_couriers(&page);
    monitor_page_providers(&page, v->cfg);
    metrics_print(&page);
    monitor_process_metrics(&page);
    metrics_end(&page);
    return sb_str(&sb);
}
