# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/domain: the vocabularies, one table each (.def), and what is generated from them; no I/O
noinst_LIBRARIES += libdomain.a
libdomain_a_SOURCES = \
  include/domain/labels.def include/domain/labels.h \
  src/domain/slots.c include/domain/slots.h

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_slots
TESTS += tests/unit/check_slots
tests_unit_check_slots_SOURCES = tests/unit/check_slots.c
tests_unit_check_slots_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_slots_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
endif
