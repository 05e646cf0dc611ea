# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# The load generator of the campaign load.
noinst_PROGRAMS += tests/load/loadgen
tests_load_loadgen_LDADD =
