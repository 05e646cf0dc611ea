# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/db: sources and unit tests of this layer
DB_MIGRATIONS = \
  src/db/migrations/0001_initial.sql \
  src/db/migrations/0002_payments.sql \
  src/db/migrations/0003_refund_keys.sql \
  src/db/migrations/0004_capacity.sql \
  src/db/migrations/0005_sign_in.sql \
  src/db/migrations/0006_catalogue.sql \
  src/db/migrations/0007_operations.sql \
  src/db/migrations/0008_staff.sql \
  src/db/migrations/0009_payments.sql \
  src/db/migrations/0010_courier.sql \
  src/db/migrations/0011_money.sql \
  src/db/migrations/0012_speed.sql \
  src/db/migrations/0013_desk.sql \
  src/db/migrations/0014_growth.sql \
  src/db/migrations/0015_cluster.sql \
  src/db/migrations/0016_partitions.sql \
  src/db/migrations/0017_zone.sql \
  src/db/migrations/0018_courier_indexes.sql

noinst_LIBRARIES += libdb.a
libdb_a_SOURCES = \
  include/db/db.h \
  include/db/db_fit.h \
  include/db/db_url.h \
  include/db/db_migrate.h \
  include/db/db_reader.h \
  include/db/db_setup.h \
  src/db/db.c \
  src/db/db_batch.c \
  src/db/db_batch_priv.h \
  src/db/db_conn.c \
  src/db/db_connect.c \
  src/db/db_err.c \
  src/db/db_fit.c \
  src/db/db_fit.def \
  src/db/db_exchange.c \
  src/db/db_fence.c \
  src/db/db_greet.c \
  src/db/db_hosts.c \
  src/db/db_hosts.h \
  src/db/db_look.c \
  src/db/db_migrate.c \
  src/db/db_migrate_alone.c \
  src/db/db_migrate_priv.h \
  src/db/db_migrate_run.c \
  src/db/db_priv.h \
  src/db/db_reader.c \
  src/db/db_ready.c \
  src/db/db_row.c \
  src/db/db_run.c \
  src/db/db_setup.c \
  src/db/db_shared.c \
  src/db/db_url_plain.c
nodist_libdb_a_SOURCES = \
  src/db/db_migrations.c \
  src/db/db_scripts.c \
  src/db/db_sql.c \
  src/db/db_sql.h
CLEANFILES += $(nodist_libdb_a_SOURCES)
BUILT_SOURCES += src/db/db_sql.h
DB_SQL = \
  src/db/sql/db_fit.sql \
  src/db/sql/db_session.sql \
  src/db/sql/db_setup.sql
DB_SQL_TEXTS = \
  src/db/sql/db_migrate_begin.sql \
  src/db/sql/db_migrate_grant.sql
EXTRA_DIST += $(DB_MIGRATIONS) $(DB_SQL) $(DB_SQL_TEXTS) src/db/embed.py tests/lib/with-pg

src/db/db_migrations.c: $(DB_MIGRATIONS) src/db/embed.py
	$(AM_V_GEN)$(MKDIR_P) src/db && top=`pwd` && cd $(srcdir) && \
	  $(PYTHON) src/db/embed.py migrations $(DB_MIGRATIONS) >"$$top/$@.tmp" && \
	  mv -f "$$top/$@.tmp" "$$top/$@"

src/db/db_scripts.c: $(DB_SQL_TEXTS) src/db/embed.py
	$(AM_V_GEN)$(MKDIR_P) src/db && top=`pwd` && cd $(srcdir) && \
	  $(PYTHON) src/db/embed.py scripts $(DB_SQL_TEXTS) >"$$top/$@.tmp" && \
	  mv -f "$$top/$@.tmp" "$$top/$@"
src/db/db_sql.h src/db/db_sql.c: $(DB_SQL) src/db/embed.py
	$(AM_V_GEN)$(MKDIR_P) src/db && top=`pwd` && cd $(srcdir) && \
	  case $@ in *.h) kind=header ;; *) kind=source ;; esac && \
	  $(PYTHON) src/db/embed.py $$kind db_sql $(DB_SQL) >"$$top/$@.tmp" && \
	  mv -f "$$top/$@.tmp" "$$top/$@"
$(libdb_a_OBJECTS): | src/db/db_sql.h

# Tests against a real PostgreSQL: they link LIBS_TH_DB and list nothing else.
EXTRA_DIST += tests/lib/th_db.h tests/lib/th_proxy.h
if HAVE_CHECK
check_LIBRARIES += libthdb.a
libthdb_a_SOURCES = \
  tests/lib/th_db.c tests/lib/th_db.h \
  tests/lib/th_proxy.c tests/lib/th_proxy.h
libthdb_a_CPPFLAGS = $(AM_CPPFLAGS) -DTH_WITH_PG='"$(abs_top_srcdir)/tests/lib/with-pg"'
libthdb_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TH_DB_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -I$(top_srcdir)/tests/lib
LIBS_TH_DB = libthdb.a $(LIBS_DB) $(CHECK_LIBS)

DB_TESTS = \
  tests/db/check_db \
  tests/db/check_db_faults \
  tests/db/check_db_pgbouncer \
  tests/db/check_db_restart \
  tests/db/check_migrate \
  tests/db/check_schema
check_PROGRAMS += $(DB_TESTS) tests/unit/check_db_fence
TESTS += $(DB_TESTS) tests/unit/check_db_fence
tests_unit_check_db_fence_LDADD = $(LIBS_DB) $(CHECK_LIBS)
tests_db_check_db_LDADD = $(LIBS_TH_DB)
tests_db_check_db_faults_LDADD = $(LIBS_TH_DB)
tests_db_check_db_pgbouncer_LDADD = $(LIBS_TH_DB)
tests_db_check_db_restart_LDADD = $(LIBS_TH_DB)
tests_db_check_migrate_LDADD = $(LIBS_TH_DB)
tests_db_check_schema_LDADD = $(LIBS_TH_DB)
endif
