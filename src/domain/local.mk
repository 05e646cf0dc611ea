# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/domain: the vocabularies, one table each (.def), and what is generated from them; no I/O
noinst_LIBRARIES += libdomain.a
libdomain_a_SOURCES = \
  include/domain/labels.def include/domain/labels.h
