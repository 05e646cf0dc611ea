# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# System tests: the built programs from outside; every test_*.py in here is run.
TESTS += tests/system/run
EXTRA_DIST += tests/system/run tests/lib/under-valgrind tests/lib/valgrind-left-out \
  $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/lib/bd*.py $(srcdir)/tests/system/*.py))
EXTRA_DIST += tests/torture/strike.c tests/torture/strike.h tests/torture/strike_heap.c tests/torture/strike_heap.h tests/torture/strike.py tests/torture/ops.py tests/torture/torture.py tests/torture/killed.py
