# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# configuration, providers, templates, regions: sources and unit tests
libdomain_a_SOURCES += \
  include/domain/config.h src/domain/config.c src/domain/config.def src/domain/config_priv.h \
  include/domain/provider.h include/domain/providers.def src/domain/provider.c \
  include/domain/templates.h include/domain/templates.def src/domain/templates.c \
  include/domain/config_alerts.h src/domain/config_alerts.c src/domain/config_message.c \
  src/domain/config_hopeless.c src/domain/config_otp.c \
  src/domain/config_provider.c \
  include/domain/config_show.h src/domain/config_show.c \
  src/domain/config_reminder.c include/domain/reminder.h \
  src/domain/config_table.c \
  src/domain/config_template.c \
  src/domain/config_types.c

if HAVE_CHECK
CONFIG_TESTS = \
  tests/unit/check_config \
  tests/unit/check_config_docs \
  tests/unit/check_config_provider \
  tests/unit/check_config_yaml
check_PROGRAMS += $(CONFIG_TESTS)
TESTS += $(CONFIG_TESTS)
tests_unit_check_config_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_config_docs_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_config_provider_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_config_yaml_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
endif
