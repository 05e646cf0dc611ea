# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# configuration, regions and JSON: sources and unit tests
libsys_a_SOURCES += \
  include/sys/config.h \
  include/sys/json.h \
  include/sys/regions.h \
  src/sys/config.c \
  src/sys/config.def \
  src/sys/config_fault.c \
  src/sys/config_keys.c \
  src/sys/config_message.c \
  src/sys/config_net.c \
  src/sys/config_priv.h \
  src/sys/config_provider.c \
  src/sys/config_secret.c \
  src/sys/config_template.c \
  src/sys/config_url.c \
  src/sys/config_value.c \
  src/sys/config_yaml.c \
  src/sys/fault.c include/sys/fault.h \
  src/sys/json.c \
  src/sys/schema.c include/sys/schema.h \
  src/sys/regions.c

if HAVE_CHECK
CONFIG_TESTS = \
  tests/unit/check_config \
  tests/unit/check_config_docs \
  tests/unit/check_config_provider \
  tests/unit/check_config_yaml \
  tests/unit/check_json \
  tests/unit/check_regions
check_PROGRAMS += $(CONFIG_TESTS)
TESTS += $(CONFIG_TESTS)
tests_unit_check_config_SOURCES = tests/unit/check_config.c tests/lib/th_config.h tests/lib/th_unit.h
tests_unit_check_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_config_docs_SOURCES = tests/unit/check_config_docs.c tests/lib/th_config.h tests/lib/th_unit.h
tests_unit_check_config_docs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_docs_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_config_provider_SOURCES = tests/unit/check_config_provider.c tests/lib/th_config.h tests/lib/th_unit.h
tests_unit_check_config_provider_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_provider_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_config_yaml_SOURCES = tests/unit/check_config_yaml.c tests/lib/th_config.h tests/lib/th_unit.h
tests_unit_check_config_yaml_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_config_yaml_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_json_SOURCES = tests/unit/check_json.c tests/lib/th_unit.h
tests_unit_check_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_json_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
tests_unit_check_regions_SOURCES = tests/unit/check_regions.c tests/lib/th_unit.h
tests_unit_check_regions_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_regions_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
endif

TESTS += tests/lint/manual.sh
EXTRA_DIST += tests/lint/manual.sh
