# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Fuzz targets: fuzz_NAME with libFuzzer (--enable-fuzz, clang); replay_NAME goes through the corpus
# in `make check`.
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/coverage.py tests/fuzz/corpus tests/fuzz/regressions \
  $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/tests/fuzz/*.dict))
# fuzz_request stands in for the database
FUZZ_WRAP = $(AM_LDFLAGS) -Wl,--wrap=db_run

FUZZ_REPLAYS = \
  tests/fuzz/replay_config \
  tests/fuzz/replay_cursor \
  tests/fuzz/replay_fields \
  tests/fuzz/replay_gateway_answer \
  tests/fuzz/replay_http_chunked \
  tests/fuzz/replay_http_head \
  tests/fuzz/replay_http_query \
  tests/fuzz/replay_json \
  tests/fuzz/replay_payment_decide \
  tests/fuzz/replay_phone \
  tests/fuzz/replay_provider_answer \
  tests/fuzz/replay_request \
  tests/fuzz/replay_shared \
  tests/fuzz/replay_webhook
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)
tests_fuzz_replay_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c
tests_fuzz_replay_cursor_SOURCES = tests/fuzz/fuzz_cursor.c tests/fuzz/replay.c
tests_fuzz_replay_fields_SOURCES = tests/fuzz/fuzz_fields.c tests/fuzz/replay.c
tests_fuzz_replay_gateway_answer_SOURCES = tests/fuzz/fuzz_gateway_answer.c tests/fuzz/replay.c
tests_fuzz_replay_http_chunked_SOURCES = tests/fuzz/fuzz_http_chunked.c tests/fuzz/replay.c
tests_fuzz_replay_http_head_SOURCES = tests/fuzz/fuzz_http_head.c tests/fuzz/replay.c
tests_fuzz_replay_http_query_SOURCES = tests/fuzz/fuzz_http_query.c tests/fuzz/replay.c
tests_fuzz_replay_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/replay.c
tests_fuzz_replay_payment_decide_SOURCES = tests/fuzz/fuzz_payment_decide.c tests/fuzz/replay.c
tests_fuzz_replay_phone_SOURCES = tests/fuzz/fuzz_phone.c tests/fuzz/replay.c
tests_fuzz_replay_provider_answer_SOURCES = tests/fuzz/fuzz_provider_answer.c tests/fuzz/replay.c
tests_fuzz_replay_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/replay.c
tests_fuzz_replay_request_LDFLAGS = $(FUZZ_WRAP)
tests_fuzz_replay_shared_SOURCES = tests/fuzz/fuzz_shared.c tests/fuzz/replay.c
tests_fuzz_replay_shared_LDADD = $(LIBS_MASTER) $(CHECK_LIBS)
tests_fuzz_replay_webhook_SOURCES = tests/fuzz/fuzz_webhook.c tests/fuzz/replay.c

if FUZZ
LINK_LIBFUZZER = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += \
  tests/fuzz/fuzz_config \
  tests/fuzz/fuzz_cursor \
  tests/fuzz/fuzz_fields \
  tests/fuzz/fuzz_gateway_answer \
  tests/fuzz/fuzz_http_chunked \
  tests/fuzz/fuzz_http_head \
  tests/fuzz/fuzz_http_query \
  tests/fuzz/fuzz_json \
  tests/fuzz/fuzz_payment_decide \
  tests/fuzz/fuzz_phone \
  tests/fuzz/fuzz_provider_answer \
  tests/fuzz/fuzz_request \
  tests/fuzz/fuzz_shared \
  tests/fuzz/fuzz_webhook
tests_fuzz_fuzz_config_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_cursor_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_fields_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_gateway_answer_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_http_chunked_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_http_head_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_http_query_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_json_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_payment_decide_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_phone_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_provider_answer_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_request_LDFLAGS = $(FUZZ_WRAP) -fsanitize=fuzzer
tests_fuzz_fuzz_shared_LDFLAGS = $(LINK_LIBFUZZER)
tests_fuzz_fuzz_shared_LDADD = $(LIBS_MASTER)
tests_fuzz_fuzz_webhook_LDFLAGS = $(LINK_LIBFUZZER)
endif
