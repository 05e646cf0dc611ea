# System tests: the built programs from outside; every test_*.py in here is run.
TESTS += tests/system/run
EXTRA_DIST += tests/system/run tests/system/race.py tests/system/figures.py tests/system/faults.py tests/system/faults_load.py \
  tests/lib/bd.py tests/lib/bd_fault.py \
  $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/system/test_*.py))
