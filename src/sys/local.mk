# src/sys: sources and unit tests of this layer
noinst_LIBRARIES += libsys.a
libsys_a_SOURCES = \
  src/sys/addrs.c include/sys/addrs.h \
  src/sys/board.c include/sys/board.h \
  src/sys/log.c include/sys/log.h \
  src/sys/log_line.c include/sys/log_line.h \
  src/sys/metrics.c include/sys/metrics.h include/sys/metrics.def \
  src/sys/metrics_accept.c src/sys/metrics_dims.c src/sys/metrics_page.c src/sys/metrics_priv.h \
  src/sys/net.c src/sys/net_fds.c include/sys/net.h \
  src/sys/notify_sd.c include/sys/notify_sd.h \
  src/sys/shm.c include/sys/shm.h \
  src/sys/sig.c include/sys/sig.h \
  src/sys/twin.c include/sys/twin.h

# configuration and JSON
include $(top_srcdir)/src/sys/config.mk
