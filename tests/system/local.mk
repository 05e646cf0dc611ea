# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# System tests: the built programs from outside; every test_*.py in here is run.
TESTS += tests/system/run
EXTRA_DIST += tests/system/run tests/lib/under-valgrind tests/lib/valgrind-left-out \
  tests/lib/pooler-left-out \
  tests/lib/build.sh $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/lib/bd*.py \
    $(srcdir)/tests/system/*.py $(srcdir)/tests/campaigns/*.py $(srcdir)/tests/campaigns/*.sh \
    $(srcdir)/tests/data/* $(srcdir)/tests/client/* \
    $(srcdir)/tests/desk/* $(srcdir)/tests/fault_injection/*.[ch] \
  $(srcdir)/tests/fault_injection/*.py))
