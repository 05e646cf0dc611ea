# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# src/cli: the command line
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
  include/cli/cli.h \
  src/cli/cli.c \
  src/cli/cli_alert.c \
  src/cli/cli_check_config.c \
  src/cli/cli_commands.c \
  src/cli/cli_init.c \
  src/cli/cli_init_files.h \
  src/cli/cli_init_files.c \
  src/cli/cli_doctor.c \
  src/cli/cli_migrate.c \
  src/cli/cli_monitor.c \
  src/cli/cli_notifications.c \
  src/cli/cli_priv.h \
  src/cli/cli_reload.c \
  src/cli/cli_session.c \
  src/cli/cli_staff.c \
  src/cli/cli_status.c
libcli_a_CPPFLAGS = $(AM_CPPFLAGS) -DBD_SYSCONFDIR='"$(sysconfdir)"'

# Completion for shells, from the table of commands.
noinst_PROGRAMS += src/cli/mkcompletion
src_cli_mkcompletion_SOURCES = src/cli/mkcompletion.c
src_cli_mkcompletion_LDADD = libcli.a $(LIBS_API)
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_bashcompletion_DATA = src/cli/completion/bookingd
nodist_zshcompletion_DATA = src/cli/completion/_bookingd
CLEANFILES += $(nodist_bashcompletion_DATA) $(nodist_zshcompletion_DATA)
src/cli/completion/bookingd: src/cli/mkcompletion$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) src/cli/completion && \
	  ./src/cli/mkcompletion$(EXEEXT) bash >$@.tmp && mv -f $@.tmp $@
src/cli/completion/_bookingd: src/cli/mkcompletion$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) src/cli/completion && \
	  ./src/cli/mkcompletion$(EXEEXT) zsh >$@.tmp && mv -f $@.tmp $@
