/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* /metrics: the registry, and the families that are computed when asked for. */
#include "config.h"
#include "revision.h"

#include <stdio.h>

#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "monitor/monitor.h"

#define PAGE_FIRST ((size_t)128 * 1024)
#define LABELS_FIRST 128

static const char *label1(struct arena *a, const char *name, const char *value)
{
    struct sb sb;
    sb_init(&sb, a, LABELS_FIRST);
    metrics_label(&sb, name, value);
    return sb.p;
}

static const char *label2(struct arena *a, const char *const *names, const char *first,
                          const char *second)
{
    struct sb sb;
    sb_init(&sb, a, LABELS_FIRST);
    metrics_label(&sb, names[0], first);
    metrics_label(&sb, names[1], second);
    return sb.p;
}

/* A gauge without labels, header and sample. */
static void gauge(struct metrics_page *page, const char *name, const char *help, double value)
{
    metrics_family(page, name, METRIC_GAUGE, help);
    metrics_sample(page, name, NULL, value);
}

static void build_info(struct metrics_page *page)
{
    static const char *const labels[] = {"version", "revision"};
    metrics_family(page, "bookingd_build_info", METRIC_INFO, "Which bookingd this is.");
    metrics_sample(
        page, "bookingd_build_info",
        label2(page->sb->arena, labels, PACKAGE_VERSION, *BD_REVISION ? BD_REVISION : "unknown"),
        1);
}

static void workers(struct metrics_page *page)
{
    unsigned n[STAGE_COUNT] = {0};
    struct scoreboard_view slot;
    const unsigned first = scoreboard_first(ROLE_WORKER);
    for (unsigned i = 0; i < scoreboard_count(ROLE_WORKER); i++) {
        scoreboard_read(first + i, &slot);
        n[slot.stage]++;
    }
    metrics_family(page, "bookingd_workers", METRIC_GAUGE, "Worker processes by what they do now.");
    for (unsigned s = STAGE_DOWN + 1; s < STAGE_COUNT; s++)
        metrics_sample(page, "bookingd_workers", label1(page->sb->arena, "state", stage_names[s]),
                       n[s]);
}

static void providers(struct metrics_page *page, const struct config *cfg)
{
    static const char open_name[] = "bookingd_provider_circuit_open",
                      busy_name[] = "bookingd_provider_in_flight";
    struct ext_state state;
    if (cfg->providers_n == 0)
        return;
    metrics_family(page, open_name, METRIC_GAUGE,
                   "Whether calls to the provider are refused here (half-open included).");
    for (size_t i = 0; i < cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        metrics_sample(page, open_name, label1(page->sb->arena, "provider", cfg->providers[i].name),
                       state.circuit != CIRCUIT_CLOSED);
    }
    metrics_family(page, busy_name, METRIC_GAUGE, "Processes inside a call to the provider.");
    for (size_t i = 0; i < cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        metrics_sample(page, busy_name, label1(page->sb->arena, "provider", cfg->providers[i].name),
                       state.in_flight);
    }
}

static void ledger_rows(struct metrics_page *page, const struct db_gauges *l)
{
    static const char name[] = "bookingd_notifications";
    static const char *const labels[] = {"status", "template"};
    metrics_family(page, name, METRIC_GAUGE, "Notifications in the ledger.");
    for (unsigned s = 0; s < NOTIFICATION_STATUS_COUNT; s++)
        for (unsigned t = 0; t < NOTICE_COUNT && (s != NOTIFICATION_SENT || l->has_sent); t++)
            metrics_sample(
                page, name,
                label2(page->sb->arena, labels, db_gauges_status_names[s], notice_names[t]),
                (double)l->rows[s][t]);
}

static void ledger_failed(struct metrics_page *page, const struct db_gauges *l)
{
    static const char name[] = "bookingd_notifications_failed";
    static const char *const labels[] = {"template", "error_code"};
    metrics_family(page, name, METRIC_GAUGE,
                   "Failed notifications in the ledger that nobody has acknowledged.");
    for (unsigned t = 0; t < NOTICE_COUNT; t++)
        for (unsigned c = NOTIFICATION_OUTCOME_SENT + 1; c < NOTIFICATION_OUTCOME_COUNT; c++)
            metrics_sample(
                page, name,
                label2(page->sb->arena, labels, notice_names[t], notification_outcome_names[c]),
                (double)l->failed[t][c]);
}

static void payments(struct metrics_page *page, const struct db_gauges *l)
{
    static const char name[] = "bookingd_payments";
    metrics_family(page, name, METRIC_GAUGE, "Payments in the database.");
    for (unsigned s = 0; s < PAYMENT_STATE_COUNT; s++)
        metrics_sample(page, name, label1(page->sb->arena, "status", payment_state_names[s]),
                       (double)l->payments[s]);
}

/*
 * Every node reads the same database, so every node says the same: rules take max, not sum. While
 * the database is away there is no figure at all, since both 0 and the last one would be lies.
 */
static void ledger(struct metrics_page *page, const struct monitor_view *v)
{
    gauge(page, "bookingd_database_up", "Whether the ledger can be read now.", v->database_up);
    if (v->read_at.us != 0)
        gauge(page, "bookingd_ledger_read_timestamp_seconds", "When the ledger was last read.",
              (double)v->read_at.us / 1e6);
    if (!v->database_up)
        return;
    ledger_rows(page, &v->ledger);
    ledger_failed(page, &v->ledger);
    payments(page, &v->ledger);
    gauge(
        page, "bookingd_notification_oldest_failed_seconds",
        "Age of the oldest failed notification that nobody has acknowledged, 0 when there is none.",
        v->ledger.oldest_failed_s);
    gauge(page, "bookingd_notification_oldest_pending_seconds",
          "Age of the oldest notification whose sending has not ended, 0 when there is none.",
          v->ledger.oldest_pending_s);
}

struct str monitor_metrics_page(const struct monitor_view *v, struct arena *a,
                                enum metrics_format format)
{
    struct sb sb;
    struct metrics_page page = {.sb = &sb, .format = format};
    sb_init(&sb, a, PAGE_FIRST);
    build_info(&page);
    ledger(&page, v);
    workers(&page);
    providers(&page, v->cfg);
    metrics_print(&page);
    monitor_process_metrics(&page);
    metrics_end(&page);
    return sb_str(&sb);
}
