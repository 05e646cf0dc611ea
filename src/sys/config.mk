# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# reading of configuration files, and JSON: sources and unit tests
libsys_a_SOURCES += \
  include/sys/config_file.h src/sys/config_file.c \
  include/sys/config_node.h src/sys/config_node.c \
  include/sys/config_read.h src/sys/config_keys.c \
  include/sys/config_values.h src/sys/config_value.c \
  include/sys/config_fault.h src/sys/config_fault.c \
  src/sys/config_net.c \
  include/sys/config_open.h src/sys/config_open.c \
  src/sys/config_secret.c \
  src/sys/config_url.c \
  include/sys/config_yaml.h src/sys/config_yaml.c \
  src/sys/fault.c include/sys/fault.h \
  src/sys/json.c src/sys/json_text.c include/sys/json.h \
  src/sys/schema.c include/sys/schema.h

if HAVE_CHECK
JSON_TESTS = tests/unit/check_json
check_PROGRAMS += $(JSON_TESTS)
TESTS += $(JSON_TESTS)
tests_unit_check_json_LDADD = $(LIBS_SYS) $(CHECK_LIBS)
endif

TESTS += tests/lint/manual.sh
EXTRA_DIST += tests/lint/manual.sh
