# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# payments and refunds
libsvc_a_SOURCES += \
  include/svc/payment.h \
  include/svc/payment_link.h \
  include/svc/payment_list.h \
  include/svc/refund.h \
  include/svc/site_payment.h \
  src/svc/payment.c \
  src/svc/payment_decide.c \
  src/svc/payment_decide.h \
  src/svc/payment_desk.c \
  src/svc/payment_event.c \
  src/svc/payment_gateway.c \
  src/svc/payment_keeper.c \
  src/svc/payment_link.c \
  src/svc/payment_list.c \
  src/svc/payment_open.c \
  src/svc/payment_priv.h \
  src/svc/payment_settle.c \
  src/svc/payment_store.c \
  src/svc/refund.c \
  src/svc/refund_priv.h \
  src/svc/refund_request.c \
  src/svc/site_payment.c

if HAVE_CHECK
PAYMENT_UNIT_TESTS = tests/unit/check_payment tests/unit/check_payment_decide
check_PROGRAMS += $(PAYMENT_UNIT_TESTS)
TESTS += $(PAYMENT_UNIT_TESTS)
tests_unit_check_payment_LDADD = $(LIBS_SVC) $(CHECK_LIBS)
tests_unit_check_payment_decide_LDADD = $(LIBS_SVC) $(CHECK_LIBS)
endif
