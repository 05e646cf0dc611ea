# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/base: sources and unit tests of this layer
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
  src/base/arena.c include/base/arena.h \
  include/base/cdefs.h \
  src/base/chars.c include/base/chars.h \
  src/base/clock.c include/base/clock.h \
  src/base/digest.c include/base/digest.h \
  src/base/ensure.c include/base/ensure.h \
  src/base/err.c include/base/err.h include/base/errors.def \
  src/base/jsonpath.c include/base/jsonpath.h \
  src/base/names.c include/base/names.h \
  src/base/num.c include/base/num.h \
  src/base/rng.c include/base/rng.h \
  src/base/str.c include/base/str.h \
  src/base/template.c include/base/template.h \
  src/base/text_rules.c include/base/text_rules.h include/base/text_ranges.def \
  src/base/unicode.c include/base/unicode.h \
  src/base/url.c include/base/url.h \
  src/base/uuid.c include/base/uuid.h
EXTRA_DIST += src/base/text_ranges.py

if HAVE_CHECK
BASE_TESTS = \
  tests/unit/check_arena \
  tests/unit/check_clock \
  tests/unit/check_digest \
  tests/unit/check_num \
  tests/unit/check_str \
  tests/unit/check_text \
  tests/unit/check_text_rules \
  tests/unit/check_uuid
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
tests_unit_check_arena_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_clock_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_digest_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_num_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_str_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_text_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_text_rules_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
tests_unit_check_uuid_LDADD = $(LIBS_BASE) $(CHECK_LIBS)
endif
