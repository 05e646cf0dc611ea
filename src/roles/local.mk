# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/roles: worker, keeper, resolver
noinst_LIBRARIES += libroles.a
libroles_a_SOURCES = \
  include/roles/roles.h \
  src/roles/keeper.c \
  src/roles/resolver.c \
  src/roles/worker.c
