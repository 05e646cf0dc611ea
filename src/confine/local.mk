# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/confine: what each role may do: system calls, files, secrets
noinst_LIBRARIES += libconfine.a
libconfine_a_SOURCES = \
  include/confine/confine.h \
  include/confine/confine_calls.h \
  include/confine/forget.h \
  src/confine/confine.c \
  src/confine/confine_calls.c \
  src/confine/confine_calls.def \
  src/confine/confine_files.c \
  src/confine/confine_priv.h \
  src/confine/forget.c

if HAVE_CHECK
CONFINE_TESTS = tests/unit/check_confine
check_PROGRAMS += $(CONFINE_TESTS)
TESTS += $(CONFINE_TESTS)
tests_unit_check_confine_LDADD = libconfine.a libdb.a libsys.a $(LIBS_DB) $(SECCOMP_LIBS) \
  $(CHECK_LIBS)
endif
