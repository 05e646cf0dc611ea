# src/proc: the processes: supervisor, dispatcher, workers, keeper, resolver
noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
  include/proc/child.h \
  src/proc/child_table.c include/proc/child_table.h \
  src/proc/handover.c include/proc/handover.h \
  src/proc/proctitle.c include/proc/proctitle.h
libproc_a_CFLAGS = $(AM_CFLAGS)

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_child_table
TESTS += tests/unit/check_child_table
tests_unit_check_child_table_SOURCES = tests/unit/check_child_table.c
tests_unit_check_child_table_LDADD = libproc.a libsys.a $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_child_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
endif
