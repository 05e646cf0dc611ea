# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# venues, services, resources, opening hours, closures, slots
libapi_a_SOURCES += \
  include/api/api_catalog_json.h \
  include/api/api_catalog_words.h \
  include/api/api_hours.h \
  src/api/api_catalog.c \
  src/api/api_catalog_json.c \
  src/api/api_reminders.c include/api/api_reminders.h \
  src/api/api_catalog_words.c \
  src/api/api_closures.c \
  src/api/api_hours.c \
  src/api/api_resources.c \
  src/api/api_slots.c \
  src/api/api_special_hours.c \
  src/api/api_staff_catalog.c
