# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# payments and refunds: libsvc_a_SOURCES += ...
libsvc_a_SOURCES += \
  include/svc/payment.h \
  src/svc/payment.c \
  src/svc/payment_event.c \
  src/svc/payment_giveback.c \
  src/svc/payment_open.c \
  src/svc/payment_priv.h \
  src/svc/payment_refund.c \
  src/svc/payment_settle.c \
  src/svc/payment_upkeep.c

if HAVE_CHECK
check_PROGRAMS += tests/unit/check_payment
TESTS += tests/unit/check_payment
tests_unit_check_payment_SOURCES = tests/unit/check_payment.c
tests_unit_check_payment_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_payment_LDADD = $(LIBS_SVC) $(CHECK_LIBS)
endif
