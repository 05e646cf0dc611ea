# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# System tests: the built programs from outside; every test_*.py in here is run.
TESTS += tests/system/run
EXTRA_DIST += tests/system/run tests/lib/under-valgrind tests/lib/valgrind-left-out \
  tests/lib/pooler-left-out \
  tests/lib/build.sh $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/lib/bd*.py \
    $(srcdir)/tests/system/*.py $(srcdir)/tests/campaigns/*.py $(srcdir)/tests/campaigns/*.sh \
    $(srcdir)/tests/data/*.* $(srcdir)/tests/data/next/* $(srcdir)/tests/client/* \
    $(srcdir)/tests/desk/* $(srcdir)/tests/fault_injection/*.[ch] \
  $(srcdir)/tests/fault_injection/*.py))

# The version after this one, for upgrades under load (test_rolling): the same objects, and three
# migrations more.
check_PROGRAMS += bookingd-next
bookingd_next_SOURCES = src/main.c
nodist_bookingd_next_SOURCES = tests/system/next_migrations.c
bookingd_next_LDADD = $(bookingd_LDADD)
NEXT_MIGRATIONS = \
  tests/data/next/next_later.sql \
  tests/data/next/next_index.sql \
  tests/data/next/next_without.sql
CLEANFILES += $(nodist_bookingd_next_SOURCES)
tests/system/next_migrations.c: $(DB_MIGRATIONS) $(NEXT_MIGRATIONS) src/db/embed.py
	$(AM_V_GEN)$(MKDIR_P) tests/system && top=`pwd` && cd $(srcdir) && \
	  $(PYTHON) src/db/embed.py migrations $(DB_MIGRATIONS) $(NEXT_MIGRATIONS) \
	    >"$$top/$@.tmp" && mv -f "$$top/$@.tmp" "$$top/$@"
