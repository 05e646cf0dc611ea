# configuration, regions and JSON: sources and unit tests
libsys_a_SOURCES += \
  include/sys/regions.h \
  src/sys/regions.c
