# src/ext: sources and unit tests of this layer
noinst_LIBRARIES += libext.a
libext_a_SOURCES = \
  src/ext/ext_breaker.c include/ext/ext_breaker.h \
  src/ext/ext_bulkhead.c include/ext/ext_bulkhead.h \
  src/ext/ext_client.c include/ext/ext_client.h \
  src/ext/ext_escape.c include/ext/ext_escape.h \
  src/ext/ext_holder.c include/ext/ext_holder.h \
  src/ext/ext_jsonpath.c include/ext/ext_jsonpath.h \
  src/ext/ext_priv.h \
  src/ext/ext_shared.c \
  src/ext/ext_transfer.c \
  src/ext/sms.c include/ext/sms.h \
  src/ext/sms_http.c \
  src/ext/sms_msegat.c \
  src/ext/sms_priv.h \
  src/ext/sms_taqnyat.c \
  src/ext/sms_twilio.c \
  src/ext/sms_unifonic.c
libext_a_CFLAGS = $(AM_CFLAGS)
