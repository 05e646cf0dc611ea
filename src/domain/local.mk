# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/domain: the vocabularies, one table each (.def), and what is generated from them; no I/O
noinst_LIBRARIES += libdomain.a
libdomain_a_SOURCES = \
  include/domain/labels.def include/domain/labels.h \
  src/domain/phone_table.c include/domain/phone_table.h include/domain/phone_ranges.def \
  src/domain/slots.c include/domain/slots.h
EXTRA_DIST += src/domain/phone_ranges.py

if HAVE_CHECK
DOMAIN_TESTS = tests/unit/check_phone_table tests/unit/check_slots
check_PROGRAMS += $(DOMAIN_TESTS)
TESTS += $(DOMAIN_TESTS)
tests_unit_check_phone_table_SOURCES = tests/unit/check_phone_table.c
tests_unit_check_phone_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_phone_table_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_slots_SOURCES = tests/unit/check_slots.c
tests_unit_check_slots_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_slots_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
endif
