# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/api: from a request's bytes to the answer's: the frame and the handlers
noinst_LIBRARIES += libapi.a
libapi_a_SOURCES = \
  include/api/api.h \
  include/api/api_handler.h \
  include/api/api_language.h \
  include/api/api_page.h \
  src/api/api.c \
  src/api/api_audit.c \
  src/api/api_auth.c \
  src/api/api_card.c \
  src/api/api_client.c \
  src/api/api_cursor.c \
  src/api/api_customer.h \
  src/api/api_customers.c \
  src/api/api_desk.c \
  include/api/api_desk.h \
  src/api/api_etag.c \
  src/api/api_health.c \
  src/api/api_idem.c \
  src/api/api_input.c \
  src/api/api_keys.c \
  src/api/api_language.c \
  src/api/api_log.c \
  src/api/api_me.c \
  src/api/api_openapi.c \
  src/api/api_otp.c \
  src/api/api_priv.h \
  src/api/api_problem.c \
  src/api/api_providers.c \
  src/api/api_query.c \
  src/api/api_reply.c \
  src/api/api_routes.c \
  src/api/api_standby.c \
  src/api/api_routes_all.def \
  src/api/api_routes_ident.def \
  src/api/api_routes_catalog.def \
  src/api/api_routes_booking.def \
  src/api/api_routes_payment.def

# The document that is served: doc/openapi.yaml as JSON, in C.
nodist_libapi_a_SOURCES = src/api/api_openapi_doc.c src/api/api_desk_files.c
noinst_PROGRAMS += src/api/mkopenapi
src_api_mkopenapi_SOURCES = src/api/mkopenapi.c src/api/mkopenapi_lower.h src/api/mkopenapi_lower.c
src_api_mkopenapi_LDADD = $(YAML_LIBS) $(JANSSON_LIBS)
EXTRA_DIST += doc/openapi.yaml tests/system/test_ident.py
CLEANFILES += src/api/api_openapi_doc.c
src/api/api_openapi_doc.c: $(top_srcdir)/doc/openapi.yaml src/api/mkopenapi$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) src/api && \
	  ./src/api/mkopenapi$(EXEEXT) $(top_srcdir)/doc/openapi.yaml >$@.tmp && mv $@.tmp $@

# The desk page, in C.
DESK_FILES = src/desk/desk.html src/desk/desk.css src/desk/desk.js
EXTRA_DIST += $(DESK_FILES) src/desk/embed.py
CLEANFILES += src/api/api_desk_files.c
src/api/api_desk_files.c: $(DESK_FILES) src/desk/embed.py
	$(AM_V_GEN)$(MKDIR_P) src/api && top=`pwd` && cd $(srcdir) && \
	  $(PYTHON) src/desk/embed.py $(DESK_FILES) >"$$top/$@.tmp" && mv -f "$$top/$@.tmp" "$$top/$@"

include $(top_srcdir)/src/api/catalog.mk
include $(top_srcdir)/src/api/booking.mk
include $(top_srcdir)/src/api/payment.mk

if HAVE_CHECK
API_UNIT_TESTS = tests/unit/check_api tests/unit/check_api_card tests/unit/check_api_document
check_PROGRAMS += $(API_UNIT_TESTS)
TESTS += $(API_UNIT_TESTS)

API_DB_TESTS = tests/db/check_frame
check_PROGRAMS += $(API_DB_TESTS)
TESTS += $(API_DB_TESTS)
tests_db_check_frame_LDADD = libthdb.a $(LIBS_API) $(CHECK_LIBS)
tests_db_check_frame_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
endif
