# systemd units. The service names its binary and configuration, so it is made from a template.
systemdsystemunit_DATA = systemd/bookingd.service systemd/bookingd.socket
EXTRA_DIST += systemd/bookingd.service.in systemd/bookingd.socket tests/lint/units.sh
CLEANFILES += systemd/bookingd.service
TESTS += tests/lint/units.sh
# The unit directory is systemd's own, outside the prefix: not a place for a trial installation.
AM_DISTCHECK_CONFIGURE_FLAGS = --with-systemdsystemunitdir='$${prefix}/lib/systemd/system'

systemd/bookingd.service: systemd/bookingd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(SED) -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	  $(srcdir)/systemd/bookingd.service.in >$@.tmp && mv -f $@.tmp $@
