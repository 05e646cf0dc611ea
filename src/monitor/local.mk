# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/monitor: the monitor: metrics and status pages
noinst_LIBRARIES += libmonitor.a
libmonitor_a_SOURCES = \
  include/monitor/monitor.h \
  include/monitor/monitor_shared.h \
  src/monitor/monitor.c \
  src/monitor/monitor_facts.c \
  src/monitor/monitor_facts.h \
  src/monitor/monitor_history.c \
  src/monitor/monitor_history.h \
  src/monitor/monitor_html.c \
  src/monitor/monitor_html.h \
  src/monitor/monitor_http.c \
  src/monitor/monitor_http.h \
  src/monitor/monitor_page.c \
  src/monitor/monitor_page.h \
  src/monitor/monitor_roles.c src/monitor/monitor_roles.h \
  src/monitor/monitor_process.c \
  src/monitor/monitor_plot.c \
  src/monitor/monitor_plot.h \
  src/monitor/monitor_process.h \
  src/monitor/monitor_status.c \
  src/monitor/monitor_status.h \
  src/monitor/monitor_words.def
