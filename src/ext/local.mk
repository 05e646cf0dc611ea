# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/ext: sources and unit tests of this layer
noinst_LIBRARIES += libext.a
libext_a_SOURCES = \
  src/ext/ext_breaker.c include/ext/ext_breaker.h \
  src/ext/ext_bulkhead.c include/ext/ext_bulkhead.h \
  include/ext/ext_courier.h src/ext/ext_courier.c \
  src/ext/ext_client.c include/ext/ext_client.h \
  src/ext/ext_decode.c src/ext/ext_decode.h \
  src/ext/ext_escape.c include/ext/ext_escape.h \
  src/ext/ext_holder.c include/ext/ext_holder.h \
  src/ext/ext_jsonpath.c include/ext/ext_jsonpath.h \
  src/ext/ext_priv.h \
  src/ext/ext_probe.c include/ext/ext_probe.h \
  src/ext/ext_shared.c include/ext/ext_shared.h include/ext/ext_result.h \
  src/ext/ext_status.c include/ext/ext_status.h \
  src/ext/ext_tls.c \
  src/ext/ext_transfer.c \
  src/ext/hook.c include/ext/hook.h \
  src/ext/pay.c include/ext/pay.h \
  src/ext/pay_moyasar.c \
  src/ext/pay_moyasar_read.c src/ext/pay_moyasar_read.h \
  src/ext/pay_priv.h \
  src/ext/sms.c include/ext/sms.h \
  src/ext/sms_http.c \
  src/ext/sms_msegat.c \
  src/ext/sms_priv.h \
  src/ext/sms_taqnyat.c \
  src/ext/sms_twilio.c \
  src/ext/sms_unifonic.c
libext_a_CFLAGS = $(AM_CFLAGS)

if HAVE_CHECK
EXT_TESTS = \
  tests/unit/check_ext_breaker \
  tests/unit/check_ext_client \
  tests/unit/check_ext_text \
  tests/unit/check_ext_tls \
  tests/unit/check_pay \
  tests/unit/check_pay_shapes \
  tests/unit/check_sms \
  tests/unit/check_sms_refusals
check_PROGRAMS += $(EXT_TESTS)
TESTS += $(EXT_TESTS)
EXT_TEST_HELPERS = tests/lib/th_cert.c tests/lib/th_cert.h tests/lib/th_ext.c tests/lib/th_ext.h \
  tests/lib/th_provider.c tests/lib/th_provider.h tests/lib/th_unit.h
tests_unit_check_ext_breaker_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_ext_client_SOURCES = tests/unit/check_ext_client.c $(EXT_TEST_HELPERS)
tests_unit_check_ext_client_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_ext_text_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_ext_tls_SOURCES = tests/unit/check_ext_tls.c $(EXT_TEST_HELPERS)
tests_unit_check_ext_tls_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_pay_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_pay_shapes_SOURCES = tests/unit/check_pay_shapes.c $(EXT_TEST_HELPERS)
tests_unit_check_pay_shapes_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_sms_SOURCES = tests/unit/check_sms.c $(EXT_TEST_HELPERS)
tests_unit_check_sms_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
tests_unit_check_sms_refusals_SOURCES = tests/unit/check_sms_refusals.c $(EXT_TEST_HELPERS)
tests_unit_check_sms_refusals_LDADD = $(LIBS_EXT) $(CHECK_LIBS)
endif
