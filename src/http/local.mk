# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/http: sources and unit tests of this layer
noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
  src/http/http_priv.h \
  src/http/http_head.c include/http/http_head.h \
  src/http/http_parse.c include/http/http_parse.h \
  src/http/http_parse_chunked.c \
  src/http/http_parse_rules.c \
  src/http/http_path.c include/http/http_path.h \
  src/http/http_accept.c include/http/http_accept.h \
  src/http/http_access.c include/http/http_access.h \
  src/http/http_client.c include/http/http_client.h \
  src/http/http_cors.c include/http/http_cors.h \
  src/http/http_problem.c include/http/http_problem.h \
  src/http/http_syntax.c \
  src/http/http_resp.c include/http/http_resp.h \
  src/http/http_route.c include/http/http_route.h

if HAVE_CHECK
HTTP_TESTS = \
  tests/unit/check_http_chunked \
  tests/unit/check_http_parse \
  tests/unit/check_http_path \
  tests/unit/check_http_resp
check_PROGRAMS += $(HTTP_TESTS)
TESTS += $(HTTP_TESTS)
tests_unit_check_http_parse_LDADD = $(LIBS_HTTP) $(CHECK_LIBS)
tests_unit_check_http_chunked_LDADD = $(LIBS_HTTP) $(CHECK_LIBS)
tests_unit_check_http_path_LDADD = $(LIBS_HTTP) $(CHECK_LIBS)
tests_unit_check_http_resp_LDADD = $(LIBS_HTTP) $(CHECK_LIBS)
endif
