# configuration, regions and JSON: sources and unit tests
libsys_a_SOURCES += \
  include/sys/json.h \
  include/sys/regions.h \
  src/sys/json.c \
  src/sys/json_read.c \
  src/sys/regions.c
