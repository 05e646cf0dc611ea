# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# systemd's units and snippets. What names the binary or the configuration is made from a template.
systemdsystemunit_DATA = systemd/bookingd.service systemd/bookingd.socket
EXTRA_DIST += systemd/bookingd.service.in systemd/bookingd.socket systemd/bookingd.sysusers.conf \
  systemd/bookingd.tmpfiles.conf.in tests/lint/units.sh
CLEANFILES += systemd/bookingd.service systemd/bookingd.tmpfiles.conf
noinst_DATA = systemd/bookingd.tmpfiles.conf
TESTS += tests/lint/units.sh
# These directories are systemd's own, outside the prefix: not a place for a trial installation.
AM_DISTCHECK_CONFIGURE_FLAGS = --with-systemdsystemunitdir='$${prefix}/lib/systemd/system' \
  --with-sysusersdir='$${prefix}/lib/sysusers.d' --with-tmpfilesdir='$${prefix}/lib/tmpfiles.d'

FILL_IN = $(MKDIR_P) systemd && $(SED) -e 's|@bindir[@]|$(bindir)|g' -e \
  's|@sysconfdir[@]|$(sysconfdir)|g'
systemd/bookingd.service: systemd/bookingd.service.in Makefile
	$(AM_V_GEN)$(FILL_IN) $(srcdir)/systemd/bookingd.service.in >$@.tmp && mv -f $@.tmp $@
systemd/bookingd.tmpfiles.conf: systemd/bookingd.tmpfiles.conf.in Makefile
	$(AM_V_GEN)$(FILL_IN) $(srcdir)/systemd/bookingd.tmpfiles.conf.in >$@.tmp && mv -f $@.tmp $@

# Both are installed under one name, each in its directory.
install-data-hook: install-snippets
uninstall-hook: uninstall-snippets
install-snippets: systemd/bookingd.tmpfiles.conf
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/bookingd.sysusers.conf '$(DESTDIR)$(sysusersdir)/bookingd.conf'
	$(INSTALL_DATA) systemd/bookingd.tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/bookingd.conf'
uninstall-snippets:
	rm -f '$(DESTDIR)$(sysusersdir)/bookingd.conf' '$(DESTDIR)$(tmpfilesdir)/bookingd.conf'
.PHONY: install-snippets uninstall-snippets
