# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Tests that belong to no single layer: the rules of the tree, valgrind over the unit tests.
LINT_TESTS = \
  tests/lint/circles.py \
  tests/lint/comments.py \
  tests/lint/contracts.py \
  tests/lint/format.sh \
  tests/lint/habits.sh \
  tests/lint/headers.sh \
  tests/lint/layers.sh \
  tests/lint/licence.sh \
  tests/lint/migrations.py \
  tests/lint/names.py \
  tests/lint/openapi_codes.py \
  tests/lint/size.py \
  tests/lint/width.py
TESTS += $(LINT_TESTS)
EXTRA_DIST += $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/lib/*.h $(srcdir)/tests/unit/*.h))
EXTRA_DIST += tests/README.md tests/demo/demo.py $(LINT_TESTS) tests/lint/known.py \
  tests/lint/analyse.sh \
  .clang-tidy .clang-format .editorconfig \
  $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/lint/known/*.txt \
    $(srcdir)/tests/lint/migrations/*.sql))
# The life of a deferred notification, by spin.
TESTS += tests/model/run
EXTRA_DIST += tests/model/run tests/model/notification.pml
TEST_EXTENSIONS = .sh .py
AM_TESTS_ENVIRONMENT = srcdir='$(abs_top_srcdir)'; builddir='$(abs_top_builddir)'; CC='$(CC)'; \
  BOOKINGD_BIN='$(abs_top_builddir)/bookingd'; \
  BOOKINGD_SANDBOX_BIN='$(abs_top_builddir)/bookingd-sandbox'; \
  export srcdir builddir CC BOOKINGD_BIN BOOKINGD_SANDBOX_BIN;

# Unit tests again under valgrind; forks are libcheck's, switched off so that one process is
# watched.
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full \
  --errors-for-leak-kinds=definite,possible \
  --trace-children=no
check-valgrind: $(check_PROGRAMS)
	@printf '%s\n' $(filter tests/unit/%,$(check_PROGRAMS)) | xargs -P 2 -I{} sh -c '\
	  CK_FORK=no CK_RUN_CASE_EXCLUDE= CK_EXCLUDE_TAGS="fork slow" BOOKINGD_ROUNDS=200 \
	    srcdir="$(abs_top_srcdir)" \
	    $(VALGRIND) ./{} >{}.valgrind 2>&1 \
	    || [ $$? = 77 ] || { cat {}.valgrind; echo "valgrind: {}"; exit 255; }'
.PHONY: check-valgrind

# What the campaign coverage runs.
print-parser-tests:
	@echo $(filter tests/unit/% tests/fuzz/%,$(TESTS))
.PHONY: print-parser-tests

# All but the system tests: what a change is checked with while it is made.
check-quick:
	$(MAKE) check TESTS='$(filter-out tests/system/run,$(TESTS))'
.PHONY: check-quick

# Known exceptions of the lints that are not needed any more: fails while there are any.
# LINT_KNOWN=shrink in the environment takes them out of the lists.
lint-known:
	@bad=0; for lint in comments.py contracts.py headers.sh names.py size.py width.py; do \
	  srcdir='$(abs_top_srcdir)' builddir='$(abs_top_builddir)' \
	    LINT_KNOWN=$${LINT_KNOWN:-unused} '$(abs_top_srcdir)'/tests/lint/$$lint || bad=1; \
	done; exit $$bad
.PHONY: lint-known
