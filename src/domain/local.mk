# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/domain: the vocabularies, one table each (.def), and what is generated from them; no I/O
noinst_LIBRARIES += libdomain.a
libdomain_a_SOURCES = \
  include/domain/labels.def include/domain/labels.h src/domain/labels.c \
  include/domain/metrics.def include/domain/metrics.h src/domain/metrics.c \
  include/domain/metrics_page.h src/domain/metrics_page.c \
  src/domain/metrics_labels.c src/domain/metrics_priv.h \
  include/domain/metrics_sum.h src/domain/metrics_sum.c \
  include/domain/facts.def include/domain/facts.h src/domain/facts.c \
  include/domain/conditions.def include/domain/conditions.h src/domain/conditions.c \
  include/domain/actors.def include/domain/actors.h src/domain/actors.c \
  include/domain/states.def include/domain/states.h src/domain/states.c \
  include/domain/roles.def include/domain/roles.h src/domain/roles.c \
  include/domain/scoreboard.h src/domain/scoreboard.c \
  include/domain/courier_board.h src/domain/courier_board.c \
  include/domain/notification_moves.def \
  src/domain/phone_table.c include/domain/phone_table.h \
  include/domain/phone_config.h include/domain/phone_ranges.def \
  src/domain/text_rule.c include/domain/text_rule.h \
  src/domain/sms_text.c include/domain/sms_text.h \
  src/domain/money.c include/domain/money.h \
  src/domain/date_text.c include/domain/date_text.h \
  src/domain/slots.c include/domain/slots.h
EXTRA_DIST += src/domain/phone_ranges.py
# the ranges against the metadata that they were made from
TESTS += tests/unit/phone_metadata.py
EXTRA_DIST += tests/unit/phone_metadata.py

include $(top_srcdir)/src/domain/config.mk

if HAVE_CHECK
DOMAIN_TESTS = tests/unit/check_metrics tests/unit/check_scoreboard tests/unit/check_phone_table \
  tests/unit/check_slots tests/unit/check_sms_text tests/unit/check_money \
  tests/unit/check_conditions tests/unit/check_date_text
check_PROGRAMS += $(DOMAIN_TESTS)
TESTS += $(DOMAIN_TESTS)
tests_unit_check_phone_table_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_date_text_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_money_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_sms_text_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_slots_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_conditions_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_scoreboard_LDADD = $(LIBS_DOMAIN) $(CHECK_LIBS)
tests_unit_check_metrics_LDADD = $(LIBS_HTTP) $(CHECK_LIBS)

DOMAIN_DB_TESTS = tests/db/check_states
check_PROGRAMS += $(DOMAIN_DB_TESTS)
TESTS += $(DOMAIN_DB_TESTS)
tests_db_check_states_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/tests/lib
tests_db_check_states_LDADD = libthdb.a $(LIBS_DB) $(CHECK_LIBS)
endif

# alert rules for what metrics.def has
TESTS += tests/lint/prometheus.sh tests/lint/conditions.py tests/lint/grafana.py
EXTRA_DIST += tests/lint/conditions.py tests/lint/grafana.py
EXTRA_DIST += tests/lint/prometheus.sh tests/lib/promcheck.py etc/prometheus/prometheus.yml \
  etc/prometheus/bookingd.rules.yml etc/prometheus/bookingd.rules.test.yml

# doc/METRICS.md and the list of keys in bookingd.yaml(5) from the tables
noinst_PROGRAMS += src/domain/mkmetrics src/domain/mkkeys
src_domain_mkkeys_SOURCES = src/domain/mkkeys.c
src_domain_mkkeys_LDADD = $(LIBS_DOMAIN)
TESTS += tests/lint/keys.sh
EXTRA_DIST += tests/lint/keys.sh
src_domain_mkmetrics_SOURCES = src/domain/mkmetrics.c
src_domain_mkmetrics_LDADD = $(LIBS_DOMAIN)
TESTS += tests/lint/metrics.sh
EXTRA_DIST += tests/lint/metrics.sh doc/METRICS.md
.PHONY: doc
doc: src/domain/mkmetrics$(EXEEXT) src/domain/mkkeys$(EXEEXT)
	./src/domain/mkmetrics$(EXEEXT) >$(top_srcdir)/doc/METRICS.md.tmp && \
	  mv $(top_srcdir)/doc/METRICS.md.tmp $(top_srcdir)/doc/METRICS.md
	./src/domain/mkkeys$(EXEEXT) <$(top_srcdir)/doc/bookingd.yaml.5 \
	  >$(top_srcdir)/doc/bookingd.yaml.5.tmp && \
	  mv $(top_srcdir)/doc/bookingd.yaml.5.tmp $(top_srcdir)/doc/bookingd.yaml.5
