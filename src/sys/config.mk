# configuration, regions and JSON: sources and unit tests
libsys_a_SOURCES += \
  include/sys/config.h \
  include/sys/json.h \
  include/sys/regions.h \
  src/sys/config.c \
  src/sys/config.def \
  src/sys/config_fault.c \
  src/sys/config_keys.c \
  src/sys/config_message.c \
  src/sys/config_net.c \
  src/sys/config_priv.h \
  src/sys/config_provider.c \
  src/sys/config_secret.c \
  src/sys/config_template.c \
  src/sys/config_url.c \
  src/sys/config_value.c \
  src/sys/config_yaml.c \
  src/sys/json.c \
  src/sys/json_read.c \
  src/sys/regions.c
