# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/master: the supervisor
noinst_LIBRARIES += libmaster.a
libmaster_a_SOURCES = \
  include/master/child_table.h \
  include/master/master.h \
  src/master/child_table.c \
  src/master/master.c \
  src/master/master_child.c \
  src/master/master_config.c \
  src/master/master_control.c \
  src/master/master_listen.c \
  src/master/master_priv.h \
  src/master/master_process.c \
  src/master/master_reload.c \
  src/master/master_setup.c \
  src/master/master_watch.c

bin_PROGRAMS += bookingd
bookingd_SOURCES = src/main.c
bookingd_LDADD = libcli.a $(LIBS_MASTER)

if HAVE_CHECK
MASTER_TESTS = tests/unit/check_child_table
check_PROGRAMS += $(MASTER_TESTS)
TESTS += $(MASTER_TESTS)
tests_unit_check_child_table_LDADD = libmaster.a libsys.a $(LIBS_BASE) $(CHECK_LIBS)
endif
