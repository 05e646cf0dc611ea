# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/dispatcher: the dispatcher: clients' connections, queue, workers' pairs
noinst_LIBRARIES += libdispatcher.a
libdispatcher_a_SOURCES = \
  include/dispatcher/conn_table.h \
  include/dispatcher/dispatcher.h \
  src/dispatcher/conn_table.c \
  src/dispatcher/disp_accept.c \
  src/dispatcher/disp_accept.h \
  src/dispatcher/disp_answer.c \
  src/dispatcher/disp_answer.h \
  src/dispatcher/disp_conn.c \
  src/dispatcher/disp_conn.h \
  src/dispatcher/disp_drive.c \
  src/dispatcher/disp_drive.h \
  src/dispatcher/disp_expire.c \
  src/dispatcher/disp_expire.h \
  src/dispatcher/disp_listen.c \
  src/dispatcher/disp_listen.h \
  src/dispatcher/disp_local.c \
  src/dispatcher/disp_local.h \
  src/dispatcher/disp_order.c \
  src/dispatcher/disp_order.h \
  src/dispatcher/disp_peers.c \
  src/dispatcher/disp_peers.h \
  src/dispatcher/disp_queue.c \
  src/dispatcher/disp_queue.h \
  src/dispatcher/disp_read.c \
  src/dispatcher/disp_read.h \
  src/dispatcher/disp_request.h src/dispatcher/disp_request.h src/dispatcher/disp_state.h \
  src/dispatcher/disp_tag.h \
  src/dispatcher/disp_worker.c \
  src/dispatcher/disp_worker.h \
  src/dispatcher/disp_write.c \
  src/dispatcher/disp_write.h \
  src/dispatcher/dispatcher.c

if HAVE_CHECK
DISPATCHER_TESTS = tests/unit/check_conn_table
check_PROGRAMS += $(DISPATCHER_TESTS)
TESTS += $(DISPATCHER_TESTS)
tests_unit_check_conn_table_LDADD = libdispatcher.a libsys.a $(LIBS_BASE) $(CHECK_LIBS)
endif
