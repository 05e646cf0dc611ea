# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/dispatcher: the dispatcher: clients' connections, queue, workers' pairs
noinst_LIBRARIES += libdispatcher.a
libdispatcher_a_SOURCES = \
  include/dispatcher/dispatcher.h \
  src/dispatcher/disp_accept.c \
  src/dispatcher/disp_answer.c \
  src/dispatcher/disp_conn.c \
  src/dispatcher/disp_expire.c \
  src/dispatcher/disp_peers.c \
  src/dispatcher/disp_priv.h \
  src/dispatcher/disp_queue.c \
  src/dispatcher/disp_read.c \
  src/dispatcher/disp_worker.c \
  src/dispatcher/dispatcher.c
