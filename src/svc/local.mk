# src/svc: use cases; knows the database and the providers, not HTTP
noinst_LIBRARIES += libsvc.a
libsvc_a_SOURCES = \
  include/svc/audit.h \
  include/svc/phone.h \
  include/svc/svc.h \
  src/svc/svc.c
libsvc_a_CFLAGS = $(AM_CFLAGS)

include $(top_srcdir)/src/svc/catalog.mk
include $(top_srcdir)/src/svc/booking.mk
