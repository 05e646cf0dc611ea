# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# bookings, notifications, tasks of the keeper
libsvc_a_SOURCES += \
  include/svc/booking.h include/svc/booking_reads.h \
  include/svc/notification_list.h \
  include/svc/notification.h \
  include/svc/keeper_tasks.h \
  src/svc/booking.c \
  include/svc/booking_row.h include/svc/booking_name.h src/svc/booking_name.c \
  src/svc/booking_reads.c \
  src/svc/booking_change.c \
  include/svc/booking_pay.h \
  src/svc/booking_pay.c \
  src/svc/booking_place.c \
  src/svc/booking_priv.h \
  src/svc/slot_facts.c src/svc/slot_facts.h \
  src/svc/slot_search.c include/svc/slot_search.h \
  src/svc/notification.c \
  src/svc/notification_priv.h \
  src/svc/notification_store.c \
  src/svc/notification_text.c \
  src/svc/notification_list.c \
  include/svc/courier.h src/svc/courier.c \
  src/svc/reminder.c \
  src/svc/keeper_tasks.c

# Tests with a real database and a provider that the test answers for.
EXTRA_DIST += tests/lib/th_book.h tests/lib/bd_shop.py tests/system/test_booking.py \
  tests/system/test_notification_list.py \
  tests/system/test_race.py
if HAVE_CHECK
check_LIBRARIES += libthbook.a
libthbook_a_SOURCES = tests/lib/th_book.c tests/lib/th_book.h
libthbook_a_CFLAGS = $(TH_DB_CFLAGS)
LIBS_TH_BOOK = libthbook.a libthdb.a $(LIBS_SVC) $(CHECK_LIBS)

BOOKING_TESTS = tests/db/check_booking tests/db/check_booking_race tests/db/check_notification
check_PROGRAMS += $(BOOKING_TESTS)
TESTS += $(BOOKING_TESTS)
tests_db_check_booking_LDADD = $(LIBS_TH_BOOK)
tests_db_check_booking_race_LDADD = $(LIBS_TH_BOOK)
tests_db_check_notification_LDADD = $(LIBS_TH_BOOK)
endif
