# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# venues, services, resources, opening hours, closures, slots
libsvc_a_SOURCES += \
  include/svc/catalog.h \
  include/svc/catalog_write.h \
  src/svc/catalog.c \
  src/svc/catalog_conflicts.c \
  src/svc/catalog_special.c \
  src/svc/catalog_staff.c
