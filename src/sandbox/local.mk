# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/sandbox: the simulated providers, a program of its own
# Its control route has no credentials: built for tests and trials, installed when asked for.
if INSTALL_SANDBOX
bin_PROGRAMS += bookingd-sandbox
dist_man_MANS += doc/bookingd-sandbox.1
else
noinst_PROGRAMS += bookingd-sandbox
EXTRA_DIST += doc/bookingd-sandbox.1
endif
bookingd_sandbox_SOURCES = \
  src/sandbox/main.c \
  src/sandbox/sim.c \
  src/sandbox/sim.h \
  src/sandbox/sim_bend.c \
  src/sandbox/sim_checkout.c \
  src/sandbox/sim_conn.c \
  src/sandbox/sim_conn.h \
  src/sandbox/sim_fault.c \
  src/sandbox/sim_hook.c \
  src/sandbox/sim_hook.h \
  src/sandbox/sim_inbox.c \
  src/sandbox/sim_inbox.h \
  src/sandbox/sim_loop.c \
  src/sandbox/sim_moyasar.c \
  src/sandbox/sim_moyasar.h \
  src/sandbox/sim_moyasar_books.c \
  src/sandbox/sim_moyasar_calls.c \
  src/sandbox/sim_moyasar_invoice.c \
  src/sandbox/sim_moyasar_list.c \
  src/sandbox/sim_moyasar_list.h \
  src/sandbox/sim_moyasar_payment.c \
  src/sandbox/sim_moyasar_webhook.c \
  src/sandbox/sim_route.c \
  src/sandbox/sim_serve.h \
  src/sandbox/sim_sms.c \
  src/sandbox/sim_sms.h
nodist_bookingd_sandbox_SOURCES = src/sandbox/inbox_page.c src/sandbox/pay_page.c
bookingd_sandbox_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
bookingd_sandbox_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src/sandbox
bookingd_sandbox_LDADD = libhttp.a $(LIBS_DOMAIN) $(ZLIB_LIBS)
BUILT_SOURCES += src/sandbox/inbox_page.c src/sandbox/pay_page.c
CLEANFILES += src/sandbox/inbox_page.c src/sandbox/pay_page.c
EXTRA_DIST += src/sandbox/inbox.html src/sandbox/pay.html src/sandbox/page.awk
src/sandbox/%_page.c: $(top_srcdir)/src/sandbox/%.html $(top_srcdir)/src/sandbox/page.awk
	@$(MKDIR_P) src/sandbox
	$(AM_V_GEN)awk -v name=sim_$*_page -f $(top_srcdir)/src/sandbox/page.awk \
	  $(top_srcdir)/src/sandbox/$*.html >$@.tmp && mv $@.tmp $@
