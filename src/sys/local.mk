# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/sys: sources and unit tests of this layer
noinst_LIBRARIES += libsys.a
libsys_a_SOURCES = \
  src/sys/addrs.c include/sys/addrs.h \
  src/sys/log.c include/sys/log.h \
  src/sys/log_line.c include/sys/log_line.h \
  src/sys/lookup_files.c include/sys/lookup_files.h \
  src/sys/name_rows.c include/sys/name_rows.h \
  src/sys/net.c src/sys/net_fds.c src/sys/net_io.c src/sys/net_unix.c \
  src/sys/net_priv.h include/sys/net.h \
  src/sys/notify_sd.c include/sys/notify_sd.h \
  src/sys/shm.c include/sys/shm.h \
  src/sys/sig.c include/sys/sig.h \
  src/sys/wake.c include/sys/wake.h \
  src/sys/seqlock.c include/sys/seqlock.h

# configuration and JSON
include $(top_srcdir)/src/sys/config.mk

if HAVE_CHECK
SYS_TESTS = \
  tests/unit/check_addrs \
  tests/unit/check_log \
  tests/unit/check_name_rows \
  tests/unit/check_net
check_PROGRAMS += $(SYS_TESTS)
TESTS += $(SYS_TESTS)
tests_unit_check_addrs_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_log_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_name_rows_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_net_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
endif
