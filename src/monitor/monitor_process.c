/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * process_* of the master, as the Prometheus client libraries name them. Called by monitor_page.c;
 * the master has read the figures (master_process.c).
 */
#include "monitor_process.h"
#include "ipc/master_state.h"

static void monitor_process_put(struct metrics_page *page, enum metric_computed id, double value)
{
    metrics_computed_header(page, id);
    metrics_computed_sample(page, id, NULL, value);
}

void monitor_process_metrics(struct metrics_page *page)
{
    struct process_view v;
    if (!master_state_process(&v))
        return;
    monitor_process_put(page, COMPUTED_PROCESS_CPU, v.cpu_s);
    monitor_process_put(page, COMPUTED_PROCESS_START, v.started_s);
    monitor_process_put(page, COMPUTED_PROCESS_VIRTUAL, (double)v.virtual_bytes);
    monitor_process_put(page, COMPUTED_PROCESS_RESIDENT, (double)v.resident_bytes);
    monitor_process_put(page, COMPUTED_PROCESS_OPEN_FDS, (double)v.open_fds);
    monitor_process_put(page, COMPUTED_PROCESS_MAX_FDS, (double)v.max_fds);
}
