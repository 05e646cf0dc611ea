# src/base: sources and unit tests of this layer
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
  src/base/arena.c include/base/arena.h \
  include/base/cdefs.h \
  src/base/clock.c include/base/clock.h \
  src/base/digest.c include/base/digest.h \
  src/base/ensure.c include/base/ensure.h \
  src/base/err.c include/base/err.h include/base/err.def \
  src/base/num.c include/base/num.h \
  src/base/rng.c include/base/rng.h \
  src/base/str.c include/base/str.h \
  src/base/uuid.c include/base/uuid.h
