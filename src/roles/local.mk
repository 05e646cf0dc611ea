# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/roles: worker, courier, keeper, resolver, and the loop of all roles
noinst_LIBRARIES += libroles.a
libroles_a_SOURCES = \
  include/roles/role_loop.h \
  include/roles/roles.h \
  src/roles/courier.c \
  src/roles/keeper.c \
  src/roles/resolver.c \
  src/roles/role_loop.c \
  src/roles/worker.c
