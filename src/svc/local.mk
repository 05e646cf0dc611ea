# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/svc: use cases; knows the database and the providers, not HTTP
noinst_LIBRARIES += libsvc.a
libsvc_a_SOURCES = \
  include/svc/svc.h src/svc/svc.c \
  include/svc/alert.h src/svc/alert.c \
  include/svc/audit.h src/svc/audit.c \
  include/svc/customer.h src/svc/customer.c \
  include/svc/customer_staff.h src/svc/customer_staff.c \
  include/svc/idem.h src/svc/idem.c \
  include/svc/otp.h src/svc/otp_priv.h src/svc/otp.c src/svc/otp_verify.c \
  include/svc/pending.h src/svc/pending.c \
  include/svc/phone.h src/svc/phone.c \
  include/svc/ratelimit.h src/svc/ratelimit.c \
  include/svc/session.h src/svc/session.c \
  include/svc/staff.h src/svc/staff.c \
  include/svc/db_gauges.h src/svc/db_gauges.c \
  include/svc/replication.h src/svc/replication.c \
  include/svc/nodes.h src/svc/nodes.c

# The statements: plain SQL, embedded as const struct db_stmt.
SVC_SQL = \
  src/svc/sql/access.sql \
  src/svc/sql/audit.sql \
    src/svc/sql/booking.sql \
  src/svc/sql/booking_place.sql \
  src/svc/sql/catalog.sql \
  src/svc/sql/catalog_change.sql \
  src/svc/sql/customer.sql \
  src/svc/sql/courier.sql \
  src/svc/sql/customer_staff.sql \
  src/svc/sql/db_gauges.sql \
  src/svc/sql/doctor.sql \
  src/svc/sql/idem.sql \
  src/svc/sql/keeper.sql \
  src/svc/sql/nodes.sql \
  src/svc/sql/notification.sql \
  src/svc/sql/otp.sql \
  src/svc/sql/payment.sql \
  src/svc/sql/refund.sql \
  src/svc/sql/session.sql \
  src/svc/sql/slot_facts.sql \
  src/svc/sql/staff.sql
EXTRA_DIST += $(SVC_SQL)
nodist_libsvc_a_SOURCES = src/svc/svc_sql.c src/svc/svc_sql.h
BUILT_SOURCES += src/svc/svc_sql.h
CLEANFILES += src/svc/svc_sql.c src/svc/svc_sql.h
src/svc/svc_sql.h src/svc/svc_sql.c: $(SVC_SQL) src/db/embed.py
	$(AM_V_GEN)$(MKDIR_P) src/svc && top=`pwd` && cd $(srcdir) && \
	  case $@ in *.h) kind=header ;; *) kind=source ;; esac && \
	  $(PYTHON) src/db/embed.py $$kind svc_sql $(SVC_SQL) >"$$top/$@.tmp" && \
	  mv -f "$$top/$@.tmp" "$$top/$@"
$(libsvc_a_OBJECTS): | src/svc/svc_sql.h

include $(top_srcdir)/src/svc/catalog.mk
include $(top_srcdir)/src/svc/booking.mk
include $(top_srcdir)/src/svc/payment.mk

if HAVE_CHECK
SVC_UNIT_TESTS = tests/unit/check_phone
check_PROGRAMS += $(SVC_UNIT_TESTS)
TESTS += $(SVC_UNIT_TESTS)
tests_unit_check_phone_LDADD = $(LIBS_SVC) $(CHECK_LIBS)

SVC_DB_TESTS = tests/db/check_idem tests/db/check_otp tests/db/check_statements
check_PROGRAMS += $(SVC_DB_TESTS)
TESTS += $(SVC_DB_TESTS)
tests_db_check_idem_LDADD = libthdb.a $(LIBS_SVC) $(CHECK_LIBS)
tests_db_check_otp_LDADD = libthdb.a $(LIBS_SVC) $(CHECK_LIBS)
tests_db_check_statements_LDADD = libthdb.a $(LIBS_SVC) $(CHECK_LIBS)
endif
