# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/proc: the processes: supervisor, dispatcher, workers, keeper, resolver
noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
  include/proc/child.h \
  src/proc/child_table.c include/proc/child_table.h \
  src/proc/confine.c include/proc/confine.h \
  src/proc/confine_calls.c src/proc/confine_calls.def src/proc/confine_files.c src/proc/confine_priv.h \
  src/proc/disp_accept.c src/proc/disp_answer.c src/proc/disp_conn.c src/proc/disp_expire.c src/proc/disp_peers.c \
  src/proc/disp_priv.h src/proc/disp_queue.c src/proc/disp_read.c src/proc/disp_worker.c src/proc/dispatcher.c \
  src/proc/forget.c include/proc/forget.h \
  src/proc/handover.c include/proc/handover.h \
  src/proc/keeper.c \
  src/proc/master.c include/proc/master.h \
  src/proc/master_child.c src/proc/master_listen.c src/proc/master_priv.h src/proc/master_process.c src/proc/master_reload.c \
  src/proc/master_setup.c src/proc/master_watch.c \
  src/proc/master_state.c include/proc/master_state.h \
  src/proc/monitor.c include/proc/monitor.h \
  src/proc/monitor_http.c src/proc/monitor_page.c src/proc/monitor_process.c src/proc/monitor_status.c \
  src/proc/proctitle.c include/proc/proctitle.h \
  src/proc/resolver.c \
  src/proc/route.c include/proc/route.h \
  src/proc/worker.c
libproc_a_CFLAGS = $(AM_CFLAGS)

bin_PROGRAMS += bookingd
bookingd_SOURCES = src/proc/main.c
bookingd_CFLAGS = $(AM_CFLAGS)
bookingd_LDADD = libcli.a $(LIBS_PROC)

if HAVE_CHECK
PROC_TESTS = tests/unit/check_child_table tests/unit/check_confine tests/unit/check_handover
check_PROGRAMS += $(PROC_TESTS)
TESTS += $(PROC_TESTS)
tests_unit_check_handover_SOURCES = tests/unit/check_handover.c
tests_unit_check_handover_LDADD = libproc.a libsys.a $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_handover_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_confine_SOURCES = tests/unit/check_confine.c tests/lib/th_unit.h tests/lib/th_config.h
tests_unit_check_confine_LDADD = libproc.a libdb.a libsys.a $(LIBS_DB) $(SECCOMP_LIBS) $(CHECK_LIBS)
tests_unit_check_confine_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_child_table_SOURCES = tests/unit/check_child_table.c
tests_unit_check_child_table_LDADD = libproc.a libsys.a $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_child_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
endif
