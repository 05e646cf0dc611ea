# src/sys: sources and unit tests of this layer
noinst_LIBRARIES += libsys.a
libsys_a_SOURCES =

include $(top_srcdir)/src/sys/config.mk
