# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/ipc: what processes say to each other: packets, shared words, titles
noinst_LIBRARIES += libipc.a
libipc_a_SOURCES = \
  include/ipc/child.h \
  include/ipc/master_state.h \
  include/ipc/policy.h \
  include/ipc/proctitle.h \
  include/ipc/protocol.h \
  src/ipc/master_state.c \
  src/ipc/policy.c \
  src/ipc/proctitle.c \
  src/ipc/protocol.c

if HAVE_CHECK
IPC_TESTS = tests/unit/check_protocol
check_PROGRAMS += $(IPC_TESTS)
TESTS += $(IPC_TESTS)
tests_unit_check_protocol_LDADD = libipc.a libsys.a $(LIBS_BASE) $(CHECK_LIBS)
endif
