# System tests: the built programs from outside; every test_*.py in here is run.
TESTS += tests/system/run
EXTRA_DIST += tests/system/run tests/system/race.py tests/system/figures.py tests/lib/bd.py \
  $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/system/test_*.py))
