# src/api: from a request's bytes to the answer's: the frame and the handlers
noinst_LIBRARIES += libapi.a
libapi_a_SOURCES = \
  include/api/api.h \
  src/api/api_routes.c \
  src/api/api_routes_all.def \
  src/api/api_routes_ident.def \
  src/api/api_routes_catalog.def \
  src/api/api_routes_booking.def \
  src/api/api_routes_payment.def
libapi_a_CFLAGS = $(AM_CFLAGS)

include $(top_srcdir)/src/api/catalog.mk
include $(top_srcdir)/src/api/booking.mk
