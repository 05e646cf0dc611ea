/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* process_* of the master, as the Prometheus client libraries name them. */
#include "ipc/master_state.h"
#include "monitor/monitor.h"

static void family(struct metrics_page *page, const char *name, enum metric_kind kind,
                   const char *help, double value)
{
    metrics_family(page, name, kind, help);
    metrics_sample(page, name, NULL, value);
}

void monitor_process_metrics(struct metrics_page *page)
{
    struct process_view v;
    if (!master_state_process(&v))
        return;
    family(page, "process_cpu_seconds_total", METRIC_COUNTER, "Processor time of the master.",
           v.cpu_s);
    family(page, "process_start_time_seconds", METRIC_GAUGE, "When the master was started.",
           v.started_s);
    family(page, "process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory of the master.",
           (double)v.virtual_bytes);
    family(page, "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory of the master.",
           (double)v.resident_bytes);
    family(page, "process_open_fds", METRIC_GAUGE, "Open descriptors of the master.",
           (double)v.open_fds);
    family(page, "process_max_fds", METRIC_GAUGE, "Descriptors that the master may have.",
           (double)v.max_fds);
}
