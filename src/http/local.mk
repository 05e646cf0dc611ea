# src/http: sources and unit tests of this layer
noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
  src/http/http_priv.h \
  src/http/http_parse.c include/http/http_parse.h \
  src/http/http_parse_chars.c \
  src/http/http_parse_chunked.c \
  src/http/http_parse_rules.c \
  src/http/http_path.c include/http/http_path.h \
  src/http/http_resp.c include/http/http_resp.h
